"""What an appliance's own clock shows, where a drill has set it (C3)."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from emulator.lab import Event
from scenarios.record import Record


def shown(record: Record, event: Event) -> datetime:
    """Return the instant that the appliance's clock showed when it told an event."""
    shifts = (
        timedelta(seconds=float(one.detail["by_s"]))
        for one in record.select("runner", "clock.set")
        if one.detail["node"] == event.node and one.number < event.number
    )
    return event.served + sum(shifts, timedelta())


def wall_time(record: Record, event: Event) -> datetime:
    """Return the same as the wall clock at the appliance, without a zone."""
    zone = ZoneInfo(record.plan.scenario.lab.zone)
    return shown(record, event).astimezone(zone).replace(tzinfo=None)
