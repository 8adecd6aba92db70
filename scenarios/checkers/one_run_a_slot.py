"""The schedule starts one run for each of its slots, by the appliance's own clock (D6)."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from dateutil.relativedelta import relativedelta

from scenarios.box_clock import shown
from scenarios.record import Record
from scenarios.verdict import Judgement, judged, not_applicable

_STEADY = {"minute": timedelta(minutes=1), "hour": timedelta(hours=1)}
_DAYS = {"day": timedelta(days=1), "week": timedelta(weeks=1)}


def check(record: Record) -> Judgement:
    """Count the scheduled runs of each slot, the one that was missed and made up included."""
    runs = [
        (event.node, _slot(record, shown(record, event)))
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
    """Return the newest slot at an instant; days and months are those of the wall clock (D6)."""
    lab = record.plan.scenario.lab
    every, zone = lab.schedule.every, ZoneInfo(lab.zone)
    first = lab.schedule.first_slot(record.plan.start, lab.zone)
    if every.unit in _STEADY:
        passed = at - first.replace(tzinfo=zone).astimezone(UTC)
        return passed // (_STEADY[every.unit] * every.every)
    local = at.astimezone(zone).replace(tzinfo=None)
    if every.unit in _DAYS:
        return (local - first) // (_DAYS[every.unit] * every.every)
    months = (local.year - first.year) * 12 + local.month - first.month
    number = months // every.every
    begun = first + relativedelta(months=number * every.every)
    return number if begun <= local else number - 1
