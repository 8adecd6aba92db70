"""The crash sweep finds nothing in the engine, and finds what is planted."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any, BinaryIO

import pytest
from drills import of_library

from emulator.sim.lab import SimLab
from emulator.sim.node import load_module
from scenarios.steps import describe
from scenarios.sweep import table
from scenarios.sweep.cells import (
    Cell,
    Crash,
    NoCell,
    Place,
    Point,
    SweepBroken,
    first_own_step,
)
from scenarios.sweep.sweeping import Swept, repeat, sweep

SHUTDOWN = "roll back on pbx2: shutdown"
EVERY = 29  # of the fixed part that runs with all tests; prime, so that it hits all kinds


@pytest.fixture(scope="module")
def part() -> Swept:
    """A fixed part of the sweep of a failover."""
    return sweep(
        of_library("failover"), jobs=2, bound=2, wanted=lambda cell: cell.place % EVERY == 0
    )


def test_a_fixed_part_of_the_sweep_passes(part: Swept) -> None:
    assert {cell.crash for cell in part.found} == set(Crash)
    assert {cell.node for cell in part.found} == {"pbx1", "pbx2"}
    assert part.failed == {}
    assert part.unexamined == []


def test_the_table_has_no_empty_cell(part: Swept) -> None:
    rows = table.shown([part])

    assert rows
    assert all(cell for row in rows for cell in row)


def test_each_cell_is_in_the_json_with_its_verdict(part: Swept) -> None:
    rows = table.as_json([part], 2)

    assert {row["cell"] for row in rows} == {str(cell) for cell in part.found}
    assert {row["verdict"] for row in rows} == {"passed"}


@pytest.mark.parametrize(("same", "complete"), [(1, True), (0, False)])
def test_a_world_that_is_left_out_makes_the_sweep_incomplete_and_is_told(
    same: int, *, complete: bool
) -> None:
    cells = tuple(Cell("failover", "pbx1", Crash.POWER_CUT, 7, number) for number in range(2))
    point = Point(1, "initialise", "pbx1", "appliance changed", "write a")
    place = Place(point, Crash.POWER_CUT, cells, possible=3, same=same)
    swept = Swept("failover", [place], dict.fromkeys(cells, ()))

    assert swept.complete == complete
    assert ("BEYOND THE BOUND of 2" in table.totals([swept], 2)) != complete


@pytest.fixture(scope="module")
def last_step() -> Swept:
    """Some kills of the active in the last step of a rollback: the run that ends it."""
    scenario = of_library("rollback")
    return sweep(
        scenario,
        jobs=2,
        bound=1,
        first=len(scenario.steps),
        wanted=lambda cell: (
            (cell.node, cell.crash) == ("pbx1", Crash.KILLED_AFTER) and cell.place % 9 == 0
        ),
    )


@pytest.mark.covers("R57", "F6")
def test_a_rollback_ends_wherever_its_last_run_is_killed(last_step: Swept) -> None:
    assert last_step.found
    assert last_step.failed == {}
    assert last_step.unexamined == []


@pytest.mark.covers("R57", "F6")
def test_a_rollback_goes_on_wherever_its_shutdown_is_killed() -> None:
    scenario = of_library("rollback")
    number = next(at for at, one in enumerate(scenario.whole, 1) if SHUTDOWN in describe(one))
    places: list[int] = []

    def of_the_shutdown(cell: Cell) -> bool:
        if cell.node != "pbx2" or cell.crash is Crash.POWER_CUT:
            return False
        places.append(cell.place)
        return cell.place < min(places) + 6

    swept = sweep(scenario, jobs=2, bound=1, first=number, wanted=of_the_shutdown)

    assert {one.point.action for one in swept.places} >= {"engine rollback.step"}
    assert swept.failed == {}


def test_nothing_is_crashed_before_the_first_step_that_is_asked_for(last_step: Swept) -> None:
    number = len(of_library("rollback").steps)
    assert {one.point.number for one in last_step.places} == {number}


def test_steps_with_which_an_earlier_scenario_begins_are_not_crashed_again() -> None:
    failover, rollback = of_library("failover"), of_library("rollback")

    assert first_own_step(failover, []) == 1
    assert first_own_step(rollback, [failover]) == 7
    assert first_own_step(rollback, [failover, rollback]) == len(rollback.steps) + 1


def test_steps_that_a_start_stands_for_are_steps_like_others() -> None:
    initialised = of_library("failover").model_copy(update={"start": "initialised"})
    begins = initialised.model_copy(update={"start": "fresh", "steps": initialised.whole[:3]})

    assert first_own_step(initialised, [begins]) == 4


class Forgetful:
    """A module's folder whose lines a power cut may take: a planted bug."""

    def __init__(self, disk: Any, store: Any) -> None:
        self._disk = disk
        self._store = store

    def append(self, name: str, line: str) -> None:
        self._disk.append(f"module/redundanz/{name}").write(f"{line}\n".encode())

    def lines(self, name: str) -> list[str]:
        lines: list[str] = self._store.lines(name)
        return lines

    def open(self, path: str) -> BinaryIO:
        stream: BinaryIO = self._store.open(path)
        return stream


