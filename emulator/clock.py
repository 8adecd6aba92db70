"""The Calendar and the Stopwatch of an appliance on a real kernel.

`RealCalendar` is the computer's clock. `ServedCalendar` is the appliance's end of a lab's
timekeeper: it stands while any thread of this process works, and moves only when the
timekeeper says so (docs/design.md, "Time: two ports").
"""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Protocol


class RealStopwatch:
    """Elapsed time of the kernel."""

    def now_s(self) -> float:
        """Return seconds since an arbitrary start."""
        return time.monotonic()  # noqa: TID251 - this is the port's real adapter

    def sleep(self, duration_s: float) -> None:
        """Wait."""
        time.sleep(duration_s)  # noqa: TID251 - this is the port's real adapter


class RealBell:
    """A bell of a `RealCalendar`."""

    def __init__(self) -> None:
        self.rung = threading.Event()

    def ring(self) -> None:
        """Wake the waiter."""
        self.rung.set()


class RealCalendar:
    """The computer's clock; nothing is served, a hold means nothing."""

    # A deadline is reached in pieces, so that a clock that is set meanwhile is noticed.
    LONGEST_NAP_S = 5.0

    def now(self) -> datetime:
        """Return the current instant in UTC."""
        return datetime.now(UTC)  # noqa: TID251 - this is the port's real adapter

    def reference(self) -> datetime:
        """Return the current instant in UTC."""
        return self.now()

    def shift(self, by: timedelta) -> None:
        """Refuse: nobody sets the computer's own clock for a drill."""
        raise NotImplementedError(f"the computer's clock is not set by {by} for a drill")

    def bell(self) -> RealBell:
        """Make a bell."""
        return RealBell()

    def wait(self, until: datetime | None, bell: RealBell) -> bool:
        """Wait for an instant (True) or for the bell (False)."""
        while True:
            left_s = None if until is None else (until - self.now()).total_seconds()
            if left_s is not None and left_s <= 0 and not bell.rung.is_set():
                return True
            nap_s = self.LONGEST_NAP_S if left_s is None else min(left_s, self.LONGEST_NAP_S)
            if bell.rung.wait(max(nap_s, 0)):
                bell.rung.clear()
                return False

    def rest(self, duration: timedelta, bell: RealBell) -> timedelta:
        """Let a duration pass by the kernel's steady clock; what is left when the bell rings."""
        end_s = time.monotonic() + duration.total_seconds()  # noqa: TID251 - the real adapter
        rung = bell.rung.wait(max(duration.total_seconds(), 0))
        if not rung:
            return timedelta()
        bell.rung.clear()
        left_s = end_s - time.monotonic()  # noqa: TID251 - the real adapter
        return timedelta(seconds=max(left_s, 0))

    def hold(self, why: str) -> AbstractContextManager[None]:  # noqa: ARG002 - the port's signature
        """Real time cannot be held."""
        return nullcontext()


class TimeServer(Protocol):
    """The way to the lab's timekeeper; what is called here never waits for an answer."""

    def hold(self, sequence: int, why: str) -> None:
        """Ask for the Calendar to stand; `ServedCalendar.granted` is the answer."""

    def idle(self, until: datetime | None) -> None:
        """Say that every thread waits, the earliest until an instant."""


@dataclass
class ServedBell:
    """A bell of a `ServedCalendar`."""

    calendar: ServedCalendar
    rung: bool = False

    def ring(self) -> None:
        """Wake the waiter; it holds the Calendar before this returns."""
        self.calendar.ring(self)


@dataclass
class _Waiter:
    until: datetime | None  # of the lab
    bell: ServedBell
    order: int
    by_clock: bool  # it waits for what the clock shows, not for a duration
    outcome: bool | None = field(default=None)


