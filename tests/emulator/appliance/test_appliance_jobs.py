"""The appliance's own backup and archive jobs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from dateutil.relativedelta import relativedelta
from hypothesis import given
from hypothesis import strategies as st

from emulator.appliance.jobs import next_start

START = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)  # 09:00 in Berlin
NIGHTLY = ("jobs", "add", "--name", "nightly", "--start", "2026-03-01T10:00")


@pytest.fixture
def rig(bench):
    made = bench.boot("pbx1")
    made.run("epoch", "open", "--operation", "first", "--epoch", "1")
    return made


def at(rig, **after):
    """Let the clock reach an instant, and everybody do what is due."""
    rig.box.calendar.await_quiet()
    rig.box.calendar.set(START + timedelta(**after))
    rig.box.calendar.await_quiet()


def job(rig, name="nightly"):
    return next(one for one in rig.run("backup", "jobs")["jobs"] if one["name"] == name)


def made(rig):
    return [one["job"] for one in rig.run("backup", "list")["backups"]]


@pytest.mark.covers("R32")
def test_a_job_writes_at_its_wall_time_and_says_when_it_will_again(rig):
    rig.run(*NIGHTLY)
    assert job(rig)["next_start"] == "2026-03-01T09:00:00Z"
    assert job(rig)["typical_s"] is None
    at(rig, minutes=59)
    assert made(rig) == []
    at(rig, hours=1)
    assert made(rig) == ["nightly"]
    assert job(rig)["next_start"] == "2026-03-02T09:00:00Z"


@pytest.mark.covers("O1", "O4")
def test_a_large_backup_takes_calendar_time_and_is_seen_while_it_is_written(rig):
    rig.run(*NIGHTLY, "--takes", "20")
    at(rig, hours=1)
    assert rig.run("status")["busy"]["backup"]
    assert job(rig)["running"]
    assert made(rig) == []
    assert rig.refusal("backup", "create", "--operation", "other") == "busy"
    at(rig, hours=1, minutes=20)
    assert made(rig) == ["nightly"]
    assert job(rig)["typical_s"] == 1200
    assert not rig.run("status")["busy"]["backup"]


@pytest.mark.covers("O4")
def test_a_hung_job_can_be_cancelled_and_leaves_nothing(rig):
    rig.run(*NIGHTLY, "--takes", "100000")
    at(rig, hours=1)
    assert rig.run("backup", "cancel") == {"job": "nightly"}
    rig.box.calendar.await_quiet()
    assert not rig.run("status")["busy"]["backup"]
    assert rig.box.disk.list("backups") == []
    assert [cause for cause, _ in rig.box.happened("backup.failed")] == ["cancelled"]
    assert rig.refusal("backup", "cancel") == "no-such-job"


@pytest.mark.covers("O7")
def test_an_archive_and_a_backup_that_are_due_together_are_written_one_after_the_other(rig):
    rig.run(*NIGHTLY, "--takes", "20")
    argv = ("jobs", "add", "--name", "archive", "--start", "2026-03-01T10:00")
    rig.run(*argv, "--kind", "archive", "--takes", "30")
    for minutes in range(60, 120, 5):
        at(rig, minutes=minutes)
    names = {"backup.started", "backup.finished", "archive.started", "archive.finished"}
    order = [name for _, name, _, _ in rig.box.events if name in names]
    assert order == ["archive.started", "archive.finished", "backup.started", "backup.finished"]


@pytest.mark.covers("O2", "O3")
def test_rotation_keeps_as_many_as_the_job_says_and_never_takes_what_is_held(rig):
    rig.run("jobs", "add", "--name", "hourly", "--start", "2026-03-01T10:00", "--unit", "hour",
            "--keep", "2")  # fmt: skip
    asked = rig.run("backup", "create", "--operation", "by-hand")["file"]
    at(rig, hours=1)
    first = rig.run("backup", "list")["backups"][-1]["file"]
    rig.run("backup", "hold", first)
    for hours in range(2, 7):
        at(rig, hours=hours)
    assert made(rig) == ["", "hourly", "hourly", "hourly"]
    files = [one["file"] for one in rig.run("backup", "list")["backups"]]
    assert {asked, first} <= set(files)
    rig.run("backup", "release", first)
    assert made(rig) == ["", "hourly", "hourly"]


def test_jobs_rest_on_a_standby(bench, sending):
    active, standby = bench.pair()
    active.run(*NIGHTLY)
    made_file = sending(active, standby, "1.1.1")["file"]
    standby.run("import", "1.1.1", "--file", made_file)
    assert job(standby)["next_start"] is None
    at(standby, hours=2)
    assert made(standby) == []


def test_a_start_that_passed_while_the_appliance_was_off_is_not_made_up(rig):
    rig.run("jobs", "add", "--name", "early", "--start", "2026-03-01T08:30")
    at(rig, hours=3)
    assert made(rig) == []
    assert job(rig, "early")["next_start"] == "2026-03-02T07:30:00Z"


@pytest.mark.parametrize(
    "wrong",
    [
        ("--kind", "copy"),
        ("--unit", "year"),
        ("--every", "0"),
        ("--start", "2026-02-30T10:00"),
        ("--start", ""),
        ("--contents", "core,phones"),
        ("--contents", ""),
        ("--report-to", "nobody"),
        ("--report-to", "a@b.c\r\nBcc: d@e.f"),
    ],
)
def test_a_malformed_job_is_refused(rig, wrong):
    assert rig.refusal(*NIGHTLY, *wrong) == "usage"


def wall_starts(unit, every, anchor):
    """Every start of the next years, by the definition: the n-th is n steps after the first."""
    steps = {"day": {"days": 1}, "week": {"weeks": 1}, "month": {"months": 1}}[unit]
    for number in range(3000 // every):
        yield anchor + number * every * relativedelta(**steps)


@given(
    st.integers(0, 60 * 24 * 800), st.integers(1, 30), st.sampled_from(["day", "week", "month"]),
    st.sampled_from(["2026-03-01T02:30", "2026-01-31T23:00", "2024-02-29T00:00"]),
)  # fmt: skip
def test_the_next_start_is_the_first_of_all_wall_times(minutes, every, unit, start):
    after = START + timedelta(minutes=minutes)
    zone = ZoneInfo("Europe/Berlin")
    walls = wall_starts(unit, every, datetime.fromisoformat(start))
    starts = (wall.replace(tzinfo=zone).astimezone(UTC) for wall in walls)
    body = {"unit": unit, "every": every, "start": start}
    assert next_start(body, "Europe/Berlin", after) == next(one for one in starts if one > after)


@given(st.integers(0, 60 * 24 * 800), st.integers(1, 30), st.sampled_from(["hour", "day"]))
def test_the_next_start_is_the_first_of_all_starts(minutes, every, unit):
    body = {"unit": unit, "every": every, "start": "2026-03-01T02:30"}
    after = START + timedelta(minutes=minutes)
    found = next_start(body, "Europe/Berlin", after)
    assert found > after
    earlier = next_start(body, "Europe/Berlin", found - timedelta(seconds=1))
    assert earlier == found
    assert found - after <= timedelta(**{f"{unit}s": every}) + timedelta(hours=1)


def test_a_manual_job_starts_when_it_is_told_to_and_never_by_itself(rig):
    rig.run("jobs", "add", "--name", "full", "--unit", "manual", "--takes", "20")
    assert job(rig, "full")["next_start"] is None
    at(rig, days=40)
    assert made(rig) == []
    rig.run("jobs", "start", "full")
    rig.box.calendar.await_quiet()
    assert job(rig, "full")["running"]
    assert rig.refusal("jobs", "start", "full") == "busy"
    at(rig, days=40, minutes=20)
    assert made(rig) == ["full"]
    assert rig.refusal("jobs", "start", "other") == "no-such-job"


def test_a_backup_is_named_by_its_job_and_the_instant_in_milliseconds(rig):
    rig.run(*NIGHTLY)
    at(rig, hours=1)
    (one,) = rig.run("backup", "list")["backups"]
    epoch_ms = int((START + timedelta(hours=1)).timestamp() * 1000)
    assert one["file"] == f"nightly_{epoch_ms}.sar"
    rig.run("jobs", "start", "nightly")
    rig.box.calendar.await_quiet()
    assert rig.run("backup", "list")["backups"][-1]["file"] == f"nightly_{epoch_ms + 1}.sar"


def test_a_job_is_changed_in_the_fields_that_are_named_and_removed(rig):
    rig.run(*NIGHTLY, "--keep", "3")
    rig.run("jobs", "change", "nightly", "--unit", "week", "--contents", "calls,announcements")
    assert job(rig)["repeat_unit"] == "week"
    assert job(rig)["contents"] == ["calls", "announcements"]
    assert (job(rig)["keep"], job(rig)["start"]) == (3, "2026-03-01T10:00")
    assert rig.refusal("jobs", "change", "nightly", "--unit", "year") == "usage"
    assert rig.refusal("jobs", "change", "weekly", "--unit", "week") == "no-such-object"
    rig.run("jobs", "remove", "nightly")
    assert rig.run("backup", "jobs")["jobs"] == []


def mails(rig):
    return [one for one in rig.run("mail", "list")["mails"] if "nightly" in one["subject"]]


@pytest.mark.covers("M3")
def test_a_scheduled_and_a_manual_start_are_reported_alike_to_whom_the_job_names(rig):
    rig.run(*NIGHTLY, "--report-to", "it@example.com")
    at(rig, hours=1)
    rig.run("jobs", "start", "nightly")
    at(rig, hours=2)
    first, second = mails(rig)
    assert {first["recipient"], second["recipient"]} == {"it@example.com"}
    assert first["subject"] == second["subject"] == "pbx1: nightly: erfolgreich"
    assert first["message_id"] != second["message_id"]


def test_a_failed_job_is_reported_with_its_cause_in_the_language_of_the_reader(rig):
    rig.run("users", "add", "--login", "77", "--name", "Ann", "--email", "ann@example.com",
            "--language", "en")  # fmt: skip
    rig.run(*NIGHTLY, "--takes", "60", "--report-to", "ann@example.com")
    at(rig, hours=1)
    rig.run("backup", "cancel")
    at(rig, hours=2)
    assert [one["subject"] for one in mails(rig)] == ["pbx1: nightly: failed"]
    (text,) = [text.decode() for _, to, text in rig.box.mails if to == "ann@example.com"]
    assert "Cause: the job nightly was given up (cancelled)" in text


def test_a_job_that_reports_to_nobody_sends_nothing(rig):
    rig.run(*NIGHTLY)
    at(rig, hours=1)
    assert mails(rig) == []
