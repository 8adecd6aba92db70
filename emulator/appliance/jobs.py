"""The appliance's own backup and archive jobs (R32, O1 to O7).

A job writes by itself at wall times, or when a person starts it. Writing takes Calendar time
(`takes_min`): that is how a lab emulates the large backup of a large company, or one that
hangs. Nothing is written in parallel: whoever comes second waits (O7). On a standby jobs do
not start by themselves, for its content is a copy.
"""

from __future__ import annotations

import sqlite3
from collections import deque
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any
from zoneinfo import ZoneInfo

from dateutil.relativedelta import relativedelta

from emulator.appliance.backups import Backups, Purpose
from emulator.appliance.job_reports import Outcome, mail
from emulator.appliance.mail_queue import MailQueue
from emulator.appliance.records import instant
from emulator.appliance.refusal import Refusal, translate
from emulator.appliance.reports import report
from emulator.appliance.store import Store
from emulator.appliance.worker import Worker
from emulator.ports import Machine

KIND = "jobs"
SHOWN = ("kind", "keep", "report_to", "contents", "start", "takes_min")


class Jobs:
    """Starts the jobs when they are due or ordered, one after the other."""

    def __init__(self, machine: Machine, store: Store, backups: Backups, post: MailQueue) -> None:
        self._machine = machine
        self._identity = store.identity
        self._content = store.content
        self._backups = backups
        self._post = post
        self._bell = machine.calendar.bell()
        self._running = ""
        self._ordered: deque[str] = deque()
        self._due: deque[str] = deque()
        self._cancelled = False
        self._worker = Worker(machine, "jobs", self._bell, self._look)
        self._looked = machine.calendar.now()
        store.content.watch(self._bell.ring)
        backups.watch(self._bell)

    @property
    def alive(self) -> bool:
        """Whether somebody looks at the clock."""
        return self._worker.running

    @property
    def running(self) -> str:
        """The job that is at work, "" for none."""
        return self._running

    def start(self) -> None:
        """Start to look at the clock."""
        self._looked = self._machine.calendar.now()
        self._worker.start()

    def stop(self) -> None:
        """Stop; a backup that is being written is given up."""
        self._worker.stop()

    def order(self, name: str) -> None:
        """Have a job start now, or as soon as nobody else writes.

        Raises:
            Refusal: `no-such-job`; `busy` when it is at work, or ordered, already.
        """
        if self._content.get(KIND, name) is None:
            raise Refusal("no-such-job", f"there is no job {name[:60]}", "backup jobs shows them")
        if name == self._running or name in self._ordered:
            raise Refusal("busy", f"the job {name} has been started already", "wait until it ends")
        self._ordered.append(name)
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
                    "repeat_unit": body["unit"],
                    "repeat_every": body["every"],
                    **{field: body[field] for field in SHOWN},
                    "next_start": None if following is None else instant(following),
                    "typical_s": took.get(name),
                    "running": name == self._running,
                }
            )
        return found

    def _look(self, due: bool) -> datetime | None:  # noqa: FBT001 - as a Worker tells it
        """Run what was ordered, then what is due; the next start."""
        self._run_all(self._ordered)
        now = self._machine.calendar.now()
        if due:
            self._due += self._starts(self._looked, now)
            self._looked = now
            self._run_all(self._due)
        elif self._looked > now:
            self._looked = now  # the clock was set back
        return self._next(self._looked)

    def _next(self, after: datetime) -> datetime | None:
        zone = self._identity.facts().zone
        starts = (next_start(body, zone, after) for body in self._content.all(KIND).values())
        return min((one for one in starts if one is not None), default=None)

    def _starts(self, since: datetime, now: datetime) -> Sequence[str]:
        """Return the jobs that start between two instants; one that was missed is not made up."""
        facts = self._identity.facts()
        if facts.is_standby:
            return []
        starts = [
            (next_start(body, facts.zone, since), name)
            for name, body in self._content.all(KIND).items()
        ]
        return [name for at, name in starts if at is not None and at <= now]

    def _run_all(self, names: deque[str]) -> None:
        """Run jobs, one after the other; each leaves the list when it was tried."""
        while names and not self._worker.stopped:
            body = self._content.get(KIND, names[0])
            try:
                if body is not None:
                    self._run(names[0], body)
            finally:
                names.popleft()

    def _run(self, name: str, body: Mapping[str, Any]) -> None:
        """Write, as soon as nobody else does."""
        calendar = self._machine.calendar
        while not self._worker.stopped and not self._backups.begin():
            calendar.wait(None, self._bell)
        if self._worker.stopped:
            return
        self._running, self._cancelled = name, False
        began = calendar.now()
        try:
            made = self._write(name, body)
        except (OSError, sqlite3.Error, Refusal) as error:
            # It was reported where it happened; the next start tries again.
            self._report(Outcome(name, body, began, calendar.now(), None, translate(error)))
        else:
            self._remember(name, (calendar.now() - began).total_seconds())
            self._report(Outcome(name, body, began, calendar.now(), made, None))
        finally:
            self._running = ""
            self._backups.end()

    def _write(self, name: str, body: Mapping[str, Any]) -> Mapping[str, Any] | None:
        duration = timedelta(minutes=body["takes_min"])
        if body["kind"] == "backup":
            number = self._identity.facts().backup_number + 1
            purpose = Purpose(f"{name}-{number}", name, body["keep"], tuple(body["contents"]))
            return self._backups.write(purpose, pace=lambda: self._pace(duration))
        report(self._machine, "archive.started", job=name)
        self._pace(duration)
        report(self._machine, "archive.finished", job=name)
        return None

    def _pace(self, duration: timedelta) -> None:
        """Let the time pass that writing takes.

        Raises:
            Refusal: `cancelled`.
        """
        left = duration
        while left:
            left = self._machine.calendar.rest(left, self._bell)
            if self._worker.stopped or self._cancelled:
                raise Refusal("cancelled", f"the job {self._running} was given up")

    def _remember(self, name: str, took_s: float) -> None:
        with self._identity.database.transaction() as connection:
            connection.execute("INSERT OR REPLACE INTO job VALUES (?, ?)", (name, took_s))

    def _report(self, outcome: Outcome) -> None:
        """Mail what became of a job to whom it is to be reported."""
        if not outcome.body["report_to"] or self._worker.stopped:
            return
        users = self._content.all("users").values()
        identifier = self._machine.entropy(8).hex()
        try:
            self._post.enqueue([mail(self._identity.facts(), outcome, users, identifier)])
        except (OSError, sqlite3.Error, Refusal) as error:
            cause = translate(error).code
            report(self._machine, "backup.report-failed", cause, job=outcome.job)


def next_start(body: Mapping[str, Any], zone: str, after: datetime) -> datetime | None:
    """Return a job's first start later than an instant; None for one that starts by hand only.

    Hours are elapsed time; days, weeks and months go by wall time from the first start, so
    that a month that is too short moves no other (D6).
    """
    if body["unit"] == "manual" or not body["start"]:
        return None
    local, every = ZoneInfo(zone), int(body["every"])
    anchor = datetime.fromisoformat(body["start"])
    first = anchor.replace(tzinfo=local).astimezone(UTC)
    if first > after:
        return first
    if body["unit"] == "hour":
        step = timedelta(hours=every)
        return first + ((after - first) // step + 1) * step
    today = after.astimezone(local).date()
    if body["unit"] == "month":
        months = (today.year - anchor.year) * 12 + today.month - anchor.month
        walls = (anchor + relativedelta(months=one * every) for one in count(months // every))
    else:
        days = every * (7 if body["unit"] == "week" else 1)
        number = (today - anchor.date()).days // days
        walls = (anchor + timedelta(days=one * days) for one in count(number))
    starts = (wall.replace(tzinfo=local).astimezone(UTC) for wall in walls)
    return next(one for one in starts if one > after)
