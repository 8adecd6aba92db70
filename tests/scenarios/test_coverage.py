"""The coverage map: which fault acted in which state, and what does not count."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import get_args

import pytest
from click.testing import CliRunner
from drills import of_library, order
from histories import Writer, failover_frames, failover_history, record

from emulator.lab import Event
from scenarios.checkers import CHECKERS
from scenarios.cli.coverage import coverage
from scenarios.coverage.cells import FAMILIES, NEVER, VERBS, Cell, impossible, possible
from scenarios.coverage.mapping import JUDGES, cover, covered, exercised, run_folders
from scenarios.coverage.states import AT_REST, MACHINES, STATES, Machines, State
from scenarios.feasible import planned
from scenarios.loading import library
from scenarios.models.faults import FaultStep
from scenarios.narration import Silence
from scenarios.runner import run

SENDING, WAITING = State("run", "sending"), State("run", "waiting")
LISTENING = State("switchover", "listening")


def walked(events: list[Event]) -> list[frozenset[State]]:
    """Return the states that a history goes through."""
    machines, found = Machines(), [frozenset({AT_REST})]
    for event in events:
        machines.take(event)
        if machines.now() != found[-1]:
            found.append(machines.now())
    return found


def one(machine: str, *names: str) -> list[frozenset[State]]:
    return [frozenset({State(machine, name)}) for name in names]


def began(write: Writer) -> Writer:
    """An attempt that has been fenced in."""
    write.add(1, "pbx1/engine", "run.started", run=1)
    write.add(1, "pbx1/engine", "attempt.started", token="1.1.1")
    write.add(1, "pbx1/engine", "run.exported")
    write.add(2, "pbx2/appliance", "fenced", token="1.1.1")
    return write


def fault(write: Writer, cause: str, *, node: str = "pbx2", name: str = "x", acts: int = 1) -> None:
    write.add(3, "runner/runner", "fault", cause, node=node, name=name)
    if acts:
        write.add(3, "runner/runner", "fault.fired", cause, node=node, name=name, count=acts)


def end(write: Writer, cause: str, *, name: str = "x", acts: int = 1) -> None:
    write.add(9, "runner/runner", "fault.ended", cause, node="pbx2", name=name, fired=acts)


def test_a_history_goes_through_the_states_of_a_run_and_of_a_switchover() -> None:
    run_states = ("checking", "fencing", "sending", "importing", "verifying")
    taken_over = ("listening", "claiming", "announcing")

    states = walked(failover_history().rows)

    rest = [frozenset({AT_REST})]
    assert states == [
        *rest, *one("run", "checking", "sending", "importing", "verifying"), *rest,
        *one("switchover", *taken_over), *rest,
    ]  # fmt: skip
    assert walked(began(Writer()).rows)[1:] == one("run", *run_states[:3])


def test_a_failed_attempt_waits_and_an_indefinite_one_is_looked_at() -> None:
    write = began(Writer())
    write.add(3, "pbx1/engine", "attempt.indefinite")
    write.add(4, "pbx1/engine", "attempt.failed")
    write.add(4, "pbx1/engine", "run.waiting")
    write.add(5, "pbx1/engine", "attempt.started", token="1.1.2")

    assert walked(write.rows)[-3:] == one("run", "verifying", "waiting", "checking")


def test_a_rollback_rests_between_its_steps_and_while_its_box_is_off() -> None:
    write = Writer()
    write.add(1, "pbx2/engine", "rollback.started")
    write.add(1, "pbx2/engine", "rollback.asked", step="backup")
    write.add(2, "pbx2/engine", "rollback.step", "backup")
    write.add(3, "pbx2/engine", "rollback.asked", step="shutdown")
    write.add(4, "pbx2/appliance", "stopped")
    write.add(5, "pbx2/engine", "rollback.finished")

    between = "between steps"
    states = one("rollback", between, "backup", between, "shutdown", between)
    assert walked(write.rows)[1:] == [*states, frozenset({AT_REST})]


def test_a_refusal_before_a_rollback_was_begun_begins_none() -> None:
    write = Writer()
    write.add(1, "pbx2/engine", "rollback.refused", "out-of-order")

    assert walked(write.rows) == [frozenset({AT_REST})]


@pytest.mark.parametrize("cause", ["power-off", "kill"])
def test_a_box_that_ends_has_no_run_under_way(cause: str) -> None:
    write = began(Writer())
    fault(write, cause, node="pbx1")

    assert walked(write.rows)[-1] == {AT_REST}
    assert Cell(SENDING, VERBS[cause]) in exercised(write.rows)


def test_a_fault_that_lasts_acts_in_every_state_until_it_ends_and_in_none_after() -> None:
    write = began(Writer())
    fault(write, "frozen")
    write.add(4, "pbx1/engine", "run.waiting")
    end(write, "frozen")
    write.add(10, "pbx2/engine", "switchover.asked")

    assert exercised(write.rows) == {Cell(SENDING, "freeze"), Cell(WAITING, "freeze")}


def test_a_plug_that_stays_out_acts_until_the_end() -> None:
    write = Writer()
    fault(write, "power-off", node="pbx1")
    write.add(4, "pbx2/engine", "switchover.asked")

    assert exercised(write.rows) == {Cell(AT_REST, "power off"), Cell(LISTENING, "power off")}


def test_a_kill_is_over_before_it_is_undone() -> None:
    write = began(Writer())
    fault(write, "kill")
    write.add(4, "pbx1/engine", "run.waiting")
    end(write, "kill")

    assert exercised(write.rows) == {Cell(SENDING, "kill")}


def test_a_fault_that_met_nothing_acted_nowhere() -> None:
    write = began(Writer())
    fault(write, "dropping", acts=0)
    end(write, "dropping", acts=0)
    assert exercised(write.rows) == frozenset()

    fault(write, "dropping", acts=0)
    end(write, "dropping", acts=2)
    assert exercised(write.rows) == {Cell(SENDING, "drop")}


def test_a_cut_acts_where_the_wire_tells_of_it_and_not_where_it_was_armed() -> None:
    write = Writer()
    fault(write, "cut-armed", acts=0)
    began(write)
    write.add(4, "pbx2/wire", "cut")
    write.add(5, "pbx1/engine", "run.waiting")
    end(write, "cut-armed")

    assert exercised(write.rows) == {Cell(SENDING, "cut transfer")}


def test_a_cell_counts_only_where_an_invariant_of_its_machine_was_applicable() -> None:
    write = failover_history()
    fault(write, "unplugged")
    write.add(61, "pbx2/engine", "switchover.asked", by="admin", operation="switchover-2")
    sound = record(write, failover_frames())
    assert Cell(LISTENING, "unplug") in covered(sound)

    blind = replace(sound, events=sound.events[-3:], pcap=b"", stations=(), observed=None)
    assert Cell(LISTENING, "unplug") in exercised(blind.events)
    assert covered(blind) == frozenset()


def test_the_map_has_every_fault_verb_of_the_language_and_every_word_of_a_history() -> None:
    tags = [get_args(one)[1].tag for one in get_args(get_args(FaultStep)[0])]
    assert sorted(verb for family in FAMILIES.values() for verb in family) == sorted(tags)

    kinds = {one.kind for path in library().values() for one in planned(of_library(path.stem))}
    armed = {"cut-armed", "flip-armed"}  # the wire tells when they act
    assert kinds - armed <= set(VERBS)


def test_every_cell_can_be_exercised_or_has_a_reason() -> None:
    verbs = [verb for family in FAMILIES.values() for verb in family]

    assert len(possible()) + len(impossible()) == len(STATES) * len(verbs)
    assert not set(possible()) & set(impossible())
    assert all(one.because and one.verbs <= set(verbs) for one in NEVER)
    assert {"", *MACHINES} == set(JUDGES)
    assert frozenset().union(*JUDGES.values()) <= set(CHECKERS)


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One run of a transfer that is cut."""
    runs = tmp_path_factory.mktemp("runs")
    run(order(of_library("transfer-cut"), runs / "transfer-cut/one"), Silence())
    return runs


