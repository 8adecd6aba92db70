"""What people ordered and the daemon has yet to do."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from redundancy.ports import Bell, Calendar

D = TypeVar("D")


@dataclass
class Order(Generic[D]):
    """A click that waits for its decision.

    Attributes:
        by: who clicked.
        decided: rung once there is a decision.
        decision: None until then.
    """

    by: str
    decided: Bell
    decision: D | None = None

    def answer(self, decision: D) -> None:
        """Let the person know; only the first answer counts."""
        if self.decision is None:
            self.decision = decision
            self.decided.ring()


class Orders:
    """A queue from the threads of people to the daemon's; `bell` wakes the daemon.

    Attributes:
        done: how many were carried out; another number means that the box may be another.
    """

    def __init__(self, calendar: Calendar) -> None:
        self._calendar = calendar
        self.done = 0
        self._waiting: deque[Callable[[], None]] = deque()
        self.bell = calendar.bell()

    def __bool__(self) -> bool:
        """Tell whether there is anything to do."""
        return bool(self._waiting)

    def put(self, work: Callable[[], None]) -> None:
        """Have the daemon do something, without waiting for it."""
        self._waiting.append(work)
        self.bell.ring()

    def decide(self, by: str, work: Callable[[Order[D]], None]) -> D:
        """Have the daemon do something, and wait until it has decided."""
        order: Order[D] = Order(by, self._calendar.bell())
        self.put(lambda: work(order))
        while order.decision is None:
            self._calendar.wait(None, order.decided)
        return order.decision

    def do_next(self) -> None:
        """Do what was ordered first."""
        try:
            self._waiting.popleft()()
        finally:
            self.done += 1
