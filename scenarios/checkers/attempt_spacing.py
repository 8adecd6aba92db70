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
        for node, run, gap in gaps
        if not WAIT <= gap <= WAIT + slack
    ]
    return judged(faults, f"{len(gaps)} wait(s) of {WAIT.total_seconds():g} s")


def waits(record: Record) -> list[tuple[str, int, timedelta]]:
    """Return (node, run, time from the failure to the next start) for each second attempt."""
    found = []
    ended = {}
    for event in record.select("engine", "attempt.failed", "attempt.started"):
        run = int(event.detail["run"])
        if event.event == "attempt.failed":
            ended[event.node, run] = event.served
        elif (event.node, run) in ended:
            found.append((event.node, run, event.served - ended.pop((event.node, run))))
    return found
