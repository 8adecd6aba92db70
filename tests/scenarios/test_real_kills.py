"""A sample of the crash sweep with a real SIGKILL, in namespaces; another one after each change."""

from __future__ import annotations

from pathlib import Path

import pytest
from drills import of_library
from histories import Writer, record

from emulator.appliance.crash_point import CrashPoint, Stop
from scenarios.making import commit
from scenarios.sweep import table
from scenarios.sweep.cells import Crash, NoCell
from scenarios.sweep.judging import mixed
from scenarios.sweep.killing import Kill
from scenarios.sweep.workers import Killed, Ledger, benches, sweep_really
from tools.rotation import few

ROOT = Path(__file__).parents[2]
SAMPLE = [
    "failover/pbx1/killed-after/3/journal:run.exported/1",
    "failover/pbx1/killed-before/3/engine:run.succeeded/1",
    "failover/pbx2/killed-before/3/appliance:import.committed/1",
    "failover/pbx2/killed-after/3/appliance:import.verified/1",
    "failover/pbx2/killed-before/8/journal:switchover.claimed/1",
    "failover/pbx2/killed-after/8/appliance:takeover.committed/1",
]
EXPORTED = Stop("journal", "run.exported", 2, after=False)
KILL = Kill("failover", "pbx1", 3, EXPORTED, "advance")


class Ended(BaseException):
    """What ends a program."""


def end(_stop: Stop) -> None:
    raise Ended


@pytest.mark.netns
@pytest.mark.covers("F6", "D2")
def test_an_appliance_killed_at_a_named_step_comes_back_and_the_drill_ends_well(
    tmp_path: Path,
) -> None:
    (cell,) = few(SAMPLE, 1, ROOT)
    ledger = Ledger.open(tmp_path / "ledger.jsonl", commit())
    workers = benches(of_library("failover"), "netns", 1, tmp_path / "runs")

    swept = sweep_really(workers, ledger, lambda kill: str(kill) == cell)

    assert swept.found == {cell: ()}
    assert "1 passed" in str(table.killed_shown([swept]))


@pytest.mark.parametrize("after", [False, True])
def test_the_crash_point_ends_the_node_before_or_after_the_line_is_written(*, after: bool) -> None:
    point, written = CrashPoint(end), []
    point.arm("journal", "run.exported", 2, after=after)

    def write(source: str, event: str) -> None:
        with point.around(source, event):
            written.append(event)

    write("journal", "run.exported")
    write("engine", "run.exported")
    with pytest.raises(Ended):
        write("journal", "run.exported")
    assert len(written) == (3 if after else 2)


def test_a_crash_point_that_nobody_armed_ends_nothing() -> None:
    with CrashPoint(end).around("engine", "run.exported"):
        pass


def test_a_cell_of_a_real_backend_is_read_as_it_was_written() -> None:
    assert Kill.parse(str(KILL)).stop == EXPORTED
    assert KILL.crash is Crash.KILLED_BEFORE
    with pytest.raises(NoCell, match="SOURCE:EVENT"):
        Kill.parse("failover/pbx1/power-cut/3/journal:run.exported/1")


def test_a_ledger_goes_on_where_it_was_and_forgets_other_commits(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    Ledger.open(path, "abc").enter(str(KILL), ["broken"])

    assert Ledger.open(path, "abc").known == {str(KILL): ("broken",)}
    assert Ledger.open(path, "def").known == {}


def test_what_was_not_examined_is_said_in_the_table() -> None:
    (row,) = table.killed_shown([Killed((KILL,), {})])
    assert row[-2:] == ("NOT EXAMINED", "NOT EXAMINED")
    (row,) = table.killed_shown([Killed((KILL,), {str(KILL): ("broken",)})])
    assert row[-2:] == ("FAILED 1 of 1", "NOT EXAMINED")


@pytest.mark.covers("D8")
@pytest.mark.parametrize(
    ("booted", "sound"),
    [
        ({"users/a": "old", "users/b": "old"}, True),
        ({"users/a": "new", "users/b": "new"}, True),
        ({"users/a": "new", "users/b": "old"}, False),
        ({"users/a": "new"}, False),
    ],
)
def test_content_after_a_kill_is_what_an_appliance_held_before_or_another_holds(
    booted: dict[str, str], *, sound: bool
) -> None:
    write = Writer()
    old, new = ({"users/a": one, "users/b": one} for one in ("old", "new"))
    write.read(1, "pbx1", "step-1", "holding", {"objects": new})
    write.read(1, "pbx2", "step-1", "holding", {"objects": old})
    write.add(2, "runner/runner", "fault", "kill", node="pbx2", began_s=2.0, cell="any")
    write.read(3, "pbx2", "booted", "holding", {"objects": booted})
    write.read(4, "pbx2", "step-2", "holding", {"objects": booted})

    assert (list(mixed(record(write))) == []) == sound
