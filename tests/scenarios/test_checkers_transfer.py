"""Invariants of transfers and runs, each with a history that breaks it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from histories import (
    CONTENT,
    Writer,
    failover_history,
    failover_record,
    followed,
    record,
    verdict,
    without,
)

from scenarios.verdict import Verdict


def test_a_cut_transfer_that_is_said_to_have_arrived_fails() -> None:
    cut = (29.0, "pbx2/wire", "cut", "", {"byte": 600})
    arrived = (29.1, "pbx2/appliance", "receive.finished", "", {"token": "1.1.1"})
    refused = (29.1, "pbx2/appliance", "receive.failed", "connection-lost", {"token": "1.1.1"})

    assert verdict("import-after-hash", followed(failover_record(), cut, arrived)) is Verdict.FAILED
    assert verdict("import-after-hash", followed(failover_record(), cut, refused)) is Verdict.PASSED


def test_two_attempts_under_one_token_fail() -> None:
    again = (32.0, "pbx1/engine", "attempt.started", "", {"attempt": 2, "token": "1.1.1"})
    twice = (32.0, "pbx2/appliance", "receive.started", "", {"token": "1.1.1"})

    assert verdict("older-attempts-rest", followed(failover_record(), again)) is Verdict.FAILED
    assert verdict("older-attempts-rest", followed(failover_record(), twice)) is Verdict.FAILED


@pytest.mark.parametrize(
    "objects",
    [
        {"users/a": "1", "users/carried": "3"},
        {"users/a": "1", "users/b": "2"},
        {**CONTENT, "users/b": "changed"},
        {**CONTENT, "users/left": "4"},
    ],
    ids=["one-is-missing", "the-entered-one-is-missing", "one-differs", "one-is-left-over"],
)
def test_content_that_is_not_that_of_the_active_fails(objects: dict[str, str]) -> None:
    write = failover_history()
    write.read(70, "pbx2", "final", "digest", {"objects": objects})

    assert verdict("content-arrives-whole", record(write)) is Verdict.FAILED


def test_what_was_entered_on_the_acting_active_is_no_leftover() -> None:
    write = failover_history()
    write.add(65, "pbx2/appliance", "changed", "users add", kind="users", id="new")
    write.read(70, "pbx2", "final", "digest", {"objects": {**CONTENT, "users/new": "5"}})

    assert verdict("content-arrives-whole", record(write)) is Verdict.PASSED


def test_what_was_entered_while_a_backup_was_written_is_not_missing_from_it() -> None:
    write = failover_history()
    exported = next(one for one in write.rows if one.event == "snapshot.created")
    write.rows.remove(exported)
    lineage = {key: exported.detail[key] for key in ("epoch", "generation")}
    late = Writer()
    late.add(11, "pbx1/appliance", "backup.started", **lineage)
    late.add(12, "pbx1/appliance", "changed", "users add", kind="users", id="late")
    late.rows.append(exported)
    place = next(n for n, one in enumerate(write.rows) if one.event == "run.started")
    rows = [*write.rows[:place], *late.rows, *write.rows[place:]]
    write.rows = [replace(one, number=number) for number, one in enumerate(rows, 1)]

    assert verdict("content-arrives-whole", record(write)) is Verdict.PASSED
    begun = without(record(write), "backup.started")
    assert verdict("content-arrives-whole", begun) is Verdict.FAILED


def test_a_password_that_was_given_on_the_active_may_be_on_the_standby() -> None:
    sound = failover_record()
    content = {"objects": {**CONTENT, "passwords/a": "1"}}
    given = (5.0, "pbx1/appliance", "changed", "users password", {"kind": "users", "id": "a"})
    read = replace(
        sound,
        events=tuple(
            replace(one, detail={**one.detail, "answer": content})
            if (one.cause, one.detail.get("moment")) == ("digest", "final")
            else one
            for one in sound.events
        ),
    )
    first = followed(replace(sound, events=()), given).events

    assert verdict("content-arrives-whole", read) is Verdict.FAILED
    assert verdict("content-arrives-whole", replace(read, events=(*first, *read.events))) is (
        Verdict.PASSED
    )


@pytest.mark.parametrize(
    ("cause", "expected"),
    [("users change", Verdict.FAILED), ("users remove", Verdict.PASSED)],
)
def test_what_was_edited_and_does_not_arrive_is_missing_and_what_was_removed_is_not(
    cause: str, expected: Verdict
) -> None:
    write = failover_history()
    kept = {key: value for key, value in CONTENT.items() if key != "users/b"}
    write.read(70, "pbx2", "final", "digest", {"objects": kept})
    edited = (5.0, "pbx1/appliance", "changed", cause, {"kind": "users", "id": "b"})
    whole = record(write)
    first = followed(replace(whole, events=()), edited).events

    changed = replace(whole, events=(*first, *whole.events))
    assert verdict("content-arrives-whole", changed) is expected


@pytest.mark.parametrize(("leaves", "expected"), [("b", Verdict.PASSED), ("a", Verdict.FAILED)])
def test_redirects_go_with_their_user_and_with_no_other(leaves: str, expected: Verdict) -> None:
    write = failover_history()
    kept = {key: value for key, value in CONTENT.items() if key != f"users/{leaves}"}
    write.read(70, "pbx2", "final", "digest", {"objects": kept})
    whole = record(write)
    redirect = {"kind": "redirects", "id": "b-timeout"}
    first = followed(
        replace(whole, events=()),
        (4.0, "pbx1/appliance", "changed", "redirects add", redirect),
        (5.0, "pbx1/appliance", "changed", "users remove", {"kind": "users", "id": leaves}),
    ).events

    changed = replace(whole, events=(*first, *whole.events))
    assert verdict("content-arrives-whole", changed) is expected


def test_content_that_was_not_read_is_inconclusive() -> None:
    assert verdict("content-arrives-whole", without(failover_record(), "read")) is (
        Verdict.INCONCLUSIVE
    )


def test_a_second_run_in_one_slot_fails() -> None:
    write = failover_history()
    write.add(33, "pbx1/engine", "run.started", served=180, run=2, reason="scheduled")
    manual = failover_history()
    manual.add(33, "pbx1/engine", "run.started", served=180, run=2, reason="manual by admin")
    tomorrow = failover_history()
    tomorrow.add(33, "pbx1/engine", "run.started", served=86520, run=2, reason="scheduled")

    assert verdict("one-run-a-slot", record(write)) is Verdict.FAILED
    assert verdict("one-run-a-slot", record(manual)) is Verdict.PASSED
    assert verdict("one-run-a-slot", record(tomorrow)) is Verdict.PASSED


@pytest.mark.covers("D6", "C3")
def test_a_slot_is_one_of_the_clock_that_the_appliance_shows() -> None:
    write = failover_history()
    write.add(32, "runner/runner", "clock.set", node="pbx1", by_s=86400)
    write.add(33, "pbx1/engine", "run.started", served=180, run=2, reason="scheduled")
    back = Writer()
    back.rows = list(write.rows)
    back.add(34, "runner/runner", "clock.set", node="pbx1", by_s=-86400)
    back.add(35, "pbx1/engine", "run.started", served=190, run=3, reason="scheduled")

    assert verdict("one-run-a-slot", record(write)) is Verdict.PASSED
    assert verdict("one-run-a-slot", record(back)) is Verdict.FAILED


def test_a_run_before_the_first_slot_fails() -> None:
    write = Writer()
    write.add(1, "pbx1/engine", "run.started", served=60, run=1, reason="scheduled")

    assert verdict("one-run-a-slot", record(write)) is Verdict.FAILED


def test_a_run_of_a_standby_fails() -> None:
    early = (35.0, "pbx2/engine", "run.started", "", {"run": 1})
    before = without(without(failover_record(), "takeover.committed"), "fault")

    assert verdict("standby-runs-nothing", followed(before, early)) is Verdict.FAILED
    assert verdict("standby-runs-nothing", followed(failover_record(), early)) is Verdict.PASSED
    opened = (34.0, "pbx2/appliance", "epoch.opened", "", {"epoch": 3})
    assert verdict("standby-runs-nothing", followed(before, opened, early)) is Verdict.PASSED
