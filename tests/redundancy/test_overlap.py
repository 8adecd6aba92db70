"""Runs, backups and the clock in each other's way: the engine's daemon over the fakes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from pair import Pair, configuration, origin, snapshot, status, stored

from redundancy.engine import Engine
from redundancy.engine_console import EngineConsole
from redundancy.errors import ConnectionLost, DiskFailed, Refused
from redundancy.fakes.time import START
from redundancy.schedule import Schedule

BUSY = Refused("busy", "another backup is being written")
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


class Daemon:
    """An engine on a scripted appliance, run until an instant."""

    def __init__(self, name: str = "pbx1", **changes: Any) -> None:
        self.pair = Pair(name)
        self.services = self.pair.services
        self.calendar = self.services.calendar
        # START is 13:00 in Berlin; the first slot is at 14:00.
        hourly = {"start_date": "2030-01-07", "start_time": "14:00", "repeat_unit": "hour"}
        settings = configuration(**{**hourly, **changes})
        self.services.local.answer("module get", {"values": stored(settings)})
        self.services.remote.answer("status", self._remote_status)
        self.services.remote.answer("import", self._import)
        self.services.local.answer("backup jobs", {"jobs": []})
        self.services.local.answer("snapshot create", self._seal)
        self.services.local.answer("backup list", {"backups": []})
        self.generation = 4
        self.imported = 3
        self.engine = Engine(self.services)
        self.console = EngineConsole(self.services, self.engine)
        if name == "pbx1":
            self.console.save_configuration(settings, "admin")

    def finished(self, *made: Mapping[str, Any]) -> None:
        """Let these be the backups that the appliance lists."""
        self.services.local.answer("backup list", {"backups": list(made)})

    def _seal(self, argv: Sequence[str], _payload: bytes) -> Mapping[str, Any]:
        if "--of" not in argv:
            self.generation += 1
            return sealed(self.generation)
        listed = self.services.local.call(["backup", "list"])["backups"]
        (of,) = (one for one in listed if one["file"] == argv[-1])
        return sealed(of["generation"], taken_at=of["taken_at"])

    def _import(self, _argv: Sequence[str], _payload: bytes) -> Mapping[str, Any]:
        self.imported = self.generation
        return {"epoch": 1, "generation": self.imported, "objects": 9}

    def _remote_status(self, _argv: Sequence[str], _payload: bytes) -> Mapping[str, Any]:
        return status("pbx2", origin=origin(self.imported))

    def until(self, instant: timedelta) -> None:
        """Let the daemon work until so long after the start, by the passing of time."""
        self.calendar.at(START + instant + self.calendar.jumps, self.engine.stop)
        self.engine.start()
        with suppress(SystemExit):  # the thread's end in the middle of a run
            self.services.run("redundanz")

    def at(self, instant: timedelta, action: Callable[[], object]) -> None:
        self.calendar.at(START + instant, lambda: (action(), None)[1])

    def runs(self) -> list[str]:
        """Return when runs were started, as hours and minutes after the start."""
        return [
            str(one.at - START)[:-3]
            for one in self.engine.journal.records()
            if one.event == "run.started"
        ]

    def told(self, event: str) -> list[Mapping[str, Any]]:
        return [one.detail for one in self.services.reports if one.event == event]

    def subjects(self) -> list[str]:
        return [one["subject"] for one in self.pair.mails()]

    def identifiers(self) -> list[str]:
        return [one["message_id"] for one in self.pair.mails()]


def backup(generation: int, **changes: Any) -> dict[str, Any]:
    return {
        "file": f"{generation}.sar", "path": "/backups/full.sar", "epoch": 1,
        "generation": generation, "version": "8.1.2.5", "taken_at": START.isoformat(),
        "size": 1000, "sha256": "ab" * 32, **changes,
    }  # fmt: skip


def sealed(generation: int, **changes: Any) -> dict[str, Any]:
    return {**snapshot(), "file": f"{generation}.seal", "generation": generation, **changes}


# A backup that is being written


@pytest.mark.covers("D3", "O1", "R32")
def test_a_run_waits_for_a_backup_that_is_being_written_and_takes_the_new_file() -> None:
    daemon = Daemon()
    daemon.services.local.answer("snapshot create", BUSY, BUSY, BUSY, sealed(9))
    daemon.generation = 9
    daemon.until(HOUR + timedelta(minutes=30))
    assert daemon.runs() == ["1:00"]
    assert len(daemon.told("run.backup-awaited")) == 1
    assert daemon.told("run.exported")[0]["snapshot"]["file"] == "9.seal"
    assert daemon.calendar.now() - START < DAY
    assert [one["attempt"] for one in daemon.told("run.succeeded")] == [1]
    assert daemon.calendar.rests[:3] == [timedelta(minutes=1)] * 3


@pytest.mark.covers("D3", "O4", "D5")
def test_a_backup_that_hangs_ends_the_run_after_the_limit_with_one_mail() -> None:
    daemon = Daemon(backup_wait_limit_min=20)
    daemon.services.local.answer("snapshot create", BUSY)
    daemon.until(HOUR + timedelta(minutes=50))
    (failed,) = daemon.told("run.failed")
    assert failed["causes"] == ["backup-hangs"]
    assert sum(daemon.calendar.rests, timedelta()) == timedelta(minutes=20)
    assert len(daemon.subjects()) == 1
    assert daemon.services.remote.commands().count("receive") == 0


@pytest.mark.covers("D3")
def test_the_latest_backup_of_a_job_travels_without_an_export() -> None:
    daemon = Daemon(backup_source="latest")
    made = [backup(5, job="nightly"), backup(6, job=""), backup(7, job="calls", complete=False)]
    daemon.finished(*made)
    daemon.generation = 5
    daemon.until(HOUR + timedelta(minutes=1))
    assert daemon.told("run.exported")[0]["snapshot"]["file"] == "5.seal"
    commands = daemon.services.local.commands()
    assert "snapshot create --operation run-1 --of 5.sar" in commands
    assert "snapshot release 5.seal" in commands


@pytest.mark.covers("D3")
def test_a_latest_backup_that_the_standby_holds_already_is_not_sent_again() -> None:
    daemon = Daemon(backup_source="latest")
    daemon.finished(backup(3, job="nightly"))
    daemon.until(HOUR + timedelta(minutes=1))
    assert len(daemon.told("run.succeeded")) == 1
    assert not any(one.startswith("receive") for one in daemon.services.remote.commands())


@pytest.mark.covers("D3", "D4")
@pytest.mark.parametrize(
    ("made", "cause"),
    [
        ([], "backup-missing"),
        (
            [backup(5, job="n", taken_at=(START - timedelta(hours=24)).isoformat())],
            "backup-stale",
        ),
        ([backup(2, job="n")], "backup-outdated"),
    ],
)
def test_a_latest_backup_that_will_not_do_refuses_the_run_once(
    made: list[dict[str, Any]], cause: str
) -> None:
    daemon = Daemon(backup_source="latest", backup_age_max_h=24)
    daemon.finished(*made)
    daemon.until(HOUR + timedelta(minutes=30))
    assert [one.cause for one in daemon.services.reports if one.event == "run.refused"] == [cause]
    (mail,) = daemon.pair.mails()
    assert cause in mail["body"]
    assert not any(one.startswith("receive") for one in daemon.services.remote.commands())


@pytest.mark.covers("D3", "O1")
def test_a_run_that_wants_the_latest_backup_waits_while_one_is_being_written() -> None:
    daemon = Daemon(backup_source="latest")
    writing = status("pbx1", busy={"backup": True})
    daemon.finished(backup(5, job="n"))
    daemon.generation = 5
    daemon.at(HOUR - timedelta(seconds=1), lambda: daemon.services.local.answer("status", writing))
    free = status("pbx1")
    daemon.at(HOUR + timedelta(minutes=7), lambda: daemon.services.local.answer("status", free))
    daemon.until(HOUR + timedelta(minutes=30))
    assert len(daemon.calendar.rests) == 7
    assert len(daemon.told("run.succeeded")) == 1


# Runs in each other's way


def slow(daemon: Daemon, duration: timedelta) -> None:
    """Let every import take so long on the Calendar."""

    def take(argv: Sequence[str], payload: bytes) -> Mapping[str, Any]:
        daemon.calendar.advance(duration)
        return daemon._import(argv, payload)

    daemon.services.remote.answer("import", take)


@pytest.mark.covers("D5", "D6", "O5")
def test_a_run_longer_than_the_interval_leaves_no_second_beside_it_and_says_so_once() -> None:
    daemon = Daemon()
    slow(daemon, timedelta(hours=2, minutes=30))
    daemon.until(timedelta(hours=4, minutes=1))
    assert daemon.runs() == ["1:00", "4:00"]
    assert daemon.told("slot.skipped")[0]["count"] == 2
    assert daemon.subjects()[0] == "Redundanz: Lauf auf pbx1 ausgelassen"
    assert len(daemon.told("slot.skipped")) == len(set(daemon.identifiers()))


@pytest.mark.covers("D5", "D6", "C4")
def test_slots_that_passed_while_the_appliance_was_off_are_made_up_once() -> None:
    daemon = Daemon()
    daemon.calendar.advance(timedelta(hours=5, minutes=20))
    daemon.until(timedelta(hours=6, minutes=1))
    assert daemon.runs() == ["5:20", "6:00"]
    assert [one["count"] for one in daemon.told("slot.delayed")] == [5]
    assert daemon.subjects() == ["Redundanz: Lauf auf pbx1 verspätet"]


@pytest.mark.covers("D6", "O6")
def test_run_now_twice_and_beside_the_scheduled_one_is_one_run() -> None:
    daemon = Daemon()

    def order() -> None:
        daemon.console.run_now("admin")
        daemon.console.run_now("another")

    cut = ConnectionLost("cut")
    daemon.services.remote.answer("fence", cut, {}, cut, {})
    daemon.at(timedelta(minutes=20), order)
    daemon.at(timedelta(minutes=22), order)  # while the manual run waits for its next attempt
    daemon.at(HOUR + timedelta(minutes=2), order)  # while the scheduled one does
    daemon.until(HOUR + timedelta(minutes=30))
    assert daemon.runs() == ["0:20", "1:00"]


@pytest.mark.covers("D6", "O6")
def test_an_order_that_arrives_while_a_scheduled_run_waits_starts_no_run_inside_it() -> None:
    daemon = Daemon()
    daemon.services.remote.answer("fence", ConnectionLost("cut"), {})
    # The order was taken before the daemon had begun its run: it is carried out in mid-run.
    daemon.at(HOUR, lambda: daemon.engine.orders.put(lambda: daemon.engine._run_manually("a")))
    daemon.until(HOUR + timedelta(minutes=30))
    assert daemon.runs() == ["1:00"]


# A clock that is set


@pytest.mark.covers("C3", "D6")
def test_a_clock_set_forward_makes_up_the_slots_with_one_run() -> None:
    daemon = Daemon()
    daemon.at(timedelta(minutes=30), lambda: daemon.calendar.jump(timedelta(hours=6)))
    daemon.until(timedelta(hours=2, minutes=1))
    # 6:30 by the clock: at once for the six that were passed over, then 7:00 and 8:00.
    assert daemon.runs() == ["6:30", "7:00", "8:00"]
    assert [one["count"] for one in daemon.told("slot.delayed")] == [6]


@pytest.mark.covers("C3", "D6")
def test_a_clock_set_back_fires_no_slot_twice_and_loses_none() -> None:
    daemon = Daemon()
    daemon.at(timedelta(hours=3, minutes=30), lambda: daemon.calendar.jump(-timedelta(hours=2)))
    daemon.until(timedelta(hours=6, minutes=1))
    assert daemon.runs() == ["1:00", "2:00", "3:00", "4:00"]
    assert daemon.told("slot.delayed") == []


@pytest.mark.covers("C3", "R24")
@pytest.mark.parametrize("jump", [timedelta(hours=7), -timedelta(hours=7)])
def test_the_wait_between_two_attempts_is_five_minutes_however_the_clock_is_set(
    jump: timedelta,
) -> None:
    daemon = Daemon()
    daemon.services.remote.answer("fence", ConnectionLost("cut"), {})
    daemon.at(HOUR + timedelta(minutes=2), lambda: daemon.calendar.jump(jump))
    daemon.until(HOUR + timedelta(minutes=10))
    assert daemon.calendar.rests[0] == timedelta(minutes=5)
    attempts = [one for one in daemon.engine.journal.records() if one.event == "attempt.started"]
    assert attempts[1].at - attempts[0].at == timedelta(minutes=5) + jump


@pytest.mark.covers("R24", "C3")
def test_after_a_restart_the_rest_of_the_wait_is_never_longer_than_five_minutes() -> None:
    daemon = Daemon()
    daemon.services.remote.answer("fence", ConnectionLost("cut"), {})
    daemon.until(HOUR + timedelta(minutes=1))
    daemon.calendar.jump(-timedelta(hours=9))
    daemon.engine = Engine(daemon.services)
    daemon.calendar.rests.clear()
    daemon.until(HOUR + timedelta(minutes=8))
    assert daemon.calendar.rests == [timedelta(minutes=5)]
    assert len(daemon.told("run.succeeded")) == 1


# Data that grows old on the standby


@pytest.mark.covers("D5", "F0", "R46")
def test_old_data_on_the_standby_is_one_mail_and_no_takeover() -> None:
    daemon = Daemon("pbx2", stale_after_h=48)
    daemon.until(timedelta(days=7))
    assert daemon.subjects() == ["Redundanz: Daten von pbx2 sind veraltet"]
    aged = [one for one in daemon.engine.journal.records() if one.event == "data.aged"]
    assert [one.at - START for one in aged] == [timedelta(hours=47)]
    assert not any(one.startswith("takeover") for one in daemon.services.local.commands())
    daemon.engine = Engine(daemon.services)
    daemon.until(timedelta(days=8))
    assert len(daemon.pair.mails()) == 1


@pytest.mark.covers("D5", "F0")
def test_a_standby_that_hears_of_an_import_counts_the_age_of_the_newer_data() -> None:
    daemon = Daemon("pbx2", stale_after_h=48)

    def import_came() -> None:
        newer = {"origin": origin(4, age_h=-24)}
        daemon.services.local.answer("status", status("pbx2", **newer))
        daemon.engine.changed()

    daemon.at(DAY, import_came)
    daemon.until(timedelta(days=7))
    aged = [one for one in daemon.engine.journal.records() if one.event == "data.aged"]
    assert [one.at - START for one in aged] == [timedelta(hours=72)]


@pytest.mark.covers("C5")
def test_a_standby_whose_data_is_young_is_woken_by_nothing_but_news() -> None:
    daemon = Daemon("pbx2", stale_after_h=8760)
    daemon.until(timedelta(days=30))
    (only,) = set(daemon.calendar.waits)
    assert only is not None
    assert only - START == timedelta(hours=8759)


def test_news_cut_no_pause_after_a_trouble_short() -> None:
    daemon = Daemon()
    daemon.services.local.answer("status", DiskFailed(OSError("full")))
    for minute in range(5):
        daemon.at(timedelta(minutes=1, seconds=minute), daemon.engine.changed)
    daemon.until(timedelta(minutes=3, seconds=30))
    troubled = len(daemon.told("trouble"))
    assert troubled == 4


@pytest.mark.covers("R45", "I5")
def test_a_standby_makes_no_run_though_it_has_the_schedule() -> None:
    daemon = Daemon("pbx2")
    daemon.until(5 * HOUR)
    assert daemon.runs() == []


# A schedule that meets a backup job


def job(**changes: Any) -> dict[str, Any]:
    start = START.replace(hour=13)  # 14:00 in Berlin
    return {
        "name": "nightly", "kind": "backup", "repeat_unit": "day", "repeat_every": 1,
        "next_start": start.isoformat(), "typical_s": 1200, **changes,
    }  # fmt: skip


@pytest.mark.covers("R32", "D3")
@pytest.mark.parametrize(
    ("start_time", "meets"),
    [("14:00", True), ("14:19", True), ("13:50", True), ("14:20", False), ("13:30", False)],
)
def test_a_schedule_that_meets_a_backup_job_is_warned_of(start_time: str, meets: bool) -> None:  # noqa: FBT001 - a column of the table
    daemon = Daemon(repeat_unit="day", start_time=start_time, start_date="2030-01-01")
    daemon.services.local.answer("backup jobs", {"jobs": [job()]})
    found = daemon.console.collisions()
    assert [one.job for one in found] == (["nightly"] if meets else [])


@pytest.mark.covers("R32")
def test_a_collision_that_comes_once_a_month_is_found() -> None:
    daemon = Daemon(repeat_unit="month", start_time="14:05", start_date="2030-01-31")
    daemon.services.local.answer("backup jobs", {"jobs": [job()]})
    (found,) = daemon.console.collisions()
    zone = Schedule(START.replace(tzinfo=None), START.tzinfo, "day", 1).zone  # type: ignore[arg-type]
    assert found.run_at.astimezone(zone).day == 31


# Notices


@pytest.mark.covers("M3", "D5")
def test_a_manual_run_sends_the_mails_of_a_scheduled_one() -> None:
    seen = []
    for manual in (False, True):
        daemon = Daemon(attempts_max=1)
        if manual:
            daemon.at(timedelta(minutes=30), lambda one=daemon: one.console.run_now("admin"))
        daemon.services.remote.answer("fence", ConnectionLost("cut"), {})
        end = timedelta(minutes=40) if manual else HOUR + timedelta(minutes=10)
        daemon.until(end)
        (mail,) = daemon.pair.mails()
        seen.append((mail["message_id"], mail["subject"]))
    assert seen[0] == seen[1]


@pytest.mark.covers("D5")
def test_the_first_success_after_a_failure_is_one_mail_and_the_second_none() -> None:
    daemon = Daemon(attempts_max=1)
    daemon.services.remote.answer("fence", ConnectionLost("cut"), {})
    daemon.until(timedelta(hours=3, minutes=10))
    assert daemon.subjects() == [
        "Redundanz: Sicherung von pbx1 nicht übertragen",
        "Redundanz: pbx1 ist wieder geschützt",
    ]
    assert len(daemon.told("run.succeeded")) == 2
