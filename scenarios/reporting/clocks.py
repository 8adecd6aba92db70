"""The two clocks of a drill, added up: real seconds, and what the Calendar was moved meanwhile.

While anyone works the served Calendar stands; while it moves nobody works. So what a customer
would have waited for is the sum of both. Where no time was served the Calendar is the real one
and counts once.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from datetime import datetime

from scenarios.record import Record


@dataclass(frozen=True)
class Span:
    """How long something took, in seconds.

    Attributes:
        real_s: of the wall (in simulation: of the Stopwatch).
        served_s: of the Calendar; 0 where no time was served.
    """

    real_s: float
    served_s: float

    @property
    def total_s(self) -> float:
        """As a customer would have waited."""
        return self.real_s + self.served_s


class Clocks:
    """Relates both clocks of a record.

    Args:
        record: with at least one event.
    """

    def __init__(self, record: Record) -> None:
        self._served = not record.plan.real_time
        ordered = sorted(record.events, key=lambda event: event.wall_s)
        self._wall_s = [event.wall_s for event in ordered]
        self._calendar = [event.served for event in ordered]

    @property
    def began_s(self) -> float:
        """When the history begins, in `Event.wall_s`."""
        return self._wall_s[0] if self._wall_s else 0.0

    @property
    def ended_s(self) -> float:
        """When the history ends, in `Event.wall_s`."""
        return self._wall_s[-1] if self._wall_s else 0.0

    def calendar(self, wall_s: float) -> datetime:
        """Return what the Calendar showed; before the first event, what it showed then."""
        return self._calendar[max(bisect_right(self._wall_s, wall_s) - 1, 0)]

    def between(self, began_s: float, ended_s: float) -> Span:
        """Return how long it was from one instant to a later one."""
        if not self._served:
            return Span(ended_s - began_s, 0.0)
        moved = self.calendar(ended_s) - self.calendar(began_s)
        return Span(ended_s - began_s, max(moved.total_seconds(), 0.0))

    def jumps(self, least_s: float) -> list[tuple[float, float]]:
        """Return (when, by how many seconds) the Calendar was moved by at least so much."""
        if not self._served:
            return []
        steps = zip(self._wall_s[1:], self._calendar, self._calendar[1:], strict=False)
        found = [(at_s, (after - before).total_seconds()) for at_s, before, after in steps]
        return [(at_s, by_s) for at_s, by_s in found if by_s >= least_s]
