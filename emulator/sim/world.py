"""The scheduler of the simulation: tasks, the virtual Stopwatch, and sudden death.

A *task* is what a thread is on Linux: blocking code in a greenlet. Exactly one runs at
any time, and it runs until it waits; runnable tasks take turns first in, first out. Only
when none can run does the Stopwatch move, straight to its next wake-up. Nothing here
depends on real time, hashes or object addresses, so one seed gives one history.

The *hub* is the greenlet that made the world: the runner. It runs the tasks while it
waits for something (`call`, `quiet`, `pause`).
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from greenlet import GreenletExit, getcurrent, greenlet

from emulator.lab import LabError, NodeDown, TimeStands
from emulator.sim.life import Life, PowerLost

T = TypeVar("T")

MICROSECONDS = 1_000_000
STOPWATCH_LIMIT_S = 3600.0  # longer than any wait for packets or bytes
TURNS_LIMIT = 20_000  # turns of tasks at one instant of the Stopwatch


class Timer:
    """A timed event that has not happened yet; cancelled, the Stopwatch does not stop for it."""

    def __init__(self, action: Callable[[], None]) -> None:
        self.action: Callable[[], None] | None = action

    def cancel(self) -> None:
        """Make it never happen."""
        self.action = None


class Gate:
    """Something that tasks wait for, with a limit on the Stopwatch if they like."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._waiting: dict[Task[Any], Timer | None] = {}

    def wait(self, what: str, limit_s: float | None = None) -> bool:
        """Suspend the running task until `open` (True) or until the limit is over (False)."""
        task = self._world.running()
        timer = None
        if limit_s is not None:
            timer = self._world.later(limit_s, lambda: self._pass(task, opened=False))
        self._waiting[task] = timer
        return bool(self._world.block(f"waits for {what}", lambda: self._leave(task)))

    def open(self) -> None:
        """Let everyone who waits now pass."""
        for task in list(self._waiting):
            self._pass(task, opened=True)

    def _pass(self, task: Task[Any], *, opened: bool) -> None:
        self._leave(task)
        self._world.wake(task, opened)

    def _leave(self, task: Task[Any]) -> None:
        timer = self._waiting.pop(task)
        if timer is not None:
            timer.cancel()


class Task(Generic[T]):
    """Blocking code of a node, as a thread would run it.

    Attributes:
        life, name: whose it is, and what it does.
        state: what it is at, for diagnosis.
        holds: why it holds the Calendar, innermost last, for diagnosis.
        finished: it ended, by return, error or death.
        results, error: what it ended with.
        awaited: somebody looks at its end, so an error is not the world's business.
        over: opens at its end.
        abandon: takes back what it waits for, when it dies waiting.
        message: what it was woken with.
    """

    def __init__(self, life: Life, name: str, body: Callable[[], T], over: Gate) -> None:
        self.life = life
        self.name = name
        self.over = over
        self.state = "is about to start"
        self.holds: list[str] = []
        self.finished = False
        self.results: list[T] = []
        self.error: Exception | None = None
        self.awaited = False
        self.abandon: Callable[[], None] | None = None
        self.message: Any = None
        self._body = body

    def run(self) -> None:
        """Run the body to its end, whatever the end is."""
        try:
            self.results.append(self._body())
        except GreenletExit:
            self.state = "was killed"
        except Exception as error:  # noqa: BLE001 - raised again by whoever awaits the task
            self.error = error
        finally:
            self.finished = True

    def outcome(self) -> T:
        """Return what the body returned, or raise what it raised.

        Raises:
            NodeDown: the node died before the body had ended.
        """
        if self.error is not None:
            raise self.error
        if not self.results:
            raise NodeDown(f"{self.life.node} died during {self.name}")
        return self.results[0]

    def describe(self) -> str:
        """Say who it is and what it is at."""
        why = f" ({', '.join(self.holds)})" if self.holds else ""
        return f"{self.life.node}/{self.name}{why} {self.state}"