class ServedCalendar:
    """A clock that a timekeeper moves.

    Every thread of the process is counted in `_holds` except inside `wait`. `_busy` is
    what the timekeeper believes of us; between the two lies only the grant of a first hold.
    Construction counts as one hold, the boot's: `release_boot` gives it back.
    """

    def __init__(self, server: TimeServer, now: datetime, ahead: timedelta = timedelta()) -> None:
        self._server = server
        self._now = now  # of the lab
        self._ahead = ahead
        self._changed = threading.Condition()
        self._holds = 1
        self._busy = True
        self._asked = 0  # the sequence number of the hold that awaits its grant; 0: none
        self._sequence = itertools.count(1)
        self._order = itertools.count(1)
        self._waiters: list[_Waiter] = []

    def now(self) -> datetime:
        """Return what the clock shows."""
        with self._changed:
            return self._now + self._ahead

    def reference(self) -> datetime:
        """Return the served instant."""
        with self._changed:
            return self._now

    def shift(self, by: timedelta) -> None:
        """Set the clock forward or back: who waits for what it shows waits shorter or longer."""
        with self._changed:
            self._ahead += by
            for waiter in self._waiters:
                if waiter.by_clock and waiter.until is not None:
                    waiter.until -= by

    def bell(self) -> ServedBell:
        """Make a bell."""
        return ServedBell(self)

    def release_boot(self) -> None:
        """Give back the hold that the process was born with."""
        with self._changed:
            self._drop()

    def wait(self, until: datetime | None, bell: ServedBell) -> bool:
        """Let go until the clock shows an instant (True) or the bell rings (False)."""
        with self._changed:
            return self._wait(None if until is None else until - self._ahead, bell, by_clock=True)

    def _wait(self, until: datetime | None, bell: ServedBell, *, by_clock: bool) -> bool:
        if bell.rung:
            bell.rung = False
            return False
        if until is not None and until <= self._now:
            return True
        waiter = _Waiter(until, bell, next(self._order), by_clock)
        self._waiters.append(waiter)
        self._drop()
        self._changed.wait_for(lambda: waiter.outcome is not None)
        return bool(waiter.outcome)

    def rest(self, duration: timedelta, bell: ServedBell) -> timedelta:
        """Let a duration of served time pass; what is left when the bell rings."""
        with self._changed:
            end = self._now + duration
            if self._wait(end, bell, by_clock=False):
                return timedelta()
            return max(end - self._now, timedelta())

    @contextmanager
    def hold(self, why: str) -> Iterator[None]:
        """Keep the Calendar standing while work that came from outside is done."""
        with self._changed:
            self._take(why)
        try:
            yield
        finally:
            with self._changed:
                self._drop()

    def ring(self, bell: ServedBell) -> None:
        """Wake the thread that waits for a bell, or remember the ring."""
        with self._changed:
            self._take("bell")
            waiter = next((one for one in self._waiters if one.bell is bell), None)
            if waiter is None:
                bell.rung = True
            else:
                self._wake(waiter, outcome=False)
            self._drop()

    def granted(self, sequence: int, now: datetime) -> None:
        """Take the timekeeper's answer to a hold; an outdated one is ignored."""
        with self._changed:
            if sequence == self._asked:
                self._asked = 0
                self._busy = True
                self._now = now
                self._changed.notify_all()

    def release(self, now: datetime) -> None:
        """Take the timekeeper's permission for the earliest waiter to go on at an instant."""
        with self._changed:
            self._now = now
            self._busy = True
            self._asked = 0  # whoever asked works under this release
            due = [one for one in self._waiters if one.until is not None and one.until <= now]
            if due:
                self._wake(min(due, key=lambda one: (one.until, one.order)), outcome=True)
            elif not self._holds:
                self._say_idle()
            self._changed.notify_all()

    def _take(self, why: str) -> None:
        self._holds += 1
        if self._busy:
            return
        if not self._asked:
            self._asked = next(self._sequence)
            self._server.hold(self._asked, why)
        self._changed.wait_for(lambda: self._busy)

    def _drop(self) -> None:
        self._holds -= 1
        if not self._holds:
            self._say_idle()

    def _say_idle(self) -> None:
        self._busy = False
        deadlines = [one.until for one in self._waiters if one.until is not None]
        self._server.idle(min(deadlines, default=None))

    def _wake(self, waiter: _Waiter, *, outcome: bool) -> None:
        self._waiters.remove(waiter)
        self._holds += 1  # on the waiter's behalf, so that no instant is without an owner
        waiter.outcome = outcome
        self._changed.notify_all()
