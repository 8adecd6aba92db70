"""The machine of a run: bring one generation across, in at most `attempts_max` attempts.

Invariants, whatever is observed and wherever it is interrupted:

- An attempt begins by looking at the standby. If it already holds this run's generation,
  the run has succeeded: nothing is imported twice (D2).
- Nothing is sent before the preconditions hold, and their failure ends the run at once (D4).
- Every receive and import follows a fence with the attempt's token, so that whatever an
  older attempt left behind can no longer act (D2).
- There are never more than `attempts_max` attempts (D1), and between the end of one and the
  start of the next lie `WAIT` (R24).
- A backup is never taken while one is being written: the run looks again every
  `BACKUP_POLL`, at most as often as it was told, and then ends with one cause (D3).
- Success is only what was read back from the standby, never what it answered (T14).
- After a restart the interrupted attempt has failed, and what it achieved is found by the
  next. Only where its import had been asked for may it have succeeded: that is indefinite,
  as a lost answer is, and looked at within the attempt, were it the last.

The machine knows neither clock nor network: `step(state, observation, now)`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Literal

from redundancy.contract import Origin, Snapshot, Token
from redundancy.machine import Done, Failed, Tell
from redundancy.preconditions import Problem
from redundancy.run_messages import (
    Action,
    AwaitBackup,
    BackupBusy,
    Check,
    Checked,
    Choose,
    Export,
    Exported,
    Fence,
    Import,
    NoBackup,
    Notify,
    Observation,
    Release,
    Restarted,
    Send,
    Source,
    Started,
    WaitOver,
    WaitUntil,
)

WAIT = timedelta(minutes=5)  # R24
BACKUP_POLL = timedelta(minutes=1)
NOT_RETRIED = frozenset(  # D4, D11, D3
    {"authentication-failed", "host-key-changed", "backup-hangs"}
)

Phase = Literal[
    "idle", "checking", "exporting", "fencing", "sending", "importing", "verifying", "waiting",
    "succeeded", "failed", "refused",
]  # fmt: skip
ENDS: Mapping[str, Phase] = {
    "run.succeeded": "succeeded", "run.failed": "failed", "run.refused": "refused",
}  # fmt: skip


@dataclass(frozen=True)
class Failure:
    """An attempt that failed."""

    attempt: int
    at: datetime
    cause: str
    message: str


@dataclass(frozen=True)
class State:
    """Where a run stands."""

    phase: Phase = "idle"
    run: int = 0
    epoch: int = 0
    attempts_max: int = 1
    attempt: int = 0
    after_failure: bool = False  # the run before this one failed (D5)
    source: Source = field(default_factory=Source)
    held: Origin | None = None  # what the standby held before this run's backup was chosen
    polls: int = 0  # looks at a backup that was still being written, in this attempt
    snapshot: Snapshot | None = None
    doubt: Failed | None = None  # why nobody knows whether this attempt's import happened
    failures: tuple[Failure, ...] = ()

    @property
    def token(self) -> Token:
        """Return the current attempt's right to act."""
        return Token(self.epoch, self.run, self.attempt)

    @property
    def over(self) -> bool:
        """Tell whether nothing more will happen."""
        return self.phase in {"idle", "succeeded", "failed", "refused"}


Step = tuple[State, list[Action]]


def operation(run: int) -> str:
    """Return the journal's name of a run."""
    return f"run-{run}"


def step(state: State, seen: Observation, now: datetime) -> Step:
    """Decide what follows from an observation.

    Of the returned actions only the last can yield the next observation.
    """
    return _HANDLERS[type(seen)](state, seen, now)


def _start(state: State, seen: Started, _now: datetime) -> Step:
    if not state.over:
        return state, []
    fresh = State(
        run=seen.run,
        epoch=seen.epoch,
        attempts_max=seen.attempts_max,
        after_failure=seen.after_failure,
        source=seen.source,
    )
    detail = {
        "run": seen.run,
        "epoch": seen.epoch,
        "attempts_max": seen.attempts_max,
        "after_failure": seen.after_failure,
        "reason": seen.reason,
        "source": asdict(seen.source),
        "slot": seen.slot.isoformat() if seen.slot else None,
    }
    begun, actions = _attempt(fresh)
    return begun, [Tell("run.started", detail=detail), *actions]


