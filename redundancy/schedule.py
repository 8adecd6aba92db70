"""When the next run is due (R28 to R31, D6): computed from the anchor, never from the last run.

Minutes and hours are elapsed time (UTC arithmetic); days, weeks and months are local wall
time. A wall time inside a gap moves forward by the gap; an ambiguous one fires at its first
occurrence only; a month without the anchor's day uses its last day, and does not drift.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from dateutil.relativedelta import relativedelta

RepeatUnit = Literal["minute", "hour", "day", "week", "month"]

_ELAPSED = {"minute": timedelta(minutes=1), "hour": timedelta(hours=1)}
_WALL_DAYS = {"day": 1, "week": 7}


@dataclass(frozen=True)
class Schedule:
    """A repeating slot.

    Attributes:
        anchor: the first slot, as naive local wall time.
        zone: the appliance's time zone.
        unit, every: the distance between slots.
    """

    anchor: datetime
    zone: ZoneInfo
    unit: RepeatUnit
    every: int

    def slot(self, number: int) -> datetime:
        """Return the slot with a number (0 is the anchor), in UTC."""
        if self.unit in _ELAPSED:
            return self._instant(self.anchor) + number * self.every * _ELAPSED[self.unit]
        if self.unit == "month":
            return self._instant(self.anchor + relativedelta(months=number * self.every))
        days = number * self.every * _WALL_DAYS[self.unit]
        return self._instant(self.anchor + timedelta(days=days))

    def after(self, instant: datetime) -> datetime:
        """Return the first slot later than an instant."""
        return self.slot(self._first_after(instant))

    def latest(self, instant: datetime) -> datetime | None:
        """Return the last slot not later than an instant; None before the anchor."""
        number = self._first_after(instant) - 1
        return self.slot(number) if number >= 0 else None

    def count(self, first: datetime, last: datetime) -> int:
        """Return how many slots lie from one instant to another, both included."""
        before = first - timedelta(microseconds=1)
        return self._first_after(last) - self._first_after(before)

    def _instant(self, wall: datetime) -> datetime:
        """Turn a wall time into an instant; zoneinfo resolves a gap with the offset before it."""
        return wall.replace(tzinfo=self.zone, fold=0).astimezone(UTC)

    def _first_after(self, instant: datetime) -> int:
        """Find the slot's number: slots rise strictly, so bisect between two bounds."""
        if self.slot(0) > instant:
            return 0
        low, high = 0, 1
        while self.slot(high) <= instant:
            low, high = high, high * 2
        while high - low > 1:
            middle = (low + high) // 2
            if self.slot(middle) <= instant:
                low = middle
            else:
                high = middle
        return high
