"""What the journal tells about the past: runs and switchovers, for people."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from redundancy import replay, run
from redundancy.console import RunRecord
from redundancy.journal import Journal, Record

SHOWN = 20


def last_switchover(journal: Journal) -> str | None:
    """Return the last word on a switchover; None: never asked."""
    last = journal.last("switchover")
    events = [one.event for one in journal.records(last)] if last else []
    return next((one for one in reversed(events) if one.startswith("switchover.")), None)


def runs(journal: Journal) -> tuple[RunRecord, ...]:
    """Return the newest runs, newest first."""
    count = journal.next_number("run")
    numbers = range(count - 1, max(count - 1 - SHOWN, 0), -1)
    found = ((number, journal.records(run.operation(number))) for number in numbers)
    return tuple(_run(number, records) for number, records in found if records)


def usual_duration(journal: Journal) -> timedelta | None:
    """Return how long the newest successful runs took on average; None without one."""
    took = [
        one.finished - one.started
        for one in runs(journal)
        if one.outcome == "succeeded" and one.finished
    ]
    return sum(took, timedelta()) / len(took) if took else None


def _run(number: int, records: Sequence[Record]) -> RunRecord:
    state = replay.of_run(records)
    ends = [one.at for one in records if one.event in run.ENDS]
    return RunRecord(
        run=number,
        started=records[0].at,
        finished=ends[-1] if ends else None,
        outcome=state.phase if state.over else "running",
        causes=tuple(one.cause for one in state.failures),
    )
