"""Backup jobs, the schedule and secrets with the real engine on simulated appliances."""

from datetime import timedelta

import pytest
from failover import START, Failover


@pytest.fixture
def failover():
    made = Failover()
    made.configure()
    made.initialise()
    yield made
    made.lab.down()


def times(failover, event):
    """Return when an event happened on the active, as hours and minutes after the start."""
    return [
        str(one.served - START)[:-3]
        for one in failover.lab.events()
        if (one.node, one.event) == ("pbx1", event)
    ]


def add_job(failover, name, start, *options):
    failover.pbx1.ctl(["jobs", "add", "--name", name, "--start", start, *options])


def advance(failover, **duration):
    failover.lab.timekeeper.advance(failover.lab.timekeeper.now() + timedelta(**duration))


@pytest.mark.covers("D3", "O1", "R32")
def test_a_run_that_falls_due_in_a_backup_takes_its_own_after_that(failover):
    add_job(failover, "nightly", "2026-03-02T09:55", "--takes", "20")  # the run is due at 10:00
    advance(failover, hours=2)
    assert times(failover, "run.started") == ["1:00"]
    assert times(failover, "backup.finished") == ["0:00", "1:15"]
    assert times(failover, "snapshot.created") == ["1:15"]
    assert times(failover, "run.succeeded") == ["1:15"]


@pytest.mark.covers("O2", "O3", "O7")
def test_a_backup_job_that_starts_in_a_transfer_leaves_both_whole(failover):
    add_job(failover, "nightly", "2026-03-02T10:00", "--keep", "1")  # at the run's own instant
    advance(failover, hours=2)
    assert len(times(failover, "backup.failed")) == 0
    assert len(times(failover, "run.succeeded")) == 1


@pytest.mark.covers("O4", "D5")
def test_a_hung_backup_job_costs_one_run_and_one_mail_and_the_next_one_succeeds(failover):
    add_job(failover, "nightly", "2026-03-02T09:55", "--takes", "100000")
    advance(failover, hours=3)
    assert times(failover, "run.failed") == ["2:00"]
    mails = [one["subject"] for one in failover.pbx1.ctl(["mail", "list"])["mails"]]
    assert len(mails) == 1
    failover.pbx1.ctl(["backup", "cancel"])
    failover.pbx1.ctl(["jobs", "remove", "nightly"])
    advance(failover, hours=24)
    assert len(times(failover, "run.succeeded")) == 1


@pytest.mark.covers("R32")
def test_saving_a_schedule_that_meets_a_backup_job_warns(failover):
    add_job(failover, "nightly", "2026-03-02T09:55", "--takes", "20")
    (warning,) = failover.configure()["warnings"]
    assert "nightly" in warning


@pytest.mark.covers("D5", "F0", "R46")
def test_a_dead_active_that_nobody_minds_is_one_mail_about_old_data(failover):
    advance(failover, hours=3)
    failover.pbx1.power_off()
    advance(failover, days=7)
    aged = [one for one in failover.lab.events() if one.event == "data.aged"]
    assert [one.node for one in aged] == ["pbx2"]
    assert failover.seen("pbx2", "takeover.committed") == 0


@pytest.mark.covers("D6", "D5", "C4")
def test_slots_in_which_the_active_was_off_are_made_up_once_and_reported(failover):
    advance(failover, hours=3)
    failover.pbx1.power_off()
    advance(failover, days=4)
    failover.pbx1.boot()
    advance(failover, minutes=5)
    assert len(times(failover, "run.started")) == 2
    assert len(times(failover, "slot.delayed")) == 1


@pytest.mark.covers("D15", "R35")
def test_no_secret_lies_readable_on_a_disk_or_is_told_in_an_event(failover):
    advance(failover, hours=3)
    secrets = set(failover.credentials.root_passwords.values())
    told = repr(failover.lab.events())
    assert not any(one in told for one in secrets)
    for node in (failover.pbx1, failover.pbx2):
        files = [one for one in node.files("") if one != "log"]
        lying = b"".join(node.read(one) for one in files)
        assert not any(one.encode() in lying for one in secrets)
        assert node.ctl(["module", "get", "redundanz"])["values"]["standby_password"] == ""
