"""Drills in simulation, without evidence and report: what a campaign runs by the thousand."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.labs import ROUNDS, command, failover
from benchmarks.table import Figure, Row, timed
from emulator.sim.lab import SimMaker
from scenarios.blueprint import POWER_ON, Ground, seeded_entropy
from scenarios.loading import library, read
from scenarios.making import commit
from scenarios.models.scenario import Scenario
from scenarios.narration import Silence
from scenarios.places import SIM_SUBNET
from scenarios.record import Plan
from scenarios.runner import Order, Seen, go_through
from scenarios.spares import drawn_for

FAILOVER_LIMIT_S = 0.05
MONTH_LIMIT_S = 0.3  # 200 a minute and core
LIBRARY_LIMIT_S = 20
MEMORY_LIMIT_MB = 200
MONTH = """
id: calm-month
title: A month of daily runs, in which nothing happens but work
covers: [R24]
lab: {users: 12, starts: 2025-01-14 09:00, schedule: {every: 1 day, first at: 2025-01-15 02:30}}
start: initialised
steps:
  - change: {on: pbx1, add: user, as: newcomer}
  - wait for the operator: 15 days
  - change: {on: pbx1, add: redirect, as: holiday}
  - wait for the operator: 15 days
expect:
  - present: {on: pbx2, changes: [newcomer, holiday]}
"""


def drill(scenario: Scenario) -> None:
    """Make a lab and take it through a scenario's phases, recording in memory only."""
    start = scenario.lab.power_on(POWER_ON)
    ground = Ground(scenario.id, SIM_SUBNET, 1, start)
    drawn = drawn_for(scenario, ground, seeded_entropy(1))
    plan = Plan(
        scenario=scenario, seed=1, commit=commit(), backend="sim", real_time=False, start=start
    )
    lab = SimMaker().make(drawn.spec, Path("unused"))
    try:
        go_through(Order(plan, drawn, SimMaker(), Path("unused")), lab, Silence(), Seen())
    finally:
        lab.down()


def whole_library() -> Figure:
    """Time every scenario but the family `slow`, two workers side by side, as people run it."""
    program = str(Path(sys.executable).parent / "standby-lab")
    names = [name for name, path in library().items() if path.parent.name != "slow"]

    def run() -> None:
        with tempfile.TemporaryDirectory() as folder:
            argv = [program, "run", *names, "--backend", "sim", "-j", "2", "--runs", folder]
            subprocess.run(argv, check=True, capture_output=True, env=dict(os.environ))

    return timed("sim library but slow, -j 2", run, 1)


def memory() -> Figure:
    """Return the most that this process has held so far."""
    most_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return Figure("a process that has run such drills", (most_kb / 1024,), "MB")


def rows() -> Iterator[Row]:
    """Measure drills in simulation; memory first, while nothing else has run in this process."""
    python = command("python -c pass", ["python3", "-c", "pass"], lambda: dict(os.environ))
    month = read(MONTH, "calm-month")
    figures = (
        (timed("sim month of daily runs", lambda: drill(month), ROUNDS), MONTH_LIMIT_S),
        (timed("sim failover, lab and drill", lambda: drill(failover()), ROUNDS), FAILOVER_LIMIT_S),
    )
    nothing = Figure("as much", (1.0,), "MB")
    yield Row(memory(), nothing, limit=MEMORY_LIMIT_MB)
    for figure, limit_s in figures:
        yield Row(figure, python, limit=limit_s)
    yield Row(whole_library(), python, limit=LIBRARY_LIMIT_S)
