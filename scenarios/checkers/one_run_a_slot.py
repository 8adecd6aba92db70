"""The schedule starts one run for each of its slots (D6)."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from scenarios.record import Record
from scenarios.verdict import Judgement, judged, not_applicable

_DAY = timedelta(days=1)
_MINUTE = timedelta(minutes=1)


def check(record: Record) -> Judgement:
    """Count the scheduled runs of each slot, the one that was missed and made up included."""
    runs = [
        (event.node, _slot(record, event.served))
        for event in record.select("engine", "run.started")
        if event.detail.get("reason") == "scheduled"
    ]
    if not runs:
        return not_applicable("the schedule started no run")
    faults = [
        f"{node}: {count} runs for slot {slot + 1} of the schedule"
        for (node, slot), count in Counter(runs).items()
        if count > 1
    ]
    faults += [f"{node}: a run before the first slot" for node, slot in runs if slot < 0]
    return judged(faults, f"{len(runs)} scheduled run(s), each for a slot of its own")


def _slot(record: Record, at: datetime) -> int:
    """Return the newest slot at an instant; days are those of the appliance's wall clock."""
    lab = record.plan.scenario.lab
    first = record.plan.start + lab.schedule.first_in
    if lab.schedule.every % _DAY:
        return (at - first) // lab.schedule.every
    zone = ZoneInfo(lab.zone)
    local, local_first = (one.astimezone(zone).replace(tzinfo=None) for one in (at, first))
    return (local - local_first) // lab.schedule.every