def test_the_command_shows_the_map_and_names_what_is_missing(stored: Path) -> None:
    done = CliRunner().invoke(coverage, ["--runs", str(stored)])

    (row,) = (line for line in done.stdout.splitlines() if line.startswith("run: sending"))
    assert "freeze" in row
    assert "cut transfer" not in row
    assert "over 1 runs" in done.stdout
    assert done.exit_code == 0


def test_the_json_names_every_cell_its_drills_and_why_others_cannot_be(stored: Path) -> None:
    done = CliRunner().invoke(coverage, ["--runs", str(stored), "--format", "json"])

    told = json.loads(done.stdout)
    cells = {(row["state"], row["fault"]): row["drills"] for row in told["cells"]}
    assert cells["run: sending", "cut transfer"] == ["transfer-cut"]
    assert len(cells) == len(possible())
    assert all(row["because"] for row in told["impossible"])


@pytest.mark.parametrize(("percent", "code"), [("0.1", 0), ("99", 1)])
def test_too_little_coverage_fails(stored: Path, percent: str, code: int) -> None:
    options = ["--runs", str(stored), "--fail-under", percent]
    assert CliRunner().invoke(coverage, options).exit_code == code


def test_evidence_that_was_changed_covers_nothing(stored: Path, tmp_path: Path) -> None:
    folder = tmp_path / "transfer-cut/one"
    run(order(of_library("transfer-cut"), folder), Silence())
    with (folder / "events.jsonl").open("a") as history:
        history.write("\n")

    found = cover(run_folders(tmp_path))

    assert (found.runs, found.percent) == (0, 0)
    assert found.left_out == {str(folder): "the evidence is not as the run wrote it"}
    assert CliRunner().invoke(coverage, ["--runs", str(tmp_path)]).exit_code == 3