class Planting:
    """Makes simulated labs whose modules have a planted bug."""

    def make(self, spec: Any, workdir: Path) -> SimLab:  # noqa: ARG002 - as all makers
        def load(machine: Any, wiring: Any) -> Any:
            wiring.store = Forgetful(machine.disk, wiring.store)
            return load_module(machine, wiring)

        lab = SimLab(spec, spec.start, load)
        lab.build()
        return lab


def test_a_journal_that_is_not_synced_is_found() -> None:
    swept = sweep(
        of_library("failover"),
        jobs=2,
        bound=1,
        wanted=lambda cell: (
            (cell.node, cell.crash) == ("pbx2", Crash.POWER_CUT)
            and cell.place >= 100  # after the initialisation; every fourth place will do
            and cell.place % 4 == 0
        ),
        maker=Planting(),
    )

    lines = [line for found in swept.failed.values() for line in found]
    assert any(line.startswith("same-end: pbx2") for line in lines), lines


def test_a_cell_is_repeated_alone_with_its_evidence(tmp_path: Path) -> None:
    cell = Cell("failover", "pbx2", Crash.KILLED_AFTER, 12)

    faults = repeat(of_library("failover"), cell, folder=tmp_path / "run")

    assert faults == ()
    history = (tmp_path / "run/events.jsonl").read_text()
    assert f'"cell": "{cell}"' in history
    assert (tmp_path / "run/wire.pcap").is_file()


def test_a_cell_that_never_comes_is_said_to(tmp_path: Path) -> None:
    with pytest.raises(SweepBroken, match="never came"):
        repeat(
            of_library("failover"),
            Cell("failover", "pbx2", Crash.POWER_CUT, 99_999),
            folder=tmp_path / "run",
        )


def test_a_scenario_that_fails_by_itself_is_not_swept() -> None:
    scenario = of_library("failover")
    broken = scenario.model_copy(update={"steps": scenario.steps[:3]})

    with pytest.raises(SweepBroken, match="does not pass without a crash"):
        sweep(broken, jobs=1, bound=1)


def test_a_cell_is_read_as_it_was_written() -> None:
    cell = Cell("failover", "pbx1", Crash.KILLED_BEFORE, 3, 0)

    assert Cell.parse(str(cell)) == cell


@pytest.mark.parametrize("text", ["", "failover", "failover/pbx2/hit/1/0", "a/b/power-cut/x/0"])
def test_what_is_no_cell_is_refused(text: str) -> None:
    with pytest.raises(NoCell, match="SCENARIO/NODE/CRASH"):
        Cell.parse(text)


def test_the_command_says_what_a_wrong_cell_should_look_like() -> None:
    argv = ["-c", "from scenarios.cli import main; main()", "crash-sweep", "--cell", "nonsense"]
    done = subprocess.run([sys.executable, *argv], capture_output=True, text=True, check=False)

    assert done.returncode == 2
    assert "SCENARIO/NODE/CRASH/PLACE/SURVIVOR" in done.stderr
