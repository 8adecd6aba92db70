"""The Calendar of the simulation, and the timekeeper that serves it.

It stands while any task runs or waits on the Stopwatch. When all wait on the Calendar,
`advance` releases exactly one of them, the earliest by (deadline, node, waiting order),
as the timekeeper of real labs does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from operator import itemgetter
from typing import Any

from emulator.ports import Bell
from emulator.sim.life import Life
from emulator.sim.world import Task, World


@dataclass(eq=False)
class Waiter:
    """A task that let go of the Calendar.

    Attributes:
        until: an instant of the lab.
        by_clock: it waits for what its box's clock shows, not for a duration.
    """

    until: datetime | None
    node: str
    number: int
    task: Task[Any]
    by_clock: bool


class Served:
    """The Calendar's instant and everyone who waits for a later one."""

    def __init__(self, world: World, start: datetime) -> None:
        self.now = start
        self._world = world
        self._waiters: dict[int, Waiter] = {}
        self._ahead: dict[str, timedelta] = {}

    def wait(self, until: datetime | None, bell: SimBell, *, by_clock: bool) -> bool:
        """Suspend the running task until it is released (True) or its bell rings (False)."""
        task = self._world.running()
        waiter = Waiter(until, task.life.node, self._world.number(), task, by_clock)
        self._waiters[waiter.number] = waiter
        bell.waiter = waiter
        goal = "a bell" if until is None else f"{until:%Y-%m-%d %H:%M:%S}"
        try:
            return bool(self._world.block(f"waits for {goal}", lambda: self.leave(waiter)))
        finally:
            bell.waiter = None

    def leave(self, waiter: Waiter) -> None:
        """Forget a waiter."""
        self._waiters.pop(waiter.number, None)

    def wake(self, waiter: Waiter, *, released: bool) -> None:
        """End a wait; from now on the waiter holds the Calendar."""
        if self._waiters.pop(waiter.number, None) is not None:
            self._world.wake(waiter.task, released)

    def ahead(self, node: str) -> timedelta:
        """Return how far a node's clock is ahead of the lab's; a battery keeps it."""
        return self._ahead.get(node, timedelta())

    def shift(self, node: str, by: timedelta) -> None:
        """Set a node's clock: those who wait for what it shows wait shorter or longer."""
        self._ahead[node] = self.ahead(node) + by
        for one in self._waiters.values():
            if one.node == node and one.by_clock and one.until is not None:
                one.until -= by

    def earliest(self, until: datetime) -> Waiter | None:
        """Return who is to be released next, if anyone is due by then."""
        due = [
            (one.until, one.node, one.number, one)
            for one in self._waiters.values()
            if one.until is not None and one.until <= until and not one.task.life.frozen
        ]
        return min(due)[3] if due else None


class SimBell:
    """Wakes the one task that waits for it; rung early, it is remembered once."""

    def __init__(self, served: Served, life: Life) -> None:
        self.rung = False
        self.waiter: Waiter | None = None
        self._served = served
        self._life = life

    def ring(self) -> None:
        """Wake the waiter; it holds the Calendar again before this returns."""
        self._life.check()
        if self.waiter is None:
            self.rung = True
        else:
            waiter, self.waiter = self.waiter, None
            self._served.wake(waiter, released=False)


class SimCalendar:
    """The Calendar as one node sees it."""

    def __init__(self, world: World, served: Served, life: Life) -> None:
        self._world = world
        self._served = served
        self._life = life

    def now(self) -> datetime:
        """Return what the node's clock shows."""
        self._life.check()
        return self._served.now + self._served.ahead(self._life.node)

    def reference(self) -> datetime:
        """Return the lab's instant."""
        self._life.check()
        return self._served.now

    def shift(self, by: timedelta) -> None:
        """Set the clock forward or back: who waits for what it shows waits shorter or longer."""
        self._life.check()
        self._served.shift(self._life.node, by)

    def bell(self) -> SimBell:
        """Make a bell that `wait` listens to."""
        return SimBell(self._served, self._life)

    def wait(self, until: datetime | None, bell: Bell) -> bool:
        """Let go until the clock shows an instant (True) or until the bell rings (False)."""
        ahead = self._served.ahead(self._life.node)
        return self._wait(None if until is None else until - ahead, bell, by_clock=True)

    def _wait(self, until: datetime | None, bell: Bell, *, by_clock: bool) -> bool:
        self._life.check()
        if not isinstance(bell, SimBell):
            raise TypeError("only a bell of this calendar can be waited for")
        if bell.rung:
            bell.rung = False
            return False
        if until is not None and until <= self._served.now:
            self._world.sleep(0)  # a turn for others, so that waiting for the past is found
            return True
        return self._served.wait(until, bell, by_clock=by_clock)

    def rest(self, duration: timedelta, bell: Bell) -> timedelta:
        """Let a duration of served time pass; what is left when the bell rings."""
        end = self._served.now + duration
        if self._wait(end, bell, by_clock=False):
            return timedelta()
        return max(end - self._served.now, timedelta())

    def hold(self, why: str) -> AbstractContextManager[None]:
        """Say why the running task holds the Calendar; that it does needs no saying."""
        return self._hold(why)

    @contextmanager
    def _hold(self, why: str) -> Iterator[None]:
        self._life.check()
        holds = self._world.running().holds
        holds.append(why)
        try:
            yield
        finally:
            holds.remove(why)


class SimTimekeeper:
    """The runner's end of the Calendar (`emulator.lab.Timekeeper`)."""

    def __init__(self, world: World, served: Served) -> None:
        self._world = world
        self._served = served
        self._alarms: list[tuple[datetime, int, Callable[[], None]]] = []

    def at(self, instant: datetime, action: Callable[[], None]) -> None:
        """Do something when time gets to an instant, before anyone who waits for the same."""
        self._alarms.append((instant, self._world.number(), action))

    def now(self) -> datetime:
        """Return the lab's Calendar."""
        return self._served.now

    def settle(self) -> None:
        """Wait until everything is quiet without moving time."""
        self._world.quiet()

    def advance(self, until: datetime, condition: Callable[[], bool] = lambda: False) -> bool:
        """Let time pass until an instant, or until a condition holds.

        Raises:
            TimeStands: somebody never lets go.
        """
        while True:
            self._world.quiet()
            if condition():
                return True
            alarm = min(self._alarms, default=None, key=itemgetter(0, 1))
            waiter = self._served.earliest(until)
            if alarm is not None and alarm[0] <= min(until, self._due(waiter) or until):
                self._alarms.remove(alarm)
                self._served.now = max(self._served.now, alarm[0])
                alarm[2]()
                continue
            if waiter is None or waiter.until is None:
                self._served.now = max(self._served.now, until)
                return False
            self._served.now = max(self._served.now, waiter.until)
            self._served.wake(waiter, released=True)

    @staticmethod
    def _due(waiter: Waiter | None) -> datetime | None:
        return None if waiter is None else waiter.until
