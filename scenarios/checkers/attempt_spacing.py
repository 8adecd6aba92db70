"""From the end of one attempt to the start of the next lie five minutes (R24, D1)."""

from __future__ import annotations

from datetime import timedelta

from scenarios.record import Record
from scenarios.verdict import Judgement, judged, not_applicable

WAIT = timedelta(minutes=5)
_SERVED_SLACK = timedelta(seconds=1)
_REAL_SLACK = timedelta(seconds=5)


def check(record: Record) -> Judgement:
    """Measure every wait on the Calendar."""
    gaps = waits(record)
    if not gaps:
        return not_applicable("no run made a second attempt")
    slack = _REAL_SLACK if record.plan.real_time else _SERVED_SLACK
    faults = [
        f"{node}: {gap.total_seconds():g} s between two attempts of run {run}"
        for node, run, gap, booted in gaps
        if gap < WAIT or (gap > WAIT + slack and not booted)
    ]
    return judged(faults, f"{len(gaps)} wait(s) of {WAIT.total_seconds():g} s")


def waits(record: Record) -> list[tuple[str, int, timedelta, bool]]:
    """Return the wait before each second attempt.

    Each as (node, run, time from the failure to the next start, whether the box was booted
    meanwhile: what is off cannot begin an attempt in time).
    """
    found = []
    ended = {}
    boots = [(one.node, one.number) for one in record.select("appliance", "booted")]
    for event in record.select("engine", "attempt.failed", "attempt.started"):
        run = int(event.detail["run"])
        if event.event == "attempt.failed":
            ended[event.node, run] = event
        elif (event.node, run) in ended:
            failed = ended.pop((event.node, run))
            booted = any(
                node == event.node and failed.number < number < event.number
                for node, number in boots
            )
            found.append((event.node, run, event.served - failed.served, booted))
    return found
