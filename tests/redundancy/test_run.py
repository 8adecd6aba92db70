"""The machine of a run, tested without doubles: observations in, actions out."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from redundancy import replay, run
from redundancy.contract import NetworkSettings, Origin, Snapshot, Token
from redundancy.journal import Record
from redundancy.machine import Done, Failed, Tell
from redundancy.preconditions import Problem
from redundancy.run_messages import (
    Action,
    Check,
    Checked,
    Export,
    Exported,
    Fence,
    Import,
    Notify,
    Observation,
    Release,
    Restarted,
    Send,
    Started,
    WaitOver,
    WaitUntil,
)

NOW = datetime(2026, 3, 2, 2, 30, tzinfo=UTC)
SNAPSHOT = Snapshot(
    file="full-1.seal", path="/s/full-1.seal", blobs="/b", epoch=1, generation=7, version="8.1.2.5",
    taken_at=NOW, size=100, sha256="ab" * 32,
)  # fmt: skip
NETWORK = NetworkSettings(address="198.18.0.10", prefix=24, gateway="198.18.0.1")
HELD = Origin(
    epoch=1, generation=7, taken_at=NOW, imported_at=NOW, sha256="ab" * 32, network=NETWORK
)
OLDER = HELD.model_copy(update={"generation": 6, "sha256": "cd" * 32})
CUT = Failed("connection-lost", "reset", definite=True)


def started(attempts_max: int = 3, *, after_failure: bool = False) -> run.State:
    seen = Started(5, 1, attempts_max, after_failure=after_failure, reason="scheduled")
    return run.step(run.State(), seen, NOW)[0]


def walk(state: run.State, *seen: Observation) -> tuple[run.State, list[Action]]:
    actions: list[Action] = []
    for one in seen:
        state, actions = run.step(state, one, NOW)
    return state, actions


def sending(attempts_max: int = 3) -> run.State:
    checked = Checked((), OLDER)
    return walk(started(attempts_max), checked, Exported(SNAPSHOT), Done())[0]


def events(actions: list[Action]) -> list[str]:
    return [one.event for one in actions if isinstance(one, Tell)]


def test_a_run_checks_exports_fences_sends_imports_and_reads_back() -> None:
    state = started()
    order: list[Action] = []
    for seen in (
        Checked((), OLDER),
        Exported(SNAPSHOT),
        Done(),
        Done(),
        Done(),
        Checked((), HELD),
    ):
        state, actions = run.step(state, seen, NOW)
        order += [one for one in actions if not isinstance(one, Tell)]
    token = Token(1, 5, 1)
    assert order == [
        Export("run-5"),
        Fence(token),
        Send(token, SNAPSHOT),
        Import(token, "full-1.seal"),
        Check(),
        Release("full-1.seal"),
    ]
    assert state.phase == "succeeded"


@pytest.mark.covers("R24", "D1")
def test_a_failed_attempt_waits_five_minutes_from_its_end() -> None:
    state, actions = walk(sending(), CUT)
    assert state.phase == "waiting"
    assert actions[-1] == WaitUntil(NOW + timedelta(minutes=5))
    assert events(actions) == ["attempt.failed", "run.waiting"]


@pytest.mark.covers("D2")
def test_the_second_attempt_uses_a_newer_token_and_the_same_snapshot() -> None:
    _, actions = walk(sending(), CUT, WaitOver(), Checked((), OLDER), Done())
    assert actions == [Send(Token(1, 5, 2), SNAPSHOT)]


@pytest.mark.covers("D2")
def test_nothing_is_imported_twice_when_the_standby_already_holds_it() -> None:
    state, actions = walk(sending(), CUT, WaitOver(), Checked((), HELD))
    assert state.phase == "succeeded"
    assert not any(isinstance(one, Send | Import | Fence) for one in actions)


@pytest.mark.covers("R23", "D1", "D5")
def test_the_last_attempt_ends_the_run_with_one_notification_and_every_cause() -> None:
    state, actions = walk(sending(1), CUT)
    assert state.phase == "failed"
    assert [one for one in actions if isinstance(one, Notify)] == [Notify("run-failed")]
    told = next(one for one in actions if isinstance(one, Tell) and one.event == "run.failed")
    assert told.detail["causes"] == ["connection-lost"]


@pytest.mark.covers("D4", "T7")
def test_a_wrong_password_is_not_tried_again() -> None:
    wrong = Failed("authentication-failed", "no", definite=True)
    state, _ = walk(started(9), wrong)
    assert state.phase == "failed"
    assert state.attempt == 1


@pytest.mark.covers("D4")
def test_a_precondition_refuses_the_run_before_anything_is_exported_or_sent() -> None:
    problem = Problem("version-mismatch", "pbx2", "older", "update")
    state, actions = walk(started(), Checked((problem,), OLDER))
    assert state.phase == "refused"
    assert actions[0] == Notify("run-refused", (problem,))
    assert not any(isinstance(one, Export | Fence | Send) for one in actions)


@pytest.mark.covers("D2", "T13")
def test_an_indefinite_import_is_looked_at_before_anything_else() -> None:
    lost = Failed("indefinite", "gone", definite=False)
    state, actions = walk(sending(), Done(), lost)
    assert state.phase == "verifying"
    assert actions[-1] == Check()
    assert walk(state, Checked((), HELD))[0].phase == "succeeded"
    waiting = walk(state, Checked((), OLDER))[0]
    assert waiting.phase == "waiting"
    assert waiting.failures[0].cause == "indefinite"  # not a success that cannot be read back


def journalled(*told: tuple[str, str, dict[str, object]]) -> list[Record]:
    """Return the journal of a run that was sending when these lines followed."""
    started = {"run": 5, "epoch": 1, "attempts_max": 1, "after_failure": False}
    rows = [
        ("run.started", "", started),
        ("attempt.started", "", {"run": 5, "attempt": 1, "token": "1.5.1"}),
        ("run.exported", "", {"snapshot": SNAPSHOT.model_dump(mode="json")}),
        ("intent.send", "", {"token": "1.5.1"}),
        *told,
    ]
    return [Record(number, NOW, "run-5", *row) for number, row in enumerate(rows, 1)]


IMPORTING = ("intent.import", "", {"token": "1.5.1"})
LOST = {"run": 5, "attempt": 1, "message": "gone", "definite": False}


@pytest.mark.covers("D2", "T13")
@pytest.mark.parametrize(
    ("told", "cause"),
    [
        ([IMPORTING], "restarted"),
        ([IMPORTING, ("attempt.indefinite", "indefinite", LOST)], "indefinite"),
    ],
    ids=["in-the-import", "in-the-look"],
)
def test_a_restart_that_cut_off_the_last_attempts_import_looks_before_it_fails(
    told: list[tuple[str, str, dict[str, object]]], cause: str
) -> None:
    state, actions = walk(replay.of_run(journalled(*told)), Restarted())
    assert (state.phase, actions[-1]) == ("verifying", Check())
    assert walk(state, Checked((), HELD))[0].phase == "succeeded"
    failed = walk(state, Checked((), OLDER))[0]
    assert (failed.phase, failed.failures[0].cause) == ("failed", cause)


def test_a_restart_before_the_import_has_failed_the_attempt() -> None:
    state, _ = walk(replay.of_run(journalled()), Restarted())
    assert (state.phase, state.failures[0].cause) == ("failed", "restarted")


@pytest.mark.covers("T14")
def test_success_that_cannot_be_read_back_is_a_failure() -> None:
    state, actions = walk(sending(), Done(), Done(), Checked((), OLDER))
    assert state.phase == "waiting"
    assert next(one.cause for one in actions if isinstance(one, Tell)) == "not-imported"


def test_the_first_success_after_a_failure_is_notified() -> None:
    state = started(after_failure=True)
    _, actions = walk(
        state, Checked((), OLDER), Exported(SNAPSHOT), Done(), Done(), Done(),
        Checked((), HELD),
    )  # fmt: skip
    assert Notify("run-recovered") in actions


OBSERVATIONS = st.sampled_from(
    [
        Checked((), OLDER),
        Checked((), HELD),
        Exported(SNAPSHOT),
        Done(),
        CUT,
        Failed("indefinite", "gone", definite=False),
        WaitOver(),
        Restarted(),
    ]
)


@settings(max_examples=300)
@given(st.integers(1, 4), st.lists(OBSERVATIONS, max_size=40))
@pytest.mark.covers("D1", "D2", "R23")
def test_whatever_is_observed_the_invariants_hold(
    attempts_max: int, seen: list[Observation]
) -> None:
    state = started(attempts_max)
    fenced: set[Token] = set()
    waited = True
    ends = 0
    for one in seen:
        waited = waited or isinstance(one, WaitOver)
        state, actions = run.step(state, one, NOW)
        assert state.attempt <= attempts_max
        for action in actions:
            match action:
                case Fence(token):
                    fenced.add(token)
                case Send(token) | Import(token):
                    assert token in fenced
                    assert token == state.token
                case WaitUntil():
                    waited = False
                case Tell("attempt.started"):
                    assert waited
                case Tell("run.succeeded" | "run.failed" | "run.refused"):
                    ends += 1
    assert ends <= 1


@pytest.mark.parametrize("steps", range(1, 9))
def test_a_restart_rebuilds_the_state_from_the_journal_and_goes_on(steps: int) -> None:
    script = [
        Checked((), OLDER), Exported(SNAPSHOT), Done(), CUT, WaitOver(),
        Checked((), OLDER), Done(), Done(),
    ]  # fmt: skip
    records: list[Record] = []
    state = run.State()
    begin = Started(5, 1, 3, after_failure=False, reason="scheduled")
    for seen in (begin, *script[:steps]):
        state, actions = run.step(state, seen, NOW)
        for one in actions:
            if isinstance(one, Tell):
                records.append(
                    Record(len(records) + 1, NOW, "run-5", one.event, one.cause, one.detail)
                )
    rebuilt = replay.of_run(records)
    assert (rebuilt.run, rebuilt.attempt, rebuilt.snapshot) == (5, state.attempt, state.snapshot)
    resumed, actions = run.step(rebuilt, Restarted(), NOW)
    assert resumed.phase == "waiting"
    assert actions[-1] == WaitUntil(NOW + timedelta(minutes=5))