class World:
    """Tasks of all nodes and the Stopwatch that they share."""

    def __init__(self) -> None:
        self.now_us = 0
        self.turns = 0  # that tasks have had so far
        self._hub = getcurrent()
        self._current: Task[Any] | None = None
        self._greenlets: dict[Task[Any], greenlet] = {}  # of unfinished tasks, oldest first
        self._ready: deque[Task[Any]] = deque()
        self._timed: list[tuple[int, int, Timer]] = []
        self._stopped: list[Task[Any]] = []  # that had their turn while they were frozen
        self._numbers = 0

    @property
    def now_s(self) -> float:
        """The Stopwatch, in seconds."""
        return self.now_us / MICROSECONDS

    def number(self) -> int:
        """Return the next number of the series that orders everything made in this world."""
        self._numbers += 1
        return self._numbers

    def start(self, life: Life, name: str, body: Callable[[], T]) -> Task[T]:
        """Make a task that runs when its turn comes."""
        life.check()
        task = Task(life, name, body, Gate(self))
        self._greenlets[task] = greenlet(task.run, parent=self._hub)
        self._ready.append(task)
        return task

    def running(self) -> Task[Any]:
        """Return the running task.

        Raises:
            LabError: the runner itself called something that only nodes may do.
        """
        if self._current is None:
            raise LabError("something that only a node's task may wait for was awaited outside")
        return self._current

    def block(self, state: str, abandon: Callable[[], None]) -> Any:
        """Suspend the running task until `wake`; returns the message given there."""
        task = self.running()
        task.life.check()
        task.state, task.abandon = state, abandon
        self._hub.switch()
        task.state, task.abandon = "is running", None
        return task.message

    def wake(self, task: Task[Any], message: Any = None) -> None:
        """Let a blocked task go on when its turn comes."""
        if not task.finished:
            task.state, task.abandon, task.message = "is runnable", None, message
            self._ready.append(task)

    def sleep(self, duration_s: float) -> None:
        """Suspend the running task for a time of the Stopwatch."""
        task = self.running()
        timer = self.later(duration_s, lambda: self.wake(task))
        self.block(f"sleeps {duration_s} s from {self.now_s} s of the Stopwatch", timer.cancel)

    def later(self, delay_s: float, action: Callable[[], None]) -> Timer:
        """Have the hub do something after a time of the Stopwatch."""
        timer = Timer(action)
        at_us = self.now_us + max(0, round(delay_s * MICROSECONDS))
        heapq.heappush(self._timed, (at_us, self.number(), timer))
        return timer

    def end(self, life: Life) -> None:
        """Kill a node: its tasks never act again, its waits vanish.

        Clean-up code of its tasks does run, as Python cannot help it, but every port
        of the dead node raises `PowerLost`.
        """
        life.alive = False
        for task in [one for one in self._greenlets if one.life is life]:
            if task is not self._current:
                self._kill(task)
        if self._current is not None:
            self._current.life.check()

    def freeze(self, life: Life) -> None:
        """Let no task of a node have its turn; what it waits for may come meanwhile."""
        life.frozen = True

    def thaw(self, life: Life) -> None:
        """Let the tasks of a node go on."""
        life.frozen = False
        thawed = [one for one in self._stopped if one.life is life]
        self._stopped = [one for one in self._stopped if one.life is not life]
        self._ready.extend(thawed)

    def _kill(self, task: Task[Any]) -> None:
        if task.abandon is not None:
            task.abandon()
        victim = self._greenlets.pop(task)
        victim.parent = getcurrent()  # so that its end comes back here, not to the hub
        before, self._current = self._current, task
        victim.throw(PowerLost)
        self._current = before
        task.finished = True  # also where it never had its first turn
        task.over.open()

    def call(self, life: Life, name: str, body: Callable[[], T]) -> T:
        """Run a body as a task of a node and return its result; others go on meanwhile.

        Raises:
            NodeDown: the node is off, or died before the body had ended.
            TimeStands: the body waits for something that nobody will do.
        """
        if not life.alive:
            raise NodeDown(f"{life.node} is off")
        task = self.start(life, name, body)
        task.awaited = True
        self._run(lambda: task.finished, f"the end of {life.node}/{name}")
        return task.outcome()

    def quiet(self) -> None:
        """Run until no task can run and none waits on the Stopwatch."""
        self._run(lambda: not self._ready and not self._due(), "quiet")

    def pause(self, duration_s: float) -> None:
        """Run until a time of the Stopwatch has passed."""
        over: list[bool] = []
        self.later(duration_s, lambda: over.append(True))
        self._run(lambda: bool(over), "the end of a pause")

    def who(self) -> str:
        """Name every task and what it is at."""
        return "; ".join(task.describe() for task in self._greenlets) or "no task is left"

    def _run(self, done: Callable[[], bool], what: str) -> None:
        if getcurrent() is not self._hub:
            raise LabError(f"only the runner may wait for {what}")
        deadline_us = self.now_us + round(STOPWATCH_LIMIT_S * MICROSECONDS)
        instant_us, turns = self.now_us, 0
        while not done():
            if not self._step():
                raise TimeStands(f"{what} does not come, nobody can go on: {self.who()}")
            turns = turns + 1 if self.now_us == instant_us else 0
            instant_us = self.now_us
            if turns > TURNS_LIMIT or instant_us > deadline_us:
                raise TimeStands(f"{what} does not come, somebody never rests: {self.who()}")

    def _step(self) -> bool:
        """Give one task its turn, or move the Stopwatch to its next event, if there is one."""
        if self._ready:
            task = self._ready.popleft()
            if task.life.frozen and not task.finished:
                self._stopped.append(task)
            elif not task.finished:
                self._turn(task)
            return True
        if not self._due():
            return False
        self.now_us, _, timer = heapq.heappop(self._timed)
        if timer.action is not None:
            timer.action()
        return True

    def _due(self) -> bool:
        while self._timed and self._timed[0][2].action is None:
            heapq.heappop(self._timed)
        return bool(self._timed)

    def _turn(self, task: Task[Any]) -> None:
        self.turns += 1
        self._current = task
        try:
            self._greenlets[task].switch()
        finally:
            self._current = None
        if task.finished:
            self._greenlets.pop(task, None)
            task.over.open()
            if task.error is not None and not task.awaited:
                where = f"{task.life.node}/{task.name}"
                raise LabError(f"{where} ended by {task.error!r}") from task.error
