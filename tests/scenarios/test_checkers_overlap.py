"""Invariants of what is written, imported and healed, each with a history that breaks it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from histories import SHA, Writer, failover_record, followed, record, status, verdict

from scenarios.models.scenario import Objectives
from scenarios.record import Record
from scenarios.units import parse_duration
from scenarios.verdict import Verdict


def told(*rows: tuple[str, str], node: str = "pbx1") -> Record:
    """A record of one appliance's events, (event, cause)."""
    write = Writer()
    for at, (event, cause) in enumerate(rows):
        write.add(at, f"{node}/appliance", event, cause, epoch=1, generation=1)
    return record(write)


def named(*events: str) -> Record:
    return told(*((event, "") for event in events))


@pytest.mark.covers("O7", "R32")
@pytest.mark.parametrize(
    ("events", "expected"),
    [
        (("backup.started", "backup.finished", "archive.started"), Verdict.PASSED),
        (("archive.started", "archive.finished", "backup.started"), Verdict.PASSED),
        (("backup.started", "backup.failed", "backup.started"), Verdict.PASSED),
        (("backup.started", "booted", "backup.started"), Verdict.PASSED),
        (("backup.started", "archive.started", "backup.finished"), Verdict.FAILED),
        (("archive.started", "backup.started", "backup.finished"), Verdict.FAILED),
        (("backup.started", "backup.started"), Verdict.FAILED),
        (("booted",), Verdict.NOT_APPLICABLE),
    ],
)
def test_what_is_written_in_parallel_fails(events: tuple[str, ...], expected: Verdict) -> None:
    assert verdict("one-writer-at-a-time", named(*events)) is expected


@pytest.mark.covers("O1", "R32", "D3")
@pytest.mark.parametrize(
    ("events", "expected"),
    [
        (("backup.started", "backup.finished", "snapshot.created"), Verdict.PASSED),
        (("archive.started", "archive.finished", "snapshot.created"), Verdict.PASSED),
        (("backup.started", "booted", "snapshot.created"), Verdict.PASSED),
        (("backup.started", "snapshot.created", "backup.finished"), Verdict.FAILED),
        (("archive.started", "snapshot.created"), Verdict.FAILED),
        (("backup.started",), Verdict.NOT_APPLICABLE),
    ],
)
def test_a_backup_that_is_taken_while_it_is_written_fails(
    events: tuple[str, ...], expected: Verdict
) -> None:
    assert verdict("backup-read-when-finished", named(*events)) is expected


@pytest.mark.covers("D14", "T13")
@pytest.mark.parametrize(
    ("event", "file", "stands", "expected"),
    [
        ("backup.started", "", [(1, 1), (1, 2), (2, 3)], Verdict.PASSED),
        ("backup.started", "", [(1, 2), (1, 1)], Verdict.FAILED),
        ("snapshot.created", "s.seal", [(2, 1), (1, 9)], Verdict.FAILED),
        ("import.committed", "s.seal", [(1, 1), (1, 2), (2, 3)], Verdict.PASSED),
        ("import.committed", "s.seal", [(1, 2), (1, 2)], Verdict.FAILED),
        ("import.committed", "s.seal", [(2, 3), (1, 4)], Verdict.FAILED),
        ("import.committed", "upload", [(1, 2), (1, 2)], Verdict.NOT_APPLICABLE),
    ],
)
def test_a_generation_that_falls_or_comes_twice_fails(
    event: str, file: str, stands: list[tuple[int, int]], expected: Verdict
) -> None:
    write = Writer()
    for at, (epoch, generation) in enumerate(stands):
        write.add(at, "pbx2/appliance", event, file=file, epoch=epoch, generation=generation)

    assert verdict("generations-rise", record(write)) is expected


GOOD = {"epoch": 1, "generation": 2, "sha256": SHA}


@pytest.mark.covers("D8", "T3")
@pytest.mark.parametrize(
    ("after", "origin", "expected"),
    [
        (("receive.started", "receive.failed"), GOOD, Verdict.PASSED),
        (("receive.started", "import.failed"), GOOD, Verdict.PASSED),
        (("receive.started", "booted"), GOOD, Verdict.PASSED),
        (("receive.started", "receive.failed"), None, Verdict.FAILED),
        (("receive.started", "import.failed"), {**GOOD, "generation": 3}, Verdict.FAILED),
        (("receive.started", "booted"), {**GOOD, "sha256": "0"}, Verdict.FAILED),
        ((), GOOD, Verdict.NOT_APPLICABLE),
    ],
)
def test_a_failed_attempt_that_costs_the_last_good_state_fails(
    after: tuple[str, ...], origin: dict[str, object] | None, expected: Verdict
) -> None:
    write = Writer()
    write.add(1, "pbx2/appliance", "import.committed", **GOOD)
    for event in after:
        write.add(2, "pbx2/appliance", event)
    write.read(3, "pbx2", "final", "status", status("pbx2", origin=origin))

    assert verdict("last-good-outlives", record(write)) is expected


def test_an_import_that_the_boot_completed_is_no_loss() -> None:
    write = Writer()
    write.add(1, "pbx2/appliance", "import.committed", **GOOD)
    write.add(2, "pbx2/appliance", "receive.started")
    write.add(3, "pbx2/appliance", "booted", "import-completed")
    write.read(4, "pbx2", "final", "status", status("pbx2", origin={**GOOD, "generation": 3}))

    assert verdict("last-good-outlives", record(write)) is Verdict.NOT_APPLICABLE


