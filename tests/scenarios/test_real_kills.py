"""A sample of the crash sweep with a real SIGKILL, in namespaces."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest
from drills import of_library, order

from emulator.hosted import HostedMaker
from scenarios.blueprint import POWER_ON, Ground, blueprint
from scenarios.evidence import load
from scenarios.hosting import host, lab_registry
from scenarios.narration import Silence
from scenarios.runner import run
from scenarios.sweep.judging import broken
from scenarios.sweep.killing import Killer

SAMPLE = [
    ("pbx2", "import.started"),
    ("pbx1", "run.exported"),
    ("pbx2", "receive.finished"),
    ("pbx2", "takeover.committed"),
]


@pytest.mark.netns
@pytest.mark.parametrize(("node", "event"), SAMPLE)
def test_a_node_killed_at_a_named_step_comes_back_and_the_drill_ends_well(
    node: str, event: str, tmp_path: Path
) -> None:
    scenario = of_library("failover")
    hosting, registry = host("netns", lambda _line, _done: None), lab_registry()
    killer = Killer(HostedMaker(hosting, registry), node, event)
    ground = Ground(f"kill-{os.getpid()}", str(registry.free_subnet(hosting)), 1, POWER_ON)
    drawn = blueprint(ground, scenario.lab, os.urandom)
    made = replace(order(scenario, tmp_path / "run", killer), drawn=drawn, perform=killer.perform)
    plan = made.plan.model_copy(update={"backend": "netns"})

    run(replace(made, plan=plan), Silence())

    record = load(tmp_path / "run")
    assert killer.happened()
    assert broken(record, crashed=True) == []
