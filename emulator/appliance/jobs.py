"""The appliance's own backup and archive jobs (R32, O1 to O7).

A job writes by itself at wall times. Writing takes Calendar time (`takes_min`): that is how
a lab emulates the large backup of a large company, or one that hangs. Nothing is written in
parallel: whoever comes second waits (O7). On a standby jobs rest, for its content is a copy.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from emulator.appliance.backups import Backups, Purpose
from emulator.appliance.records import instant
from emulator.appliance.refusal import Refusal
from emulator.appliance.reports import report
from emulator.appliance.store import Store
from emulator.ports import Machine

KIND = "jobs"


class Jobs:
    """Starts the jobs when they are due, one after the other."""

    def __init__(self, machine: Machine, store: Store, backups: Backups) -> None:
        self._machine = machine
        self._identity = store.identity
        self._content = store.content
        self._backups = backups
        self._bell = machine.calendar.bell()
        self._running = ""
        self._cancelled = False
        self._stopped = False
        store.content.watch(self._bell)
        backups.watch(self._bell)

    def start(self) -> None:
        """Start to look at the clock."""
        self._machine.start("jobs", self._work)

    def stop(self) -> None:
        """Stop; a backup that is being written is given up."""
        self._stopped = True
        self._bell.ring()

    def cancel(self) -> str:
        """Give up what is being written; the name of the job that wrote it.

        Raises:
            Refusal: `no-such-job`.
        """
        if not self._running:
            raise Refusal("no-such-job", "no job is running", "backup jobs shows them")
        self._cancelled = True
        self._bell.ring()
        return self._running

    def list(self) -> Sequence[Mapping[str, Any]]:
        """Return every job, with its next start and how long it usually writes."""
        facts = self._identity.facts()
        rows = self._identity.database.read("SELECT name, took_s FROM job")
        took = {row["name"]: row["took_s"] for row in rows}
        now = self._machine.calendar.now()
        found = []
        for name, body in self._content.all(KIND).items():
            following = None if facts.is_standby else next_start(body, facts.zone, now)
            found.append(
                {
                    "name": name,
                    "kind": body["kind"],
                    "repeat_unit": body["unit"],
                    "repeat_every": body["every"],
                    "keep": body["keep"],
                    "next_start": None if following is None else instant(following),
                    "typical_s": took.get(name),
                    "running": name == self._running,
                }
            )
        return found

    def _work(self) -> None:
        looked = self._machine.calendar.now()
        while not self._stopped:
            if self._machine.calendar.wait(self._next(looked), self._bell):
                since, looked = looked, self._machine.calendar.now()
                for name, body in self._due(since, looked):
                    self._run(name, body)
            elif looked > self._machine.calendar.now():
                looked = self._machine.calendar.now()  # the clock was set back

    def _next(self, after: datetime) -> datetime | None:
        zone = self._identity.facts().zone
        starts = [next_start(body, zone, after) for body in self._content.all(KIND).values()]
        return min(starts, default=None)

    def _due(self, since: datetime, now: datetime) -> Sequence[tuple[str, Mapping[str, Any]]]:
        """Return the jobs of all starts since then; a start that was missed is not made up."""
        facts = self._identity.facts()
        if facts.is_standby:
            return []
        jobs = self._content.all(KIND).items()
        return [(name, body) for name, body in jobs if next_start(body, facts.zone, since) <= now]

    def _run(self, name: str, body: Mapping[str, Any]) -> None:
        """Write, as soon as nobody else does."""
        calendar = self._machine.calendar
        while not self._stopped and not self._backups.begin():
            calendar.wait(None, self._bell)
        if self._stopped:
            return
        self._running, self._cancelled = name, False
        began = calendar.now()
        try:
            self._write(name, body)
        except (OSError, sqlite3.Error, Refusal):
            pass  # it was reported where it happened; the next start tries again
        else:
            self._remember(name, (calendar.now() - began).total_seconds())
        finally:
            self._running = ""
            self._backups.end()

    def _write(self, name: str, body: Mapping[str, Any]) -> None:
        duration = timedelta(minutes=body["takes_min"])
        if body["kind"] == "backup":
            number = self._identity.facts().backup_number + 1
            purpose = Purpose(f"{name}-{number}", name, body["keep"])
            self._backups.write(purpose, pace=lambda: self._pace(duration))
            return
        report(self._machine, "archive.started", job=name)
        self._pace(duration)
        report(self._machine, "archive.finished", job=name)

    def _pace(self, duration: timedelta) -> None:
        """Let the time pass that writing takes.

        Raises:
            Refusal: `cancelled`.
        """
        left = duration
        while left:
            left = self._machine.calendar.rest(left, self._bell)
            if self._stopped or self._cancelled:
                raise Refusal("cancelled", f"the job {self._running} was given up")

    def _remember(self, name: str, took_s: float) -> None:
        with self._identity.database.transaction() as connection:
            connection.execute("INSERT OR REPLACE INTO job VALUES (?, ?)", (name, took_s))


def next_start(body: Mapping[str, Any], zone: str, after: datetime) -> datetime:
    """Return a job's first start later than an instant: hours elapsed, days by wall time."""
    local, every = ZoneInfo(zone), int(body["every"])
    anchor = datetime.fromisoformat(body["start"])
    first = anchor.replace(tzinfo=local).astimezone(UTC)
    if first > after:
        return first
    if body["unit"] == "hour":
        step = timedelta(hours=every)
        return first + ((after - first) // step + 1) * step
    number = (after.astimezone(local).date() - anchor.date()).days // every
    days = ((number + one) * every for one in range(3))
    starts = ((anchor + timedelta(days=one)).replace(tzinfo=local).astimezone(UTC) for one in days)
    return next(one for one in starts if one > after)
