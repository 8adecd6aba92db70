"""Time that passes only when somebody waits for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from redundancy.ports import Bell

START = datetime(2030, 1, 7, 12, 0, tzinfo=UTC)  # a Monday


class FakeBell:
    """A bell for a calendar of one thread."""

    def __init__(self, rung: set[Bell]) -> None:
        self._rung = rung

    def ring(self) -> None:
        """Remember the ring until the next wait."""
        self._rung.add(self)


class FakeCalendar:
    """A Calendar for one thread: `wait` moves the time to its end at once.

    Attributes:
        jumps: how far the clock was set forward (or back) in all, beside what passed.
        rests: the duration of every rest.
        waits: the `until` of every wait, None for those that waited for the bell alone.
        holds: the reasons of all holds.
    """

    def __init__(self, now: datetime = START) -> None:
        self._now = now
        self._due: list[tuple[datetime, Callable[[], None]]] = []
        self._rung: set[Bell] = set()
        self.waits: list[datetime | None] = []
        self.rests: list[timedelta] = []
        self.jumps = timedelta()
        self.holds: list[str] = []

    def now(self) -> datetime:
        """Return the current instant."""
        return self._now

    def bell(self) -> FakeBell:
        """Make a bell."""
        return FakeBell(self._rung)

    def at(self, instant: datetime, action: Callable[[], None]) -> None:
        """Let something happen (a ring, a fault) when time reaches an instant."""
        self._due.append((instant, action))
        self._due.sort(key=lambda one: one[0])

    def advance(self, duration: timedelta) -> None:
        """Move the time, and do what falls due meanwhile."""
        end = self._now + duration
        while self._due and self._due[0][0] <= end:
            self._next()
        self._now = max(self._now, end)

    def wait(self, until: datetime | None, bell: Bell) -> bool:
        """Move to `until`, or to what rings the bell before.

        Raises:
            RuntimeError: the wait would never end.
        """
        self.waits.append(until)
        while bell not in self._rung:
            if self._due and (until is None or self._due[0][0] < until):
                self._next()
            elif until is None:
                raise RuntimeError("nothing will ever ring this bell")
            else:
                self._now = max(self._now, until)
                return True
        self._rung.discard(bell)
        return False

    def rest(self, duration: timedelta, bell: Bell) -> timedelta:
        """Let a duration pass; a jump of the clock meanwhile changes nothing (C3)."""
        self.rests.append(duration)
        passed, steady = self._now + duration, self.jumps
        while bell not in self._rung and self._due and self._due[0][0] <= passed:
            self._next()
            passed += self.jumps - steady
            steady = self.jumps
        if bell not in self._rung:
            self._now = passed
            return timedelta()
        self._rung.discard(bell)
        return max(passed - self._now, timedelta())

    def jump(self, distance: timedelta) -> None:
        """Set the clock forward, or back; no time passes, and what was due stays as far off."""
        self._now += distance
        self.jumps += distance
        self._due = [(instant + distance, action) for instant, action in self._due]

    @contextmanager
    def hold(self, why: str) -> Iterator[None]:
        """Record the hold; one thread always holds."""
        self.holds.append(why)
        yield

    def _next(self) -> None:
        instant, action = self._due.pop(0)
        self._now = max(self._now, instant)
        action()


class FakeStopwatch:
    """A Stopwatch that sleeps at once.

    Attributes:
        sleeps: the length of every sleep, in seconds.
    """

    def __init__(self) -> None:
        self._now_s = 0.0
        self.sleeps: list[float] = []

    def now_s(self) -> float:
        """Return seconds since the start."""
        return self._now_s

    def sleep(self, duration_s: float) -> None:
        """Let the time pass."""
        self.sleeps.append(duration_s)
        self._now_s += max(0.0, duration_s)
