"""The schedule against a slow, obviously correct reference (R28 to R31, D6, C1, C2)."""

from __future__ import annotations

import calendar
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from redundancy.schedule import RepeatUnit, Schedule

ZONES = [
    "Europe/Berlin", "UTC", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu",
    "America/St_Johns", "Africa/Casablanca", "Africa/Cairo", "Asia/Tehran", "Pacific/Chatham",
    "Pacific/Apia", "America/Santiago", "Europe/Dublin", "Asia/Gaza", "Pacific/Kiritimati",
]  # fmt: skip
BERLIN = ZoneInfo("Europe/Berlin")


def by_minutes(wall: datetime, zone: ZoneInfo) -> datetime:
    """Find the instant of a wall time by looking at every minute around it."""
    start = wall.replace(tzinfo=UTC) - timedelta(hours=30)
    for minute in range(60 * 60):
        instant = start + timedelta(minutes=minute)
        if instant.astimezone(zone).replace(tzinfo=None) == wall:
            return instant
    before = wall - timedelta(hours=12)
    return by_minutes(before, zone) + timedelta(hours=12)


def reference(schedule: Schedule, number: int) -> datetime:
    anchor, every = schedule.anchor, schedule.every * number
    match schedule.unit:
        case "minute":
            return by_minutes(anchor, schedule.zone) + timedelta(minutes=every)
        case "hour":
            return by_minutes(anchor, schedule.zone) + timedelta(hours=every)
        case "day":
            return by_minutes(anchor + timedelta(days=every), schedule.zone)
        case "week":
            return by_minutes(anchor + timedelta(weeks=every), schedule.zone)
    months = anchor.month - 1 + every
    year, month = anchor.year + months // 12, months % 12 + 1
    day = min(anchor.day, calendar.monthrange(year, month)[1])
    return by_minutes(anchor.replace(year=year, month=month, day=day), schedule.zone)


@settings(max_examples=150, deadline=None)
@given(
    st.datetimes(datetime(2024, 1, 1), datetime(2027, 12, 31)).map(
        lambda one: one.replace(second=0, microsecond=0)
    ),
    st.sampled_from(ZONES),
    st.sampled_from(["minute", "hour", "day", "week", "month"]),
    st.integers(1, 40),
    st.integers(0, 30),
)
@pytest.mark.covers("R28", "R29", "R30", "R31", "D6")
def test_every_slot_is_where_the_reference_says(
    anchor: datetime, zone: str, unit: RepeatUnit, every: int, number: int
) -> None:
    schedule = Schedule(anchor, ZoneInfo(zone), unit, every)
    slot = schedule.slot(number)
    assert slot == reference(schedule, number)
    assert schedule.latest(slot) == slot
    assert schedule.after(slot) == schedule.slot(number + 1)
    assert schedule.after(slot - timedelta(seconds=1)) == slot


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        (datetime(2026, 3, 29), "2026-03-29T01:30:00+00:00"),  # 02:30 does not exist
        (datetime(2026, 10, 25), "2026-10-25T00:30:00+00:00"),  # 02:30 happens twice
    ],
)
@pytest.mark.covers("D6", "C1")
def test_a_daily_run_fires_exactly_once_on_both_daylight_saving_days(
    day: datetime, expected: str
) -> None:
    schedule = Schedule(datetime(2026, 1, 1, 2, 30), BERLIN, "day", 1)
    start = day.replace(tzinfo=BERLIN).astimezone(UTC)
    first = schedule.after(start)
    assert first.isoformat() == expected
    assert schedule.after(first) > start + timedelta(hours=23)


@pytest.mark.covers("D6", "C2")
def test_the_thirty_first_is_clamped_and_does_not_drift() -> None:
    schedule = Schedule(datetime(2024, 1, 31, 3), BERLIN, "month", 1)
    days = [schedule.slot(number).astimezone(BERLIN).day for number in range(13)]
    assert days == [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31, 31]


@pytest.mark.covers("R28", "R29", "R30", "R31", "D6")
@pytest.mark.parametrize(
    ("unit", "every", "slots"),
    [
        ("minute", 90, ["2026-03-01T02:00", "2026-03-01T03:30", "2026-03-01T06:30"]),
        ("hour", 6, ["2026-03-01T02:00", "2026-03-01T08:00", "2026-03-01T20:00"]),
        ("day", 2, ["2026-03-01T02:00", "2026-03-03T02:00", "2026-03-07T02:00"]),
        ("week", 2, ["2026-03-01T02:00", "2026-03-15T02:00", "2026-04-12T01:00"]),
        ("month", 3, ["2026-03-01T02:00", "2026-06-01T01:00", "2026-12-01T02:00"]),
    ],
)
def test_slots_lie_several_units_apart_from_the_anchor_on_and_are_told_in_utc(
    unit: RepeatUnit, every: int, slots: list[str]
) -> None:
    schedule = Schedule(datetime(2026, 3, 1, 3), BERLIN, unit, every)  # summer from 29 March
    found = [schedule.slot(number) for number in (0, 1, 3)]
    assert [one.isoformat(timespec="minutes") for one in found] == [f"{one}+00:00" for one in slots]
    assert all(one.tzinfo is UTC for one in found)