@pytest.mark.covers("T4", "T15")
@pytest.mark.parametrize("busy", [{"backup": True}, {"receiving": "1.1.1"}, {"importing": "1.1.1"}])
def test_a_lock_that_is_held_at_the_end_fails(busy: dict[str, object]) -> None:
    write = Writer()
    write.read(1, "pbx2", "final", "status", status("pbx2", busy=busy))

    assert verdict("locks-are-free", record(write)) is Verdict.FAILED
    write.read(2, "pbx2", "final", "status", status("pbx2", busy=dict.fromkeys(busy)))
    assert verdict("locks-are-free", record(write)) is Verdict.PASSED
    assert verdict("locks-are-free", record(Writer())) is Verdict.INCONCLUSIVE


def healed(cause: str, *, end: str, start_at: int, why: str = "stalled") -> Record:
    """A fault from 1 to 3 on pbx2, a run that starts at an instant and ends so at 5."""
    run = {"run": 2}
    write = Writer()
    rows = {
        1: ("runner/runner", "fault", cause, {"node": "pbx2", "name": "broken", "count": 1}),
        start_at: ("pbx1/engine", "run.started", "", run),
        5: ("pbx1/engine", end, why, run),
    }
    ended = {
        "power-off": ("pbx2/appliance", "booted", "clean", {}),
        "cut-armed": ("pbx2/wire", "cut", "", {}),
    }
    rows[3] = ended.get(cause, ("runner/runner", "fault.ended", cause, {"name": "broken"}))
    for at, (where, event, because, detail) in sorted(rows.items()):
        write.add(at, where, event, because, **detail)
    return record(write)


@pytest.mark.covers("T9", "T11")
@pytest.mark.parametrize("cause", ["ssh-stopped", "power-off", "cut-armed"])
def test_a_run_that_fails_though_all_is_healed_fails(cause: str) -> None:
    for start_at, end, expected in (
        (4, "run.succeeded", Verdict.PASSED),
        (4, "run.failed", Verdict.FAILED),
        (4, "run.refused", Verdict.NOT_APPLICABLE),
        (2, "run.failed", Verdict.NOT_APPLICABLE),
        (0, "run.failed", Verdict.NOT_APPLICABLE),
    ):
        given = healed(cause, end=end, start_at=start_at)
        assert verdict("next-run-succeeds", given) is expected, (start_at, end)


@pytest.mark.covers("T16", "B8")
@pytest.mark.parametrize(
    ("turns", "expected"),
    [
        ([("pbx2", "takeover.committed")], Verdict.NOT_APPLICABLE),
        ([("pbx2", "takeover.committed"), ("pbx1", "epoch.opened")], Verdict.FAILED),
        ([("pbx1", "epoch.opened")], Verdict.FAILED),
    ],
    ids=["taken-over", "rolled-back", "never"],
)
def test_a_former_active_cannot_be_expected_to_find_a_standby(
    turns: list[tuple[str, str]], expected: Verdict
) -> None:
    write = Writer()
    for node, event in turns:
        write.add(0, f"{node}/appliance", event, epoch=2)
    later = healed("ssh-stopped", end="run.failed", start_at=4)
    rows = [
        (one.wall_s, f"{one.node}/{one.source}", one.event, one.cause, one.detail)
        for one in later.events
    ]

    assert verdict("next-run-succeeds", followed(record(write), *rows)) is expected


@pytest.mark.parametrize(("rto", "expected"), [("1 min", Verdict.PASSED), ("2 s", Verdict.FAILED)])
def test_an_objective_that_was_missed_fails(rto: str, expected: Verdict) -> None:
    sound = failover_record()
    promised = {"objectives": Objectives(rto=parse_duration(rto))}
    scenario = sound.plan.scenario.model_copy(update=promised)
    given = replace(sound, plan=sound.plan.model_copy(update={"scenario": scenario}))

    assert verdict("objectives-met", given) is expected


def test_an_objective_of_a_switchover_that_never_was_is_not_judged() -> None:
    given = record(Writer())
    promised = {"objectives": Objectives(rto=parse_duration("2 s"))}
    scenario = given.plan.scenario.model_copy(update=promised)
    empty = replace(given, plan=given.plan.model_copy(update={"scenario": scenario}))

    assert verdict("objectives-met", empty) is Verdict.NOT_APPLICABLE


@pytest.mark.parametrize(
    ("kind", "generation", "expected"),
    [
        ("latest", 8, Verdict.PASSED),
        ("fresh", 8, Verdict.FAILED),
        ("latest", 7, Verdict.FAILED),
    ],
    ids=["a-job's-backup", "a-fresh-one", "no-backup-of-that-generation"],
)
def test_only_a_run_that_takes_a_finished_backup_seals_what_is_older(
    kind: str, generation: int, expected: Verdict
) -> None:
    old = {"epoch": 1, "generation": generation}
    write = Writer()
    write.add(1, "pbx1/appliance", "backup.finished", epoch=1, generation=8)
    write.add(2, "pbx1/engine", "run.started", run=7, source={"kind": kind})
    write.add(3, "pbx1/appliance", "backup.started", epoch=3, generation=9)
    write.add(4, "pbx1/appliance", "snapshot.created", operation="run-7", **old)

    assert verdict("generations-rise", record(write)) is expected


def test_the_sound_failover_goes_on_to_pass_with_a_second_backup() -> None:
    again = (81.0, "pbx2/appliance", "backup.started", "", {"epoch": 2, "generation": 3})
    older = (82.0, "pbx2/appliance", "backup.started", "", {"epoch": 2, "generation": 2})

    assert verdict("generations-rise", followed(failover_record(), again)) is Verdict.PASSED
    assert verdict("generations-rise", followed(failover_record(), again, older)) is (
        Verdict.FAILED
    )
