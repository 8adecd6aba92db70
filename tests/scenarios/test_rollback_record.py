"""What is judged of a rollback, each with a history that breaks it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from histories import MAC1, MAC2, PBX1, failover_frames, failover_history, record

from scenarios.checkers import CHECKERS
from scenarios.downtime import measure_downtime
from scenarios.expectations import met
from scenarios.models.expectations import Back, Reported, RolledBack
from scenarios.record import Record, Watch
from scenarios.takeovers import standing
from scenarios.verdict import Verdict

BACK = Back.model_validate({"back after rollback": {"at most": "1 min"}})
REPORTED = Reported.model_validate(
    {"reported": {"by": "pbx1", "event": "address.conflict", "times": 1}}
)
VIEW = {"next": None, "protected": True, "lost": ["users/7"]}
ENDED = RolledBack.model_validate(
    {"rolled back": {"of": "pbx2", "next": "nothing", "protected": "yes", "lost": ["late"]}}
)


def rolled_back(*, by: str = "admin", last: str = "rollback.step") -> Record:
    """The sound failover, then step (b) at 70 s, and clients back at pbx1 at 80 and 82 s."""
    write = failover_history()
    network = {"address": PBX1}
    write.add(65, "pbx2/engine", "rollback.started", operation="rollback-1", network=network)
    write.add(69, "pbx2/engine", "rollback.asked", step="readdress", by=by)
    write.add(70, "pbx2/address", "removed", address=PBX1)
    write.add(70, "pbx2/engine", "rollback.step", "readdress")
    if last != "rollback.step":
        write.add(75, "pbx2/engine", last)
    write.add(78, "pbx1/address", "added", address=PBX1)
    write.add(79, "runner/runner", "change", "late", kind="user", key="7")
    write.read(90, "pbx2", "final", "rollback", VIEW)
    pings = {
        "phone1": Watch(PBX1, 9, ((39.9, MAC1), (50.3, MAC2), (80.0, MAC1))),
        "phone2": Watch(PBX1, 9, ((39.9, MAC1), (50.3, MAC2), (82.0, MAC1))),
    }
    return replace(record(write, failover_frames()), pings=pings)


def test_downtime_runs_from_b_to_the_last_phone() -> None:
    downtime = measure_downtime(rolled_back())
    assert downtime is not None
    assert (downtime.address, downtime.held_s, downtime.total_s) == (PBX1, 78, 12)
    assert met(BACK, rolled_back()).verdict is Verdict.PASSED


def test_a_phone_that_never_comes_back_fails() -> None:
    lost = {"phone1": Watch(PBX1, 9, ((39.9, MAC1), (50.3, MAC2)))}
    assert met(BACK, replace(rolled_back(), pings=lost)).verdict is Verdict.FAILED


def test_a_downtime_that_is_too_long_fails() -> None:
    late = {"phone1": Watch(PBX1, 9, ((140.0, MAC1),))}
    assert met(BACK, replace(rolled_back(), pings=late)).verdict is Verdict.FAILED


def test_without_a_rollback_there_is_no_downtime() -> None:
    assert measure_downtime(record(failover_history())) is None
    assert met(BACK, record(failover_history())).verdict is Verdict.FAILED


def test_step_b_that_was_cut_off_and_looked_at_began_with_the_first_look() -> None:
    write = failover_history()
    due = {"part": "acting", "next": "readdress", "address": PBX1, "file": "a.sar"}
    write.read(66, "pbx2", "rollback", "rollback", due)
    write.add(70, "pbx2/address", "removed", address=PBX1)
    write.read(75, "pbx2", "rollback", "rollback", due)
    downtime = measure_downtime(record(write))
    assert downtime is not None
    assert downtime.left_s == 70


def test_step_b_whose_end_a_crash_swallowed_gave_the_address_up_with_the_crash() -> None:
    write = failover_history()
    write.add(65, "pbx2/engine", "rollback.started", network={"address": PBX1})
    write.add(70, "runner/runner", "fault", "kill", node="pbx2", cell="any")
    write.add(72, "pbx2/address", "added", address="198.18.0.20")
    downtime = measure_downtime(record(write))
    assert downtime is not None
    assert downtime.left_s == 70


@pytest.mark.parametrize(
    ("change", "verdict"),
    [
        ({}, Verdict.PASSED),
        ({"next": "phones"}, Verdict.FAILED),
        ({"protected": False}, Verdict.FAILED),
        ({"lost": []}, Verdict.FAILED),
    ],
)
def test_where_the_rollback_stands_is_compared(change: Mapping[str, Any], verdict: Verdict) -> None:
    sound = rolled_back()
    events = tuple(
        replace(one, detail={**one.detail, "answer": {**VIEW, **change}})
        if one.cause == "rollback"
        else one
        for one in sound.events
    )
    assert met(ENDED, replace(sound, events=events)).verdict is verdict


def test_nobody_asked_is_inconclusive() -> None:
    assert met(ENDED, record(failover_history())).verdict is Verdict.INCONCLUSIVE


def test_an_event_that_must_be_reported_is_counted() -> None:
    write = failover_history()
    assert met(REPORTED, record(write)).verdict is Verdict.FAILED
    write.add(60, "pbx1/appliance", "address.conflict", address=PBX1)
    assert met(REPORTED, record(write)).verdict is Verdict.PASSED
    write.add(61, "pbx1/appliance", "address.conflict", address=PBX1)
    assert met(REPORTED, record(write)).verdict is Verdict.FAILED


def test_an_address_may_go_when_a_person_ordered_it_and_only_then() -> None:
    check = CHECKERS["takeover-is-kept"]
    assert check(rolled_back()).verdict is Verdict.PASSED
    assert check(rolled_back(by="")).verdict is Verdict.FAILED


def test_a_takeover_stands_until_a_rollback_undid_it_for_good() -> None:
    assert len(standing(record(failover_history()))) == 1
    assert standing(rolled_back()) == ()
    assert len(standing(rolled_back(last="rollback.abandoned"))) == 1


def test_an_acting_active_imports_only_from_a_later_one() -> None:
    for epoch, verdict in ((2, Verdict.FAILED), (3, Verdict.PASSED)):
        write = failover_history()
        write.add(80, "pbx2/appliance", "import.committed", epoch=epoch, generation=9)
        assert CHECKERS["no-import-on-active"](record(write)).verdict is verdict


def test_a_box_that_shut_down_holds_nothing() -> None:
    write = failover_history()
    write.add(61, "pbx2/appliance", "stopped")
    write.add(62, "pbx1/address", "added", address=PBX1)
    assert CHECKERS["one-holder"](record(write, failover_frames())).verdict is Verdict.PASSED


def test_a_restore_to_a_lower_epoch_and_one_of_no_backup_fail() -> None:
    write = failover_history()
    what = {"file": "upload", "sha256": "cd" * 32, "token": ""}
    write.add(80, "pbx2/appliance", "restore.committed", epoch=1, generation=1, **what)
    assert CHECKERS["epoch-never-falls"](record(write)).verdict is Verdict.FAILED
    assert CHECKERS["content-is-a-generation"](record(write)).verdict is Verdict.FAILED