@pytest.mark.covers("D6", "C1")
def test_an_anchor_in_the_repeated_hour_is_its_first_occurrence() -> None:
    second = datetime(2026, 10, 25, 2, 30, fold=1)
    slot = Schedule(second, BERLIN, "hour", 1).slot(0)
    assert slot == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)


def test_the_anchor_is_the_latest_slot_until_the_next() -> None:
    schedule = Schedule(datetime(2026, 1, 1, 3), BERLIN, "day", 1)
    for since in (timedelta(), timedelta(days=1, microseconds=-1)):
        assert schedule.latest(schedule.slot(0) + since) == schedule.slot(0)


def test_slots_are_counted_from_one_instant_to_another_in_whole_numbers() -> None:
    schedule = Schedule(datetime(2026, 1, 1, 3), BERLIN, "day", 1)
    moment = timedelta(microseconds=1)
    first, last = schedule.slot(0), schedule.slot(2)
    assert str(schedule.count(first, last)) == "3"
    assert str(schedule.count(first + moment, last)) == "2"
    assert str(schedule.count(first, last - moment)) == "2"


def test_before_the_anchor_nothing_is_due() -> None:
    schedule = Schedule(datetime(2026, 1, 1, 3), BERLIN, "day", 1)
    before = datetime(2025, 12, 1, tzinfo=UTC)
    assert schedule.latest(before) is None
    assert schedule.after(before) == schedule.slot(0)


# Every day of four years, one of them a leap year, as the anchor.
CYCLE = [date(2024, 1, 1) + timedelta(days=one) for one in range(4 * 365 + 1)]


@pytest.mark.covers("R28", "R29", "R30", "D6", "C2")
@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe"])
@pytest.mark.parametrize("every", [1, 5])
def test_from_any_anchor_months_clamp_to_the_last_day_and_never_drift(
    zone: str, every: int
) -> None:
    for anchor in CYCLE:
        wall = datetime(anchor.year, anchor.month, anchor.day, 12)
        schedule = Schedule(wall, ZoneInfo(zone), "month", every)
        for number in (1, 2, 11, 12, 13, 25, 48):
            local = schedule.slot(number).astimezone(schedule.zone)
            months = anchor.month - 1 + number * every
            year, month = anchor.year + months // 12, months % 12 + 1
            last = calendar.monthrange(year, month)[1]
            expected = (year, month, min(anchor.day, last), 12)
            assert (local.year, local.month, local.day, local.hour) == expected


@pytest.mark.covers("R29", "R30", "R31", "D6")
@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe"])
@pytest.mark.parametrize(("unit", "days"), [("day", 1), ("week", 7)])
def test_from_any_anchor_days_and_weeks_keep_their_wall_time(
    zone: str, unit: RepeatUnit, days: int
) -> None:
    for anchor in CYCLE:
        wall = datetime(anchor.year, anchor.month, anchor.day, 12)
        schedule = Schedule(wall, ZoneInfo(zone), unit, 3)
        for number in (0, 1, 30, 121):
            local = schedule.slot(number).astimezone(schedule.zone).replace(tzinfo=None)
            assert local == wall + timedelta(days=3 * days * number)


@pytest.mark.covers("D6", "C1")
@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("minute", [0, 30, 59])
def test_a_daily_slot_exists_once_a_day_in_every_zone_and_hour_of_the_year(
    zone: str, minute: int
) -> None:
    for hour in (0, 1, 2, 3, 23):
        schedule = Schedule(datetime(2026, 1, 1, hour, minute), ZoneInfo(zone), "day", 1)
        slots = [schedule.slot(number) for number in range(366)]
        gaps = {later - earlier for earlier, later in pairwise(slots)}
        assert all(timedelta(hours=22) < one < timedelta(hours=26) for one in gaps)
        locals_ = [one.astimezone(schedule.zone) for one in slots]
        shifted = [one for one in locals_ if (one.hour, one.minute) != (hour, minute)]
        assert len({one.date() for one in locals_}) >= len(locals_) - len(shifted)
        assert len(shifted) <= 2  # the days whose clock leaps over this time


@pytest.mark.covers("D6")
@settings(max_examples=60, deadline=None)
@given(st.integers(0, 5000), st.integers(0, 400), st.sampled_from(ZONES))
def test_counted_slots_are_those_between(start: int, length: int, zone: str) -> None:
    schedule = Schedule(datetime(2026, 1, 1, 2, 30), ZoneInfo(zone), "day", 1)
    first = schedule.after(datetime(2026, 1, 1, tzinfo=UTC) + timedelta(hours=start))
    last = first + timedelta(hours=length)
    count, slot = 0, first
    while slot <= last:
        count, slot = count + 1, schedule.after(slot)
    assert schedule.count(first, last) == count
