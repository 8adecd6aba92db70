"""What the clock asks of the engine: due runs, missed slots, collisions (D5, D6, R32): pure.

A slot fires once. One that passed while a run was under way is skipped; those that passed
while the appliance was off, or while the clock was set forward, are made up once together.
After a clock that was set back, slots that have fired already do not fire again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from redundancy.contract import Job
from redundancy.journal import Record
from redundancy.schedule import Schedule

LATE = timedelta(minutes=5)  # a run that starts later than this is reported (D5)
COVERING = frozenset({"run.started", "slot.skipped", "configured", "initialised"})
HORIZON = timedelta(days=35)  # every weekday and every day of a month lies within
USUAL_BACKUP = timedelta(minutes=30)  # of a job that has never run
USUAL_RUN = timedelta(minutes=15)  # of a pair that has never run


@dataclass(frozen=True)
class Due:
    """The next scheduled run.

    Attributes:
        at: when to start it; now, where slots were missed.
        first: the first slot that it stands for.
    """

    at: datetime
    first: datetime


@dataclass(frozen=True)
class Missed:
    """Slots that passed without a run of their own.

    Attributes:
        first, last: the earliest and the latest of them.
        count: how many.
    """

    first: datetime
    last: datetime
    count: int


@dataclass(frozen=True)
class Collision:
    """A run that would be due while a job writes, or the other way round (R32)."""

    job: str
    job_at: datetime
    run_at: datetime


def next_due(schedule: Schedule, records: Sequence[Record], now: datetime) -> Due:
    """Return the next run, by what the journal says is covered."""
    fired = {one.detail.get("slot") for one in records if one.event == "run.started"}
    covering = next((one for one in reversed(records) if one.event in COVERING), None)
    if covering is not None:
        first = schedule.after(covering.at)
        if first <= now and first.isoformat() not in fired:
            return Due(now, first)
    following = schedule.after(now)
    while following.isoformat() in fired:
        following = schedule.after(following)
    return Due(following, following)


def delayed(schedule: Schedule, due: Due, now: datetime) -> Missed | None:
    """Return what a run that starts now makes up; None if it is in time."""
    return missed(schedule, due.first, now) if now - due.first > LATE else None


def skipped(schedule: Schedule, started: datetime, now: datetime) -> Missed | None:
    """Return the slots that passed while a run was under way (O5)."""
    first = schedule.after(started)
    return missed(schedule, first, now) if first <= now else None


def missed(schedule: Schedule, first: datetime, now: datetime) -> Missed:
    """Return the slots from `first` to now."""
    last = schedule.latest(now) or first
    return Missed(first, last, schedule.count(first, last))


def collisions(
    schedule: Schedule, jobs: Iterable[Job], run_takes: timedelta | None, now: datetime
) -> tuple[Collision, ...]:
    """Return the first collision with each job within the next weeks (R32).

    Args:
        schedule: of the runs.
        jobs: that the appliance has.
        now: where the search begins.
        run_takes: how long runs usually take; None: there was none yet.
    """
    length = run_takes or USUAL_RUN
    found = (_first_collision(schedule, job, length, now) for job in jobs)
    return tuple(one for one in found if one is not None)


def _first_collision(
    schedule: Schedule, job: Job, run_takes: timedelta, now: datetime
) -> Collision | None:
    if job.next_start is None or job.repeat_unit == "manual":
        return None
    anchor = job.next_start.astimezone(schedule.zone).replace(tzinfo=None)
    writes = Schedule(anchor, schedule.zone, job.repeat_unit, job.repeat_every)
    writes_for = USUAL_BACKUP if job.typical_s is None else timedelta(seconds=job.typical_s)
    for job_at in _slots(writes, now, now + HORIZON):
        run_at = schedule.after(job_at - run_takes)  # the first that is not over by then
        if run_at < job_at + writes_for:
            return Collision(job.name, job_at, run_at)
    return None


def _slots(schedule: Schedule, start: datetime, end: datetime) -> Iterator[datetime]:
    following = schedule.after(start)
    while following < end:
        yield following
        following = schedule.after(following)