def _attempt(state: State) -> Step:
    following = replace(state, phase="checking", attempt=state.attempt + 1, polls=0, doubt=None)
    detail = {"run": state.run, "attempt": following.attempt, "token": str(following.token)}
    return following, [Tell("attempt.started", detail=detail), Check()]


def _resume(state: State, _seen: Restarted, now: datetime) -> Step:
    """Go on after a restart; an attempt that was under way has failed."""
    if state.over:
        return state, []
    if state.phase == "waiting":
        if _gives_up(state, state.failures[-1].cause):
            return _give_up(state)
        return state, [WaitUntil(state.failures[-1].at + WAIT)]
    if state.attempt == 0:
        return _attempt(state)
    if state.phase == "verifying":
        return state, [Check()]
    definite = state.phase != "importing"
    return _fail(state, Failed("restarted", "the engine was restarted", definite), now)


def _wait_over(state: State, _seen: WaitOver, _now: datetime) -> Step:
    match state.phase:
        case "waiting":
            return _attempt(state)
        case "exporting":
            return _take_backup(state)
    return state, []


def _take_backup(state: State) -> Step:
    taking: Action = (
        Export(operation(state.run))
        if state.source.kind == "fresh"
        else Choose(operation(state.run))
    )
    return replace(state, phase="exporting"), [taking]


def _busy(state: State, _seen: BackupBusy, now: datetime) -> Step:
    """Wait for the backup that is being written, then look again (O1); not for ever (O4)."""
    if state.phase != "exporting":
        return state, []
    if state.polls >= state.source.polls_max:
        waited = state.polls * BACKUP_POLL
        message = f"a backup was still being written after {waited.total_seconds() / 60:.0f} min"
        return _fail(state, Failed("backup-hangs", message, definite=True), now)
    detail = {"run": state.run, "attempt": state.attempt}
    told = [Tell("run.backup-awaited", detail=detail)] if state.polls == 0 else []
    return replace(state, polls=state.polls + 1), [*told, AwaitBackup(BACKUP_POLL)]


def _none_found(state: State, _seen: NoBackup, _now: datetime) -> Step:
    if state.phase != "exporting":
        return state, []
    return _refuse(state, "backup-missing", "no backup job has finished a backup yet (D3)")


def _exported(state: State, seen: Exported, now: datetime) -> Step:
    if state.phase != "exporting":
        return state, []
    chosen = replace(state, snapshot=seen.snapshot)
    if state.source.kind == "latest":
        if _holds(state.held, seen.snapshot):
            return _succeed(chosen)
        age = now - seen.snapshot.taken_at
        if age > timedelta(hours=state.source.age_max_h):
            hours = age.total_seconds() / 3600
            message = (
                f"the data of {seen.snapshot.file} is {hours:.1f} h old, "
                f"allowed are {state.source.age_max_h:g} h (D3)"
            )
            return _refuse(chosen, "backup-stale", message)
        if state.held and _stands(state.held) > _stands(seen.snapshot):
            message = f"the standby holds newer data than {seen.snapshot.file} (D3)"
            return _refuse(chosen, "backup-outdated", message)
    told = Tell("run.exported", detail={"snapshot": seen.snapshot.model_dump(mode="json")})
    return replace(chosen, phase="fencing"), [told, Fence(state.token)]


def _refuse(state: State, code: str, message: str) -> Step:
    """End the run for what only a person can mend: the appliance's own backups (D3, D4)."""
    remedy = "look at the appliance's backup jobs, or let each run export its own backup"
    problem = Problem(code, "", message, remedy)
    over, actions = _end(state, "refused", code, {"run": state.run, "problems": [message]})
    return over, [Notify("run-refused", (problem,)), *actions]


def _stands(one: Origin | Snapshot) -> tuple[int, int]:
    return one.epoch, one.generation


