"""The library's scenarios on every backend, and what tells the backends apart."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from subprocess import DEVNULL
from typing import Any

import pytest
from drills import Maker, altering, of_library, order

from emulator.sim.machine import SimMachine
from scenarios.evidence import load
from scenarios.fidelity import compare_outcomes
from scenarios.loading import library
from scenarios.making import Workshop
from scenarios.narration import Silence
from scenarios.runner import Outcome, judged, run
from scenarios.verdict import Verdict

SCENARIOS = sorted(library())


def explained(outcome: Outcome) -> dict[str, tuple[str, ...]]:
    return {
        name: one.evidence
        for name, one in outcome.judgements.items()
        if one.verdict in {Verdict.FAILED, Verdict.INCONCLUSIVE}
    }


@pytest.mark.parametrize("name", SCENARIOS)
def test_the_scenario_passes_in_simulation(name: str, tmp_path: Path) -> None:
    outcome = run(order(of_library(name), tmp_path / "run"), Silence())

    assert outcome.verdict is Verdict.PASSED, explained(outcome)


@pytest.mark.netns
@pytest.mark.parametrize("name", SCENARIOS)
def test_the_scenario_passes_in_namespaces_with_the_trace_of_the_simulation(
    name: str, tmp_path: Path
) -> None:
    compare_with_simulation("netns", name, tmp_path)


@pytest.mark.docker
@pytest.mark.parametrize("name", SCENARIOS)
def test_the_scenario_passes_on_docker_with_the_trace_of_the_simulation(
    name: str, tmp_path: Path
) -> None:
    compare_with_simulation("docker", name, tmp_path)


def compare_with_simulation(backend: str, name: str, folder: Path) -> None:
    workshop = Workshop(folder, Silence())
    outcomes = {one: workshop.run(of_library(name), one, seed=1) for one in (backend, "sim")}

    comparison = compare_outcomes(name, outcomes)

    assert comparison.alike, (comparison.report(), explained(outcomes[backend]))


def test_a_difference_planted_in_the_simulation_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scenario = of_library("transfer-cut")
    sound = run(order(scenario, tmp_path / "sound"), Silence())
    emit = SimMachine.emit

    def planted(
        machine: SimMachine, source: str, event: str, cause: str, detail: Mapping[str, Any]
    ) -> None:
        emit(machine, source, event, "stalled" if event == "run.waiting" else cause, detail)

    monkeypatch.setattr(SimMachine, "emit", planted)
    outcomes = {"sim": sound, "planted": run(order(scenario, tmp_path / "planted"), Silence())}
    comparison = compare_outcomes(scenario.id, outcomes)

    assert not comparison.alike
    assert outcomes["planted"].verdict is Verdict.PASSED, "only the comparison can tell"
    (line,) = comparison.report()
    assert "pbx1/engine" in line
    assert "run.waiting (stalled)" in line


def test_a_failover_names_its_outage_and_its_loss(tmp_path: Path) -> None:
    outcome = run(order(of_library("failover"), tmp_path / "run"), Silence())

    assert outcome.outage is not None
    assert outcome.outage.takeover_s is not None
    assert 0 < outcome.outage.takeover_s < 1
    assert [name for name, _ in outcome.outage.phases()] == [
        "noticed and decided",
        "checked and claimed",
        "announced",
        "first client back",
    ]
    assert outcome.lost == ("doomed",)


def test_a_stored_failover_is_judged_again_without_a_lab(tmp_path: Path) -> None:
    outcome = run(order(of_library("failover"), tmp_path / "run"), Silence())

    again = judged(tmp_path / "run", Silence())

    assert again.verdict is outcome.verdict
    assert again.trace_hash == outcome.trace_hash


def test_a_checker_catches_what_is_planted_into_a_stored_run(tmp_path: Path) -> None:
    planted = Maker(altering("switchover.asked", detail={"by": ""}))

    outcome = run(order(of_library("failover"), tmp_path / "run", planted), Silence())

    assert outcome.judgements["claim-needs-click"].verdict is Verdict.FAILED


def test_the_evidence_of_a_failover_is_complete(tmp_path: Path) -> None:
    run(order(of_library("failover"), tmp_path / "run"), Silence())

    names = {str(path.relative_to(tmp_path / "run")) for path in (tmp_path / "run").rglob("*")}
    assert {"plan.yaml", "events.jsonl", "wire.pcap", "summary.json", "scan.json"} <= names
    assert {"nodes/pbx2/events.jsonl", "mails/0001.eml"} <= names
    assert load(tmp_path / "run").scan is not None


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_simulated_drill_is_the_same_to_the_byte_each_time(name: str, tmp_path: Path) -> None:
    for folder in ("one", "two"):
        run(order(of_library(name), tmp_path / folder), Silence())

    for file in ("events.jsonl", "wire.pcap", "clients.json", "mails/index.json"):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()


def test_a_simulated_drill_depends_on_no_order_of_a_hash(tmp_path: Path) -> None:
    command = "from scenarios.cli import main; main()"
    argv = (sys.executable, "-c", command, "run", "failover", "--backend", "sim", "--runs")
    told = set()
    for seed in ("1", "4711"):
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        subprocess.run([*argv, str(tmp_path / seed)], env=environment, check=True, stdout=DEVNULL)
        told.add((tmp_path / seed / "failover/latest/events.jsonl").read_bytes())

    assert len(told) == 1
