"""What the clock asks for: due runs, missed slots, collisions; without doubles."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from redundancy import agenda
from redundancy.agenda import Collision, Due, Missed
from redundancy.contract import Job
from redundancy.journal import Record
from redundancy.schedule import Schedule

HOURLY = Schedule(datetime(2026, 3, 2, 8), ZoneInfo("UTC"), "hour", 1)
DAILY = Schedule(datetime(2026, 3, 2, 2, 30), ZoneInfo("Europe/Berlin"), "day", 1)
MINUTE = timedelta(minutes=1)


def at(hour: int, minute: int = 0, second: int = 0) -> datetime:
    return datetime(2026, 3, 2, hour, minute, second, tzinfo=UTC)


def record(event: str, when: datetime, **detail: Any) -> Record:
    return Record(1, when, "run-1", event, "", detail)


def started(slot: datetime) -> Record:
    return record("run.started", slot, slot=slot.isoformat())


def test_without_a_past_the_next_slot_is_due() -> None:
    assert agenda.next_due(HOURLY, [], at(9, 20)) == Due(at(10), at(10))


@pytest.mark.parametrize("event", ["run.started", "slot.skipped", "configured", "initialised"])
@pytest.mark.covers("D6")
def test_slots_since_the_last_that_was_covered_are_due_at_once(event: str) -> None:
    covering = record(event, at(9, 5), slot=None)
    assert agenda.next_due(HOURLY, [covering], at(11, 20)) == Due(at(11, 20), at(10))


def test_what_covers_nothing_leaves_older_slots_due() -> None:
    told = [record("configured", at(8, 30)), record("run.succeeded", at(10, 5))]
    assert agenda.next_due(HOURLY, told, at(10, 20)) == Due(at(10, 20), at(9))


def test_the_newest_covering_record_counts() -> None:
    told = [record("configured", at(8, 30)), started(at(10))]
    assert agenda.next_due(HOURLY, told, at(10, 20)) == Due(at(11), at(11))


def test_a_slot_is_due_at_its_very_instant() -> None:
    assert agenda.next_due(HOURLY, [started(at(9))], at(10)) == Due(at(10), at(10))


@pytest.mark.covers("D6", "C3")
def test_slots_that_have_fired_are_passed_over_after_the_clock_was_set_back() -> None:
    fired = [started(at(hour)) for hour in (9, 10, 11)]
    back = record("configured", at(8, 30))
    assert agenda.next_due(HOURLY, [*fired, back], at(8, 40)) == Due(at(12), at(12))
    assert agenda.next_due(HOURLY, [*fired, back], at(9, 10)) == Due(at(12), at(12))


@pytest.mark.parametrize(
    ("late", "told"),
    [
        (timedelta(), None),
        (5 * MINUTE, None),
        (5 * MINUTE + timedelta(seconds=1), Missed(at(9), at(9), 1)),
        (timedelta(hours=2, minutes=1), Missed(at(9), at(11), 3)),
    ],
)
@pytest.mark.covers("D5")
def test_a_run_is_delayed_when_it_starts_more_than_five_minutes_late(
    late: timedelta, told: Missed | None
) -> None:
    assert agenda.delayed(HOURLY, Due(at(9) + late, at(9)), at(9) + late) == told


@pytest.mark.parametrize(
    ("now", "told"),
    [
        (at(9, 59, 59), None),
        (at(10), Missed(at(10), at(10), 1)),
        (at(12, 30), Missed(at(10), at(12), 3)),
    ],
)
@pytest.mark.covers("D5", "O5")
def test_slots_that_passed_in_a_run_are_skipped(now: datetime, told: Missed | None) -> None:
    assert agenda.skipped(HOURLY, at(9), now) == told


def test_before_the_first_slot_what_was_missed_is_that_one_slot() -> None:
    assert agenda.missed(HOURLY, at(8), at(7)) == Missed(at(8), at(8), 1)


def job(next_start: datetime | None, typical_s: float | None = 1200, **changes: Any) -> Job:
    values = {
        "name": "nightly", "kind": "backup", "repeat_unit": "day", "repeat_every": 1,
        "next_start": next_start, "typical_s": typical_s, **changes,
    }  # fmt: skip
    return Job.model_validate(values)


def collisions(job_at: datetime, typical_s: float | None, takes: timedelta | None) -> int:
    return len(agenda.collisions(DAILY, [job(job_at, typical_s)], takes, at(0)))


RUN = at(1, 30)  # 02:30 in Berlin


@pytest.mark.covers("R32")
@pytest.mark.parametrize(
    ("job_at", "meets"),
    [
        (RUN - 20 * MINUTE, 0),  # the job has ended when the run starts
        (RUN - 20 * MINUTE + timedelta(seconds=1), 1),
        (RUN, 1),
        (RUN + 10 * MINUTE - timedelta(seconds=1), 1),
        (RUN + 10 * MINUTE, 0),  # the run has ended when the job starts
    ],
)
def test_a_run_and_a_job_meet_while_both_last(job_at: datetime, meets: int) -> None:
    assert collisions(job_at, 1200, 10 * MINUTE) == meets


@pytest.mark.parametrize(
    ("job_at", "meets"),
    [
        (RUN - 30 * MINUTE, 0),
        (RUN - 29 * MINUTE, 1),
        (RUN + 14 * MINUTE, 1),
        (RUN + 15 * MINUTE, 0),
    ],
)
def test_what_has_never_run_is_taken_to_last_as_usual(job_at: datetime, meets: int) -> None:
    assert collisions(job_at, None, None) == meets


def test_a_collision_names_the_job_and_both_instants() -> None:
    found = agenda.collisions(DAILY, [job(None), job(RUN + MINUTE)], None, at(0))
    assert found == (Collision("nightly", RUN + MINUTE, RUN),)


def test_a_job_with_another_rhythm_is_looked_at_for_five_weeks() -> None:
    within = RUN + timedelta(days=31, hours=-1)  # summer time has begun
    (found,) = agenda.collisions(DAILY, [job(within, repeat_unit="month")], None, at(0))
    assert found.job_at == within
    beyond = RUN + timedelta(days=36, hours=-1)
    assert agenda.collisions(DAILY, [job(beyond, repeat_unit="month")], None, at(0)) == ()


@pytest.mark.parametrize(("before", "meets"), [(timedelta(seconds=1), 1), (timedelta(), 0)])
def test_the_five_weeks_end_before_their_last_instant(before: timedelta, meets: int) -> None:
    job_at = at(0) + timedelta(days=35) - before
    found = agenda.collisions(HOURLY, [job(job_at, repeat_unit="month")], None, at(0))
    assert len(found) == meets


def test_a_job_that_people_start_meets_nothing_whatever_start_it_names() -> None:
    manual = job(RUN, repeat_unit="manual")
    assert agenda.collisions(DAILY, [manual], None, at(0)) == ()