def _checked(state: State, seen: Checked, now: datetime) -> Step:
    if state.phase == "verifying":
        return _verified(state, seen, now)
    if state.phase != "checking":
        return state, []
    if seen.problems:
        detail = {
            "run": state.run,
            "problems": [f"{one.appliance}: {one.message}" for one in seen.problems],
        }
        over, actions = _end(state, "refused", seen.problems[0].code, detail)
        return over, [Notify("run-refused", seen.problems), *actions]
    if state.snapshot is None:
        return _take_backup(replace(state, held=seen.origin))
    if _holds(seen.origin, state.snapshot):
        return _succeed(state)
    return replace(state, phase="fencing"), [Fence(state.token)]


def _done(state: State, _seen: Done, _now: datetime) -> Step:
    if state.snapshot is None:
        return state, []
    match state.phase:
        case "fencing":
            return replace(state, phase="sending"), [Send(state.token, state.snapshot)]
        case "sending":
            return replace(state, phase="importing"), [Import(state.token, state.snapshot.file)]
        case "importing":
            return replace(state, phase="verifying"), [Check()]
    return state, []


def _verified(state: State, seen: Checked, now: datetime) -> Step:
    if state.snapshot is not None and _holds(seen.origin, state.snapshot):
        return _succeed(state)
    message = "the standby reported success, but does not hold the snapshot"
    why = state.doubt or Failed("not-imported", message)
    return _fail(state, replace(why, definite=True), now)


def _holds(origin: Origin | None, snapshot: Snapshot) -> bool:
    """Tell whether content came from exactly this snapshot."""
    return origin is not None and (
        (origin.epoch, origin.generation, origin.sha256)
        == (snapshot.epoch, snapshot.generation, snapshot.sha256)
    )


def _fail(state: State, seen: Failed, now: datetime) -> Step:
    if state.over:
        return state, []
    detail = {
        "run": state.run,
        "attempt": state.attempt,
        "message": seen.message,
        "definite": seen.definite,
    }
    if not seen.definite and state.phase == "importing":
        # The import may have happened: look before anything else, within this attempt.
        looking = replace(state, phase="verifying", doubt=seen)
        return looking, [Tell("attempt.indefinite", seen.cause, detail), Check()]
    failure = Failure(state.attempt, now, seen.cause, seen.message)
    failed = replace(state, phase="waiting", failures=(*state.failures, failure))
    told = Tell("attempt.failed", seen.cause, detail)
    if _gives_up(failed, seen.cause):
        over, actions = _give_up(failed)
        return over, [told, *actions]
    until = now + WAIT
    waiting = Tell("run.waiting", detail={"run": state.run, "until": until.isoformat()})
    return failed, [told, waiting, WaitUntil(until)]


def _gives_up(state: State, cause: str) -> bool:
    return state.attempt >= state.attempts_max or cause in NOT_RETRIED


def _give_up(state: State) -> Step:
    causes = [one.cause for one in state.failures]
    over, actions = _end(state, "failed", causes[-1], {"run": state.run, "causes": causes})
    return over, [Notify("run-failed"), *actions]


def _succeed(state: State) -> Step:
    generation = state.snapshot.generation if state.snapshot else 0
    detail = {"run": state.run, "attempt": state.attempt, "generation": generation}
    over, actions = _end(state, "succeeded", "", detail)
    return over, [*([Notify("run-recovered")] if state.after_failure else []), *actions]


def _end(
    state: State,
    phase: Literal["succeeded", "failed", "refused"],
    cause: str,
    detail: dict[str, Any],
) -> Step:
    """Close the run. Its mail was queued before: a restart in between repeats the Message-ID."""
    release: list[Action] = [Release(state.snapshot.file)] if state.snapshot else []
    return replace(state, phase=phase), [Tell(f"run.{phase}", cause, detail), *release]


_HANDLERS: Mapping[type, Callable[[State, Any, datetime], Step]] = {
    Started: _start,
    Restarted: _resume,
    WaitOver: _wait_over,
    Checked: _checked,
    Exported: _exported,
    BackupBusy: _busy,
    NoBackup: _none_found,
    Done: _done,
    Failed: _fail,
}
