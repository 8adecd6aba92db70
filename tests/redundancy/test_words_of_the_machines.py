"""What the machines write down, word for word: checkers, replays and people rely on it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from redundancy import replay, rollback, run, switchover
from redundancy.contract import (
    Licence,
    Lineage,
    NetworkSettings,
    Origin,
    Snapshot,
    Status,
    Takeover,
    Token,
)
from redundancy.journal import Record
from redundancy.machine import Done, Failed, Tell
from redundancy.preconditions import Problem, problems
from redundancy.role import Roles
from redundancy.rollback_steps import BEFORE, Facts, first_lack
from redundancy.run_messages import (
    AwaitBackup,
    BackupBusy,
    Check,
    Checked,
    Choose,
    Export,
    Exported,
    Fence,
    NoBackup,
    Notify,
    Release,
    Restarted,
    Source,
    Started,
    WaitOver,
    WaitUntil,
)

NOW = datetime(2026, 3, 2, 2, 30, tzinfo=UTC)
SLOT = NOW - timedelta(minutes=1)
NETWORK = NetworkSettings(address="198.18.0.10", prefix=24, gateway="198.18.0.1")
SNAPSHOT = Snapshot(
    file="7.seal", path="/s/7.seal", blobs="/b", epoch=1, generation=7, version="8.1.2.5",
    taken_at=NOW, size=100, sha256="ab" * 32,
)  # fmt: skip
HELD = Origin(
    epoch=1, generation=7, taken_at=NOW, imported_at=NOW, sha256="ab" * 32, network=NETWORK
)
OLDER = HELD.model_copy(update={"generation": 6, "sha256": "cd" * 32})
LATEST = Source("latest", 24.0, 2)
ATTEMPT = {"run": 5, "attempt": 1}


def started(source: Source = Source(), *, attempts_max: int = 3) -> run.State:  # noqa: B008 - frozen
    seen = Started(5, 1, attempts_max, after_failure=False, reason="scheduled", source=source)
    return run.step(run.State(), seen, NOW)[0]


def walk(state: run.State, *seen: Any) -> tuple[run.State, list[Any]]:
    actions: list[Any] = []
    for one in seen:
        state, actions = run.step(state, one, NOW)
    return state, actions


# The run


def test_a_run_tells_its_terms_and_its_first_attempt() -> None:
    seen = Started(5, 2, 3, after_failure=True, reason="manual by admin", source=LATEST, slot=SLOT)
    state, actions = run.step(run.State(), seen, NOW)
    terms = {
        "run": 5, "epoch": 2, "attempts_max": 3, "after_failure": True,
        "reason": "manual by admin", "slot": SLOT.isoformat(),
        "source": {"kind": "latest", "age_max_h": 24.0, "polls_max": 2},
    }  # fmt: skip
    attempt = {"run": 5, "attempt": 1, "token": "2.5.1"}
    assert actions == [
        Tell("run.started", detail=terms), Tell("attempt.started", detail=attempt), Check(),
    ]  # fmt: skip
    assert (state.phase, state.attempt, state.polls, state.source) == ("checking", 1, 0, LATEST)
    without = run.step(run.State(), Started(5, 2, 3, after_failure=False, reason="x"), NOW)[1][0]
    assert without.detail["slot"] is None


def test_a_backup_that_is_written_is_told_once_and_looked_at_each_minute() -> None:
    state, actions = walk(started(), Checked((), OLDER))
    assert actions == [Export("run-5")]
    state, actions = walk(state, BackupBusy())
    assert actions == [
        Tell("run.backup-awaited", detail=ATTEMPT), AwaitBackup(timedelta(minutes=1)),
    ]  # fmt: skip
    state, actions = walk(state, WaitOver())
    assert actions == [Export("run-5")]
    state, actions = walk(state, BackupBusy())
    assert actions == [AwaitBackup(timedelta(minutes=1))]
    assert (state.phase, state.polls) == ("exporting", 2)


def test_a_backup_that_hangs_ends_the_run_with_its_cause() -> None:
    state, actions = walk(
        started(LATEST), Checked((), OLDER), BackupBusy(), WaitOver(), BackupBusy(), WaitOver()
    )
    assert actions == [Choose("run-5")]
    state, actions = walk(state, BackupBusy())
    said = "a backup was still being written after 2 min"
    detail = {**ATTEMPT, "message": said, "definite": True}
    assert actions == [
        Tell("attempt.failed", "backup-hangs", detail),
        Notify("run-failed"),
        Tell("run.failed", "backup-hangs", {"run": 5, "causes": ["backup-hangs"]}),
    ]
    assert state.failures == (run.Failure(1, NOW, "backup-hangs", said),)


def test_the_words_of_a_hanging_backup_name_the_minutes_it_was_waited_for() -> None:
    waited = run.State("exporting", 5, 1, 3, 1, source=Source(polls_max=60), polls=60)
    state, _ = walk(waited, BackupBusy())
    assert state.failures[0].message == "a backup was still being written after 60 min"


def test_each_attempt_waits_for_a_backup_anew() -> None:
    failing = (Checked((), OLDER), BackupBusy(), Failed("disk-full", "no space"))
    state, _ = walk(started(), *failing, WaitOver(), Checked((), OLDER))
    assert (state.attempt, state.polls) == (2, 0)
    _, actions = walk(state, BackupBusy())
    told = Tell("run.backup-awaited", detail={"run": 5, "attempt": 2})
    assert actions == [told, AwaitBackup(timedelta(minutes=1))]


def refused(code: str, message: str, *release: Release) -> list[Any]:
    remedy = "look at the appliance's backup jobs, or let each run export its own backup"
    return [
        Notify("run-refused", (Problem(code, "", message, remedy),)),
        Tell("run.refused", code, {"run": 5, "problems": [message]}),
        *release,
    ]


def test_without_a_finished_backup_the_run_is_refused() -> None:
    state, actions = walk(started(LATEST), Checked((), OLDER), NoBackup())
    assert actions == refused("backup-missing", "no backup job has finished a backup yet (D3)")
    assert state.phase == "refused"


@pytest.mark.parametrize(
    ("age", "generation", "code", "message"),
    [
        (24.0, 7, "", ""),
        (24.1, 7, "backup-stale", "the data of 7.seal is 24.1 h old, allowed are 24 h (D3)"),
        (720.0, 7, "backup-stale", "the data of 7.seal is 720.0 h old, allowed are 24 h (D3)"),
        (1.0, 5, "backup-outdated", "the standby holds newer data than 7.seal (D3)"),
        (1.0, 6, "", ""),
    ],
)
def test_a_latest_backup_is_taken_up_to_its_age_and_never_behind_the_standby(
    age: float, generation: int, code: str, message: str
) -> None:
    changes = {"taken_at": NOW - timedelta(hours=age), "generation": generation}
    chosen = SNAPSHOT.model_copy(update=changes)
    _, actions = walk(started(LATEST), Checked((), OLDER), Exported(chosen))
    if code:
        assert actions == refused(code, message, Release("7.seal"))
    else:
        told = Tell("run.exported", detail={"snapshot": chosen.model_dump(mode="json")})
        assert actions[0] == told
        assert isinstance(actions[1], Fence)


def test_a_latest_backup_that_the_standby_holds_already_is_a_success_at_once() -> None:
    state, actions = walk(started(LATEST), Checked((), HELD), Exported(SNAPSHOT))
    success = {"run": 5, "attempt": 1, "generation": 7}
    assert actions == [Tell("run.succeeded", detail=success), Release("7.seal")]
    assert state.phase == "succeeded"


def test_a_fresh_backup_travels_whatever_its_age() -> None:
    old = SNAPSHOT.model_copy(update={"taken_at": NOW - timedelta(days=9)})
    _, actions = walk(started(), Checked((), OLDER), Exported(old))
    assert isinstance(actions[-1], Fence)


def test_preconditions_that_fail_are_told_with_the_appliance() -> None:
    lacks = (Problem("x-code", "pbx2", "what is wrong", "todo"), Problem("y", "pbx1", "too", ""))
    state, actions = walk(started(), Checked(lacks, OLDER))
    told = {"run": 5, "problems": ["pbx2: what is wrong", "pbx1: too"]}
    assert actions == [Notify("run-refused", lacks), Tell("run.refused", "x-code", told)]
    assert state.phase == "refused"


def test_a_failed_attempt_tells_cause_message_and_until_when_it_waits() -> None:
    sending, _ = walk(started(), Checked((), OLDER), Exported(SNAPSHOT), Done())
    assert sending.phase == "sending"
    state, actions = walk(sending, Failed("connection-lost", "reset", definite=False))
    until = NOW + timedelta(minutes=5)
    detail = {**ATTEMPT, "message": "reset", "definite": False}
    assert actions == [
        Tell("attempt.failed", "connection-lost", detail),
        Tell("run.waiting", detail={"run": 5, "until": until.isoformat()}),
        WaitUntil(until),
    ]
    assert state.failures == (run.Failure(1, NOW, "connection-lost", "reset"),)
    again, actions = walk(state, WaitOver())
    assert actions == [
        Tell("attempt.started", detail={"run": 5, "attempt": 2, "token": "1.5.2"}), Check(),
    ]  # fmt: skip
    assert again.phase == "checking"
    assert walk(again, Checked((), OLDER))[1] == [Fence(Token(1, 5, 2))]


def test_an_indefinite_import_is_told_and_looked_at_within_its_attempt() -> None:
    steps = (Checked((), OLDER), Exported(SNAPSHOT), Done(), Done())
    importing, _ = walk(started(), *steps)
    state, actions = walk(importing, Failed("answer-lost", "gone", definite=False))
    detail = {**ATTEMPT, "message": "gone", "definite": False}
    assert actions == [Tell("attempt.indefinite", "answer-lost", detail), Check()]
    assert state.phase == "verifying"
    failed, actions = walk(state, Checked((), OLDER))
    assert actions[0] == Tell("attempt.failed", "answer-lost", {**detail, "definite": True})
    # The next attempt's import is not in doubt: that it left nothing has a cause of its own.
    again = (WaitOver(), Checked((), OLDER), Done(), Done(), Done(), Checked((), OLDER))
    assert walk(failed, *again)[0].failures[-1].cause == "not-imported"
    state, actions = walk(state, Checked((), HELD))
    success = {"run": 5, "attempt": 1, "generation": 7}
    assert actions == [Tell("run.succeeded", detail=success), Release("7.seal")]
    assert state.phase == "succeeded"


def test_success_that_cannot_be_read_back_says_so() -> None:
    steps = (Checked((), OLDER), Exported(SNAPSHOT), Done(), Done(), Done(), Checked((), OLDER))
    state, actions = walk(started(), *steps)
    said = "the standby reported success, but does not hold the snapshot"
    detail = {**ATTEMPT, "message": said, "definite": True}
    assert actions[0] == Tell("attempt.failed", "not-imported", detail)
    assert state.phase == "waiting"


@pytest.mark.parametrize("change", [{"epoch": 2}, {"generation": 8}, {"sha256": "ef" * 32}])
def test_only_exactly_this_snapshot_counts_as_held(change: dict[str, Any]) -> None:
    steps = (Checked((), OLDER), Exported(SNAPSHOT), Done(), Done(), Done())
    state, _ = walk(started(), *steps, Checked((), HELD.model_copy(update=change)))
    assert state.phase == "waiting"


@pytest.mark.parametrize(
    "seen",
    [
        WaitOver(), BackupBusy(), NoBackup(), Exported(SNAPSHOT), Checked((), HELD), Done(),
        Failed("x", "y"), Restarted(),
    ],
)  # fmt: skip
def test_what_nobody_waits_for_changes_nothing(seen: Any) -> None:
    for phase in ("idle", "succeeded", "failed", "refused"):
        state = run.State(phase=phase, snapshot=SNAPSHOT)  # type: ignore[arg-type]
        assert run.step(state, seen, NOW) == (state, [])


def test_a_second_start_in_mid_run_changes_nothing() -> None:
    state = started()
    again = Started(6, 1, 3, after_failure=False, reason="manual")
    assert run.step(state, again, NOW) == (state, [])


def test_a_restart_in_the_wait_keeps_its_end_and_after_the_last_attempt_gives_up() -> None:
    failed = run.Failure(1, NOW - timedelta(minutes=2), "stalled", "nothing moved")
    waiting = run.State("waiting", 5, 1, 3, 1, failures=(failed,))
    assert run.step(waiting, Restarted(), NOW)[1] == [WaitUntil(NOW + timedelta(minutes=3))]
    last = run.State("waiting", 5, 1, 1, 1, failures=(failed,))
    state, actions = run.step(last, Restarted(), NOW)
    assert actions == [
        Notify("run-failed"), Tell("run.failed", "stalled", {"run": 5, "causes": ["stalled"]}),
    ]  # fmt: skip
    assert state.phase == "failed"


def test_a_restart_does_not_try_again_what_is_not_retried() -> None:
    wrong = run.Failure(1, NOW, "authentication-failed", "no")
    state, actions = walk(run.State("waiting", 5, 1, 3, 1, failures=(wrong,)), Restarted())
    assert state.phase == "failed"
    assert actions[0] == Notify("run-failed")


@pytest.mark.parametrize(
    ("phase", "event", "definite"),
    [("sending", "attempt.failed", True), ("importing", "attempt.indefinite", False)],
)
def test_a_restart_in_an_attempt_is_told_and_leaves_only_an_import_in_doubt(
    phase: run.Phase,
    event: str,
    definite: bool,  # noqa: FBT001 - a column of the table
) -> None:
    _, actions = walk(run.State(phase, 5, 1, 3, 1, snapshot=SNAPSHOT), Restarted())
    detail = {**ATTEMPT, "message": "the engine was restarted", "definite": definite}
    assert actions[0] == Tell(event, "restarted", detail)


def test_a_restart_before_the_first_attempt_makes_it() -> None:
    _, actions = run.step(run.State("checking", 5, 1, 3), Restarted(), NOW)
    assert actions[-1] == Check()
    assert actions[0].detail == {"run": 5, "attempt": 1, "token": "1.5.1"}


# The switchover


def switch(*seen: Any) -> tuple[switchover.State, list[Any]]:
    state, actions = switchover.State(), []
    for one in (switchover.Asked("switchover-1", "0001", confirmed=False), *seen):
        state, actions = switchover.step(state, one)
    return state, actions


FIT = switchover.Assessed(standby=True, epoch=1, adopts=NETWORK, doubts=())
SILENT = switchover.Silent(3.0)


def told(actions: list[Any]) -> list[Tell]:
    return [one for one in actions if isinstance(one, Tell)]


def test_each_step_of_a_switchover_is_told() -> None:
    operation = {"operation": "switchover-1"}
    asked = {**operation, "by": "0001", "confirmed": False}
    at = {**operation, "address": "198.18.0.10"}
    assert told(switch()[1]) == [Tell("switchover.asked", detail=asked)]
    claim = {**operation, "epoch": 2, "address": "198.18.0.10"}
    assert told(switch(FIT, SILENT)[1]) == [Tell("switchover.silent", detail=claim)]
    claimed = Done({"mac": "02:00"})
    assert told(switch(FIT, SILENT, claimed)[1]) == [
        Tell("switchover.claimed", detail={**at, "mac": "02:00"})
    ]
    assert told(switch(FIT, SILENT, claimed, Done())[1]) == [
        Tell("switchover.announced", detail=at)
    ]
    ends = [Done()] * 6
    state, actions = switch(FIT, SILENT, *ends)
    assert told(actions) == [Tell("switchover.finished", detail=operation)]
    assert switchover.step(state, Done()) == (state, [])


def test_an_address_that_is_claimed_all_the_same_is_told_with_who_why_and_from_whom() -> None:
    order = switchover.Asked("switchover-1", "console", confirmed=True, override="it burns")
    state, _ = switchover.step(switchover.State(), order)
    state, _ = switchover.step(state, FIT)
    _, actions = switchover.step(state, switchover.Answered(("02:00",)))
    detail = {
        "operation": "switchover-1", "epoch": 2, "address": "198.18.0.10", "macs": ["02:00"],
        "by": "console", "reason": "it burns",
    }  # fmt: skip
    assert told(actions) == [Tell("switchover.overridden", "active-answers", detail)]


@pytest.mark.parametrize("steps", range(6))
def test_a_switchover_that_was_cut_off_after_its_claim_is_told_and_announced_anew(
    steps: int,
) -> None:
    mine = Takeover(operation="switchover-1", epoch=2, settled=False)
    state, actions = switch(FIT, SILENT, *[Done()] * steps, switchover.Restarted(mine))
    operation = {"operation": "switchover-1"}
    assert actions == [
        Tell("switchover.resumed", detail=operation),
        Tell("switchover.claimed", detail={**operation, "address": "198.18.0.10"}),
        switchover.Announce("198.18.0.10", 1),
    ]
    assert state.phase == "announcing"


def test_a_doubt_is_told_with_its_code() -> None:
    doubts = (("data-stale", "72"), ("lines", "isdn"))
    state, actions = switch(switchover.Assessed(True, 1, NETWORK, doubts))  # noqa: FBT003
    assert actions == [
        Tell("switchover.confirm", "data-stale", {"operation": "switchover-1"}),
        switchover.Answer("confirm", "data-stale", doubts),
    ]
    assert state.phase == "refused"


def refusal(code: str, *reasons: tuple[str, str]) -> list[Any]:
    detail = {"operation": "switchover-1", "reasons": [list(one) for one in reasons]}
    return [
        switchover.Notify("switchover-refused", (("code", code), *reasons)),
        Tell("switchover.refused", code, detail),
        switchover.Answer("refused", code, reasons),
    ]


def test_a_refusal_is_mailed_told_and_answered_with_its_reasons() -> None:
    answered = switchover.Answered(("02:00",))
    assert switch(FIT, answered)[1] == refusal(
        "active-answers", ("address", "198.18.0.10"), ("mac", "02:00")
    )
    failed = Failed("disk-full", "no space")
    for seen in ((failed,), (FIT, failed), (FIT, SILENT, failed)):
        assert switch(*seen)[1] == refusal("disk-full", ("message", "no space"))
    assert switch(FIT, switchover.Restarted(None))[1] == refusal("interrupted")


def test_a_step_that_fails_after_the_claim_is_told_and_passed() -> None:
    state, actions = switch(FIT, SILENT, Done(), Done(), Failed("busy", "later"))
    assert actions == [
        Tell("switchover.step-failed", "busy", {"message": "later"}), switchover.Activate(),
    ]  # fmt: skip
    assert state.phase == "activating"
    over = switchover.State("finished", adopts=NETWORK)
    assert switchover.step(over, Failed("busy", "later")) == (over, [])


@pytest.mark.parametrize(
    "seen", [FIT, SILENT, switchover.Answered(("02:00",)), Done(), switchover.Restarted(None)]
)
def test_nothing_moves_a_switchover_that_nobody_asked_for(seen: Any) -> None:
    for state in (switchover.State(), switchover.State("refused", adopts=NETWORK)):
        assert switchover.step(state, seen) == (state, [])


def test_a_switchover_in_mid_way_is_not_assessed_or_heard_again() -> None:
    state, _ = switch(FIT, SILENT)
    for seen in (FIT, SILENT, switchover.Answered(("02:00",))):
        assert switchover.step(state, seen) == (state, [])


# The rollback


BEGAN = rollback.Began("rollback-1", 2, "hw-2", NETWORK)


def rolled(*steps: Any) -> tuple[rollback.State, list[Any]]:
    state, actions = rollback.step(rollback.State(), BEGAN)
    for one in steps:
        state, actions = rollback.step(state, one)
    return state, actions


def ask(step: Any, **facts: Any) -> rollback.Asked:
    part = "acting" if step in {"backup", "readdress", "shutdown", "abandon"} else "original"
    return rollback.Asked(step, "admin", Facts(**{"part": part, **facts}))


def test_a_rollback_tells_where_it_begins() -> None:
    state, actions = rolled()
    detail = {
        "operation": "rollback-1", "epoch": 2, "hardware_id": "hw-2",
        "network": NETWORK.model_dump(),
    }  # fmt: skip
    assert actions == [Tell("rollback.started", detail=detail)]
    assert (state.operation, state.epoch, state.hardware_id) == ("rollback-1", 2, "hw-2")
    assert state.network == NETWORK


def test_a_rollback_goes_on_with_the_step_that_it_begins_with() -> None:
    asked, _ = rollback.step(rollback.State(), ask("backup"))
    begun, _ = rollback.step(asked, BEGAN)
    assert begun.asked == "backup"
    after, _ = rollback.step(begun, rollback.Acted(Facts("acting", file="x.sar")))
    assert (after.operation, after.done) == ("rollback-1", 1)


def test_a_step_tells_who_asked_and_what_it_brought() -> None:
    which = {"operation": "rollback-1", "epoch": 2, "step": "backup"}
    _, actions = rolled(ask("backup"))
    assert actions == [
        Tell("rollback.asked", detail={**which, "by": "admin"}), rollback.Act("backup"),
    ]  # fmt: skip
    brought = rollback.Acted(Facts("acting", file="x.sar"), {"file": "x.sar"})
    state, actions = rolled(ask("backup"), brought)
    assert actions == [
        Tell("rollback.step", "backup", {**which, "file": "x.sar"}),
        rollback.Answer("done", "backup", (("next", "readdress"),)),
    ]
    assert (state.done, state.file, state.asked) == (1, "x.sar", None)


def test_a_step_out_of_place_is_told_and_not_mailed() -> None:
    detail = {"operation": "rollback-1", "epoch": 2, "step": "shutdown"}
    reasons = (("next", "backup"),)
    _, actions = rolled(ask("shutdown"))
    assert actions == [
        Tell("rollback.refused", "out-of-order", {**detail, "reasons": [["next", "backup"]]}),
        rollback.Answer("refused", "out-of-order", reasons),
    ]
    over = rollback.State("rollback-1", 2, "hw-2", NETWORK, done=7)
    elsewhere = rollback.Asked("abandon", "admin", Facts("original"))
    assert rollback.step(over, elsewhere)[1][-1] == rollback.Answer(
        "refused", "wrong-appliance", (("next", ""),)
    )


def test_a_step_whose_check_fails_is_told_mailed_and_answered_with_the_macs() -> None:
    state = rollback.State("rollback-1", 2, "hw-2", NETWORK, done=1, file="x.sar")
    state, actions = rollback.step(state, ask("readdress", file="x.sar", answered_by=("02:00",)))
    reasons = (("mac", "02:00"),)
    which = {"operation": "rollback-1", "epoch": 2, "step": "readdress"}
    assert actions == [
        Tell("rollback.refused", "address-answers", {**which, "reasons": [["mac", "02:00"]]}),
        rollback.Notify("readdress", "address-answers", reasons),
        rollback.Answer("refused", "address-answers", reasons),
    ]
    assert state.asked is None


def test_macs_are_named_only_where_the_address_answers() -> None:
    state = rollback.State("rollback-1", 2, "hw-2", NETWORK, done=1)
    _, actions = rollback.step(state, ask("readdress", answered_by=("02:00",)))
    assert actions[-1] == rollback.Answer("refused", "no-backup")


def test_checks_that_all_hold_lack_nothing() -> None:
    assert first_lack(BEFORE["shutdown"], Facts("acting")) == ""
    assert (
        first_lack(BEFORE["shutdown"], Facts("acting", at_address=True)) == "still-at-the-address"
    )


def test_an_action_without_effect_is_told_mailed_and_answered() -> None:
    state, actions = rolled(ask("backup"), rollback.Acted(Facts("acting")))
    which = {"operation": "rollback-1", "epoch": 2, "step": "backup"}
    assert actions == [
        Tell("rollback.refused", "no-backup", {**which, "reasons": []}),
        rollback.Notify("backup", "no-backup", ()),
        rollback.Answer("refused", "no-backup"),
    ]
    assert (state.done, state.asked) == (0, None)


def test_an_action_that_fails_is_told_mailed_and_answered_with_its_words() -> None:
    _, actions = rolled(ask("backup"), Failed("disk-full", "no space"))
    which = {"operation": "rollback-1", "epoch": 2, "step": "backup"}
    reasons = (("message", "no space"),)
    assert actions == [
        Tell("rollback.refused", "disk-full", {**which, "reasons": [["message", "no space"]]}),
        rollback.Notify("backup", "disk-full", reasons),
        rollback.Answer("refused", "disk-full", reasons),
    ]


def test_the_last_step_tells_that_the_rollback_is_finished() -> None:
    state = rollback.State("rollback-1", 2, "hw-2", NETWORK, done=6)
    asked, _ = rollback.step(state, ask("redundancy", protected=True))
    _, actions = rollback.step(asked, rollback.Acted(Facts("original", protected=True)))
    which = {"operation": "rollback-1", "epoch": 2, "step": "redundancy"}
    assert actions == [
        Tell("rollback.step", "redundancy", which),
        Tell("rollback.finished", detail={"operation": "rollback-1"}),
        rollback.Answer("done", "redundancy", (("next", ""),)),
    ]


def test_a_step_that_is_done_is_answered_with_the_next_one() -> None:
    state = rollback.State("rollback-1", 2, "hw-2", NETWORK, done=1)
    assert rollback.step(state, ask("backup"))[1] == [
        rollback.Answer("done", "already", (("next", "readdress"),))
    ]
    over = rollback.State("rollback-1", 2, "hw-2", NETWORK, done=7)
    assert rollback.step(over, ask("backup"))[1] == [
        rollback.Answer("done", "already", (("next", ""),))
    ]


def test_a_box_that_is_put_back_into_service_tells_so() -> None:
    state = rollback.State("rollback-1", 2, "hw-2", NETWORK, done=2, file="x.sar")
    asked, actions = rollback.step(state, ask("abandon"))
    which = {"operation": "rollback-1", "epoch": 2, "step": "abandon"}
    assert actions == [
        Tell("rollback.asked", detail={**which, "by": "admin"}), rollback.Act("abandon"),
    ]  # fmt: skip
    after, actions = rollback.step(asked, rollback.Acted(Facts("acting", at_address=True)))
    assert actions == [
        Tell("rollback.abandoned", detail=which), rollback.Answer("done", "abandoned"),
    ]  # fmt: skip
    assert (after.abandoned, after.asked) == (True, None)


def test_steps_that_end_the_way_to_the_box_are_answered_first() -> None:
    state = rollback.State("rollback-1", 2, "hw-2", NETWORK, done=1, file="x.sar")
    asked, actions = rollback.step(state, ask("readdress", file="x.sar"))
    assert actions[1:] == [rollback.Answer("accepted", "readdress"), rollback.Act("readdress")]
    moved = rollback.Acted(Facts("acting", file="x.sar"), {"lost": ["users/7"]})
    left, _ = rollback.step(asked, moved)
    assert left.lost == ("users/7",)
    off, actions = rollback.step(left, ask("shutdown", file="x.sar"))
    assert actions[1] == rollback.Answer("accepted", "shutdown")
    assert actions[-1] == rollback.PowerOff()
    assert off.done == 3


@pytest.mark.parametrize(
    ("epoch", "hardware", "expected"),
    [
        (2, "hw-2", ("acting", 1)),
        (2, "hw-1", ("original", 3)),
        (3, "hw-1", ("original", 3)),
        (3, "hw-2", ("standby", 6)),
    ],
)
def test_a_box_knows_its_part_and_how_far_that_proves_the_rollback(
    epoch: int, hardware: str, expected: tuple[str, int]
) -> None:
    state = rollback.State("rollback-1", 2, "hw-2", NETWORK, done=1)
    box = rollback.Box(Roles("standby", "active"), epoch, hardware)
    part, seen = rollback.place(box, state)
    assert (part, seen.done) == expected
    further = rollback.State("rollback-1", 2, "hw-2", NETWORK, done=7)
    assert rollback.place(box, further)[1].done == 7


@pytest.mark.parametrize("epoch", [1, 4])
def test_a_record_of_another_time_begins_no_part(epoch: int) -> None:
    state = rollback.State("rollback-1", 2, "hw-2", NETWORK, done=1)
    acting, standby = Roles("standby", "active"), Roles("standby", "standby")
    original = Roles("active", "active")
    assert rollback.place(rollback.Box(acting, epoch, "hw-2"), state) == (
        "acting", rollback.State(),
    )  # fmt: skip
    for roles in (standby, original):
        assert rollback.place(rollback.Box(roles, epoch, "hw-2"), state) == (
            None, rollback.State(),
        )  # fmt: skip


# The replay of the journal


def record(event: str, cause: str = "", **detail: Any) -> Record:
    return Record(1, NOW, "run-5", event, cause, detail)


def test_a_run_is_rebuilt_from_what_it_told() -> None:
    seen = Started(5, 2, 3, after_failure=True, reason="x", source=LATEST)
    state, actions = run.step(run.State(), seen, NOW)
    records = [record(one.event, one.cause, **one.detail) for one in told(actions)]
    assert replay.of_run(records) == state
    exported = record("run.exported", snapshot=SNAPSHOT.model_dump(mode="json"))
    failed = record("attempt.failed", "stalled", attempt=1, message="nothing moved")
    rebuilt = replay.of_run([*records, exported, failed])
    assert rebuilt.phase == "waiting"
    assert rebuilt.snapshot == SNAPSHOT
    assert rebuilt.failures == (run.Failure(1, NOW, "stalled", "nothing moved"),)
    again = record("attempt.started", attempt=2)
    later = replay.of_run([*records, exported, failed, again])
    assert (later.phase, later.attempt, later.failures) == ("checking", 2, rebuilt.failures)
    twice = record("attempt.failed", "stalled", attempt=2, message="again")
    assert len(replay.of_run([*records, failed, again, twice]).failures) == 2


def test_a_journal_without_an_operation_gives_a_machine_at_rest() -> None:
    assert replay.of_run([]) == run.State()
    assert replay.of_switchover([], NETWORK) == switchover.State()
    assert replay.of_rollback([]) == rollback.State()


def test_a_run_that_told_only_its_start_is_rebuilt_before_its_first_attempt() -> None:
    _, actions = run.step(run.State(), Started(5, 2, 3, after_failure=False, reason="x"), NOW)
    begun = replay.of_run([record("run.started", **told(actions)[0].detail)])
    assert (begun.phase, begun.run, begun.attempt) == ("checking", 5, 0)


def test_the_doubt_about_an_import_is_rebuilt_and_ends_with_its_attempt() -> None:
    steps = (
        Checked((), OLDER), Exported(SNAPSHOT), Done(), Done(),
        Failed("answer-lost", "gone", definite=False),
    )  # fmt: skip
    begin = Started(5, 1, 3, after_failure=False, reason="x")
    state, records = run.State(), list[Record]()
    for seen in (begin, *steps):
        state, actions = run.step(state, seen, NOW)
        records += [record(one.event, one.cause, **one.detail) for one in told(actions)]
    rebuilt = replay.of_run(records)
    assert rebuilt.phase == state.phase == "verifying"
    assert rebuilt.doubt == state.doubt == Failed("answer-lost", "gone", definite=False)
    failed = record("attempt.failed", "answer-lost", attempt=1, message="gone")
    assert replay.of_run([*records, failed, record("attempt.started", attempt=2)]).doubt is None


@pytest.mark.parametrize("end", ["succeeded", "failed", "refused"])
def test_a_run_that_was_over_stays_over(end: str) -> None:
    begun = record("run.started", run=5, epoch=1, attempts_max=3, after_failure=False)
    state = replay.of_run([begun, record(f"run.{end}")])
    assert (state.phase, state.over) == (end, True)
    assert state.source == Source()


def test_a_switchover_is_rebuilt_from_what_it_told() -> None:
    asked = record("switchover.asked", operation="switchover-1", by="0001", confirmed=True)
    assert replay.of_switchover([asked], NETWORK) == switchover.State(
        "assessing", "switchover-1", "0001", confirmed=True
    )
    silent = record("switchover.silent", epoch=2)
    claiming = replay.of_switchover([asked, silent], NETWORK)
    assert (claiming.phase, claiming.epoch, claiming.adopts) == ("claiming", 2, NETWORK)
    for event, phase in (("finished", "finished"), ("refused", "refused"), ("confirm", "refused")):
        ended = replay.of_switchover([asked, silent, record(f"switchover.{event}")], NETWORK)
        assert ended.phase == phase


def test_a_rollback_is_rebuilt_from_what_it_told() -> None:
    network = NETWORK.model_dump(mode="json")
    begun = Record(
        1, NOW, "rollback-1", "rollback.started", "",
        {"epoch": 2, "hardware_id": "hw-2", "network": network},
    )  # fmt: skip
    state = replay.of_rollback([begun])
    assert state == rollback.State("rollback-1", 2, "hw-2", NETWORK)
    backup = record("rollback.step", epoch=2, step="backup", file="x.sar")
    moved = record("rollback.step", epoch=2, step="readdress", lost=["users/7"])
    after = replay.of_rollback([begun, backup, moved])
    assert (after.done, after.file, after.lost) == (2, "x.sar", ("users/7",))
    assert replay.of_rollback([begun, record("rollback.abandoned", epoch=2)]).abandoned
    assert not replay.of_rollback([begun, record("rollback.abandoned", epoch=1)]).abandoned
    assert replay.of_rollback([begun, record("rollback.asked", epoch=2, step="backup")]) == state
    other = record("rollback.step", epoch=1, step="phones")
    assert replay.of_rollback([begun, other, backup]).done == 1
    bare = [record("rollback.step", epoch=2, step=step) for step in ("backup", "readdress")]
    told_nothing = replay.of_rollback([begun, *bare])
    assert (told_nothing.done, told_nothing.file, told_nothing.lost) == (2, "", ())


# The preconditions


def licences(name: str, users: int = 5, *modules: str) -> tuple[Licence, ...]:
    own = [Licence(kind="server", fingerprint=f"{name}-s", redacted="…-S")]
    own.append(Licence(kind="user", users=users, fingerprint=f"{name}-u", redacted="…-U"))
    for one in ("redundanz", *modules):
        fingerprint = f"{name}-{one}"
        own.append(Licence(kind="module", module=one, fingerprint=fingerprint, redacted=f"…-{one}"))
    return tuple(own)


def status(name: str, address: str, **changes: Any) -> Status:
    values: dict[str, Any] = {
        "name": name, "hardware_id": name, "type": "vm", "version": "8.1", "zone": "UTC",
        "licences": licences(name), "user_count": 5,
        "network": NetworkSettings(address=address, prefix=24, gateway="198.18.0.1"),
        "lineage": Lineage(epoch=1, holder="x", generation=1),
    }  # fmt: skip
    return Status(**{**values, **changes})


def network(address: str, method: str = "static") -> NetworkSettings:
    values = {"method": method, "address": address, "prefix": 24, "gateway": ""}
    return NetworkSettings.model_validate(values)


SHARED = (*licences("pbx2"), licences("pbx1")[1], licences("pbx1", 5, "fax")[3])


@pytest.mark.parametrize(
    ("active", "standby", "expected"),
    [
        ({"type": "cloud"}, {}, Problem(
            "cloud-appliance", "pbx1",
            "pbx1 is a cloud appliance; redundancy needs hardware or a VM (R2)",
            "run the pair on hardware appliances or VMs")),
        ({}, {"version": "8.2"}, Problem(
            "version-mismatch", "pbx2", "pbx1 has version 8.1, pbx2 8.2 (R7)",
            "update both appliances to the same version (R10)")),
        ({}, {"network": network("198.18.0.20", "dhcp")}, Problem(
            "address-not-static", "pbx2", "pbx2 gets its IPv4 address by DHCP (R9)",
            "give pbx2 a static IPv4 address")),
        ({}, {"network": network("198.18.0.10")}, Problem(
            "same-address", "pbx2", "both appliances are configured with 198.18.0.10 (R9)",
            "give pbx2 an address of its own")),
        ({}, {"network": network("198.18.1.20")}, Problem(
            "different-subnet", "pbx2",
            "pbx1 is in 198.18.0.0/24, pbx2 in 198.18.1.0/24 (R8)",
            "put both appliances into the same IP subnet")),
        ({}, {"licences": licences("pbx2")[1:]}, Problem(
            "server-licence-missing", "pbx2", "pbx2 has no server licence (R11)",
            "install the server licence of pbx2")),
        ({"licences": licences("pbx1")[:2]}, {}, Problem(
            "module-licence-missing", "pbx1",
            "pbx1 has no licence for the module Redundanz (R11, R47)",
            "install the module licence of pbx1")),
        ({}, {"licences": (*licences("pbx2"), licences("pbx1")[1])}, Problem(
            "licence-on-both", "pbx2",
            "the user licence …-U is installed on pbx1 and on pbx2 (R12)",
            "install the redundancy counterpart of this licence on pbx2")),
        ({}, {"licences": (*licences("pbx2"), licences("pbx1")[2])}, Problem(
            "licence-on-both", "pbx2",
            "the module licence …-redundanz is installed on pbx1 and on pbx2 (R12)",
            "install the redundancy counterpart of this licence on pbx2")),
        ({}, {"licences": licences("pbx2", 4)}, Problem(
            "too-few-user-licences", "pbx2",
            "pbx1 has 5 users, the user licences of pbx2 allow 4 (R12)",
            "install more redundancy user licences on pbx2")),
        ({"licences": licences("pbx1", 5, "fax")}, {}, Problem(
            "module-licence-missing", "pbx2",
            "the module fax is licensed on pbx1 but not on pbx2 (R12)",
            "install the redundancy licence of the module fax on pbx2")),
    ],
)  # fmt: skip
@pytest.mark.covers("R7", "R8", "R9", "R11", "R12", "R14")
def test_a_lack_is_told_with_appliance_and_remedy(
    active: dict[str, Any], standby: dict[str, Any], expected: Problem
) -> None:
    pair = status("pbx1", "198.18.0.10", **active), status("pbx2", "198.18.0.20", **standby)
    assert problems(*pair) == (expected,)


def test_lacks_come_the_most_basic_first() -> None:
    found = problems(
        status("pbx1", "198.18.0.10", licences=licences("pbx1", 5, "fax", "crm")),
        status("pbx2", "198.18.0.20", type="cloud", version="9", licences=licences("pbx2", 1)),
    )
    assert [one.code for one in found] == [
        "cloud-appliance", "version-mismatch", "too-few-user-licences",
        "module-licence-missing", "module-licence-missing",
    ]  # fmt: skip
    assert ["crm" in found[3].message, "fax" in found[4].message] == [True, True]
