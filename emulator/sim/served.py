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
from typing import Any

from emulator.ports import Bell
from emulator.sim.life import Life
from emulator.sim.world import Task, World


@dataclass(frozen=True)
class Waiter:
    """A task that let go of the Calendar."""

    until: datetime | None
    node: str
    number: int
    task: Task[Any]


class Served:
    """The Calendar's instant and everyone who waits for a later one."""

    def __init__(self, world: World, start: datetime) -> None:
        self.now = start
        self._world = world
        self._waiters: dict[int, Waiter] = {}

    def wait(self, until: datetime | None, bell: SimBell) -> bool:
        """Suspend the running task until it is released (True) or its bell rings (False)."""
        task = self._world.running()
        waiter = Waiter(until, task.life.node, self._world.number(), task)
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

    def earliest(self, until: datetime) -> Waiter | None:
        """Return who is to be released next, if anyone is due by then."""
        due = [
            (one.until, one.node, one.number, one)
            for one in self._waiters.values()
            if one.until is not None and one.until <= until
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
        """Return the current instant."""
        self._life.check()
        return self._served.now

    def bell(self) -> SimBell:
        """Make a bell that `wait` listens to."""
        return SimBell(self._served, self._life)

    def wait(self, until: datetime | None, bell: Bell) -> bool:
        """Let go of the Calendar until an instant (True) or until the bell rings (False)."""
        self._life.check()
        if not isinstance(bell, SimBell):
            raise TypeError("only a bell of this calendar can be waited for")
        if bell.rung:
            bell.rung = False
            return False
        if until is not None and until <= self._served.now:
            self._world.sleep(0)  # a turn for others, so that waiting for the past is found
            return True
        return self._served.wait(until, bell)

    def rest(self, duration: timedelta, bell: Bell) -> timedelta:
        """Let a duration of served time pass; what is left when the bell rings."""
        end = self._served.now + duration
        if self.wait(end, bell):
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
            waiter = self._served.earliest(until)
            if waiter is None or waiter.until is None:
                self._served.now = max(self._served.now, until)
                return False
            self._served.now = max(self._served.now, waiter.until)
            self._served.wake(waiter, released=True)
