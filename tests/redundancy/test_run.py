"""The machine of a run, tested without doubles: observations in, actions out."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from redundancy import run
from redundancy.contract import NetworkSettings, Origin, Snapshot, Token
from redundancy.journal import Record
from redundancy.preconditions import Problem

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
CUT = run.Failed("connection-lost", "reset", definite=True)


def started(attempts_max: int = 3, *, after_failure: bool = False) -> run.State:
    seen = run.Started(5, 1, attempts_max, after_failure=after_failure, reason="scheduled")
    return run.step(run.State(), seen, NOW)[0]


def walk(state: run.State, *seen: run.Observation) -> tuple[run.State, list[run.Action]]:
    actions: list[run.Action] = []
    for one in seen:
        state, actions = run.step(state, one, NOW)
    return state, actions


def sending(attempts_max: int = 3) -> run.State:
    checked = run.Checked((), OLDER)
    return walk(started(attempts_max), checked, run.Exported(SNAPSHOT), run.Done())[0]


def events(actions: list[run.Action]) -> list[str]:
    return [one.event for one in actions if isinstance(one, run.Tell)]


def test_a_run_checks_exports_fences_sends_imports_and_reads_back() -> None:
    state = started()
    order: list[run.Action] = []
    for seen in (
        run.Checked((), OLDER),
        run.Exported(SNAPSHOT),
        run.Done(),
        run.Done(),
        run.Done(),
        run.Checked((), HELD),
    ):
        state, actions = run.step(state, seen, NOW)
        order += [one for one in actions if not isinstance(one, run.Tell)]
    token = Token(1, 5, 1)
    assert order == [
        run.Export("run-5"),
        run.Fence(token),
        run.Send(token, SNAPSHOT),
        run.Import(token, "full-1.seal"),
        run.Check(),
        run.Release("full-1.seal"),
    ]
    assert state.phase == "succeeded"


def test_a_failed_attempt_waits_five_minutes_from_its_end() -> None:
    state, actions = walk(sending(), CUT)
    assert state.phase == "waiting"
    assert actions[-1] == run.WaitUntil(NOW + timedelta(minutes=5))
    assert events(actions) == ["attempt.failed", "run.waiting"]


def test_the_second_attempt_uses_a_newer_token_and_the_same_snapshot() -> None:
    _, actions = walk(sending(), CUT, run.WaitOver(), run.Checked((), OLDER), run.Done())
    assert actions == [run.Send(Token(1, 5, 2), SNAPSHOT)]


def test_nothing_is_imported_twice_when_the_standby_already_holds_it() -> None:
    state, actions = walk(sending(), CUT, run.WaitOver(), run.Checked((), HELD))
    assert state.phase == "succeeded"
    assert not any(isinstance(one, run.Send | run.Import | run.Fence) for one in actions)


def test_the_last_attempt_ends_the_run_with_one_notification_and_every_cause() -> None:
    state, actions = walk(sending(1), CUT)
    assert state.phase == "failed"
    assert [one for one in actions if isinstance(one, run.Notify)] == [run.Notify("run-failed")]
    told = next(one for one in actions if isinstance(one, run.Tell) and one.event == "run.failed")
    assert told.detail["causes"] == ["connection-lost"]


def test_a_wrong_password_is_not_tried_again() -> None:
    wrong = run.Failed("authentication-failed", "no", definite=True)
    state, _ = walk(started(9), wrong)
    assert state.phase == "failed"
    assert state.attempt == 1


@pytest.mark.covers("D4")
def test_a_precondition_refuses_the_run_before_anything_is_exported_or_sent() -> None:
    problem = Problem("version-mismatch", "pbx2", "older", "update")
    state, actions = walk(started(), run.Checked((problem,), OLDER))
    assert state.phase == "refused"
    assert actions[0] == run.Notify("run-refused", (problem,))
    assert not any(isinstance(one, run.Export | run.Fence | run.Send) for one in actions)


def test_an_indefinite_import_is_looked_at_before_anything_else() -> None:
    lost = run.Failed("indefinite", "gone", definite=False)
    state, actions = walk(sending(), run.Done(), lost)
    assert state.phase == "verifying"
    assert actions[-1] == run.Check()
    assert walk(state, run.Checked((), HELD))[0].phase == "succeeded"
    assert walk(state, run.Checked((), OLDER))[0].phase == "waiting"


@pytest.mark.covers("T14")
def test_success_that_cannot_be_read_back_is_a_failure() -> None:
    state, actions = walk(sending(), run.Done(), run.Done(), run.Checked((), OLDER))
    assert state.phase == "waiting"
    assert next(one.cause for one in actions if isinstance(one, run.Tell)) == "not-imported"


def test_the_first_success_after_a_failure_is_notified() -> None:
    state = started(after_failure=True)
    _, actions = walk(
        state, run.Checked((), OLDER), run.Exported(SNAPSHOT), run.Done(), run.Done(), run.Done(),
        run.Checked((), HELD),
    )  # fmt: skip
    assert run.Notify("run-recovered") in actions


OBSERVATIONS = st.sampled_from(
    [
        run.Checked((), OLDER),
        run.Checked((), HELD),
        run.Exported(SNAPSHOT),
        run.Done(),
        CUT,
        run.Failed("indefinite", "gone", definite=False),
        run.WaitOver(),
        run.Restarted(),
    ]
)


@settings(max_examples=300)
@given(st.integers(1, 4), st.lists(OBSERVATIONS, max_size=40))
@pytest.mark.covers("D1", "D2", "R23")
def test_whatever_is_observed_the_invariants_hold(
    attempts_max: int, seen: list[run.Observation]
) -> None:
    state = started(attempts_max)
    fenced: set[Token] = set()
    waited = True
    ends = 0
    for one in seen:
        waited = waited or isinstance(one, run.WaitOver)
        state, actions = run.step(state, one, NOW)
        assert state.attempt <= attempts_max
        for action in actions:
            match action:
                case run.Fence(token):
                    fenced.add(token)
                case run.Send(token) | run.Import(token):
                    assert token in fenced
                    assert token == state.token
                case run.WaitUntil():
                    waited = False
                case run.Tell("attempt.started"):
                    assert waited
                case run.Tell("run.succeeded" | "run.failed" | "run.refused"):
                    ends += 1
    assert ends <= 1


@pytest.mark.parametrize("steps", range(1, 9))
def test_a_restart_rebuilds_the_state_from_the_journal_and_goes_on(steps: int) -> None:
    script = [
        run.Checked((), OLDER), run.Exported(SNAPSHOT), run.Done(), CUT, run.WaitOver(),
        run.Checked((), OLDER), run.Done(), run.Done(),
    ]  # fmt: skip
    records: list[Record] = []
    state = run.State()
    begin = run.Started(5, 1, 3, after_failure=False, reason="scheduled")
    for seen in (begin, *script[:steps]):
        state, actions = run.step(state, seen, NOW)
        for one in actions:
            if isinstance(one, run.Tell):
                records.append(
                    Record(len(records) + 1, NOW, "run-5", one.event, one.cause, one.detail)
                )
    rebuilt = run.replay(records)
    assert (rebuilt.run, rebuilt.attempt, rebuilt.snapshot) == (5, state.attempt, state.snapshot)
    resumed, actions = run.step(rebuilt, run.Restarted(), NOW)
    assert resumed.phase == "waiting"
    assert actions[-1] == run.WaitUntil(NOW + timedelta(minutes=5))
