"""The runner's end of the Calendar: served to the appliances of a lab, or real.

Invariant: the Calendar moves only while every participant is idle, and each move wakes
exactly one waiter, the earliest by (deadline, participant's name).
"""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from emulator.lab import TimeStands


@dataclass
class _Participant:
    release: Callable[[datetime], None]
    held_for: str | None  # why it holds the Calendar; None: idle
    until: datetime | None = None
    frozen: bool = False  # it cannot go on, so nobody waits for it


class ServedTimekeeper:
    """Serves one Calendar to many processes.

    Attributes:
        watchdog_s: how long, in real seconds, one may hold the Calendar before the drill
            is given up with its name.
    """

    def __init__(self, start: datetime, watchdog_s: float = 90.0) -> None:
        self._now = start
        self._watchdog_s = watchdog_s
        self._changed = threading.Condition()
        self._participants: dict[str, _Participant] = {}
        self._alarms = itertools.count(1)

    def now(self) -> datetime:
        """Return the served instant."""
        with self._changed:
            return self._now

    def join(self, name: str, release: Callable[[datetime], None]) -> datetime:
        """Add a participant; it holds the Calendar (for its boot) until it says idle."""
        with self._changed:
            self._participants[name] = _Participant(release, "boot")
            return self._now

    def leave(self, name: str) -> None:
        """Forget a participant that ended; whatever it held is given back."""
        with self._changed:
            self._participants.pop(name, None)
            self._changed.notify_all()

    def hold(self, name: str, why: str) -> datetime:
        """Note that a participant works; returns the instant for its grant."""
        with self._changed:
            if name in self._participants:
                self._participants[name].held_for = why
            return self._now

    def idle(self, name: str, until: datetime | None) -> None:
        """Note that all threads of a participant wait."""
        with self._changed:
            if name in self._participants:
                self._participants[name].held_for = None
                self._participants[name].until = until
                self._changed.notify_all()

    def freeze(self, name: str) -> None:
        """Go on without a participant, as if it were not there: it cannot act."""
        with self._changed:
            if name in self._participants:
                self._participants[name].frozen = True
                self._changed.notify_all()

    def thaw(self, name: str) -> None:
        """Count a participant again; what it held, it holds, and what it missed is due."""
        with self._changed:
            if name in self._participants:
                self._participants[name].frozen = False

    def at(self, instant: datetime, action: Callable[[], None]) -> None:
        """Do something when time gets to an instant, before anyone who waits for the same."""
        name = f"alarm {next(self._alarms):04}"  # sorts before any node's name

        def ring(_now: datetime) -> None:
            try:
                action()
            finally:
                self.leave(name)

        self.join(name, ring)
        self.idle(name, instant)

    def settle(self) -> None:
        """Wait until nobody holds the Calendar.

        Raises:
            TimeStands: somebody held it longer than the watchdog allows.
        """
        with self._changed:
            if not self._changed.wait_for(self._quiet, self._watchdog_s):
                holders = ", ".join(
                    f"{name} ({one.held_for})"
                    for name, one in sorted(self._participants.items())
                    if one.held_for is not None and not one.frozen
                )
                raise TimeStands(
                    f"the Calendar stands for {self._watchdog_s:.0f} s at {self._now}: "
                    f"held by {holders}",
                    remedy="look into that node's log for what it waits for",
                )

    def advance(self, until: datetime, condition: Callable[[], bool] = lambda: False) -> bool:
        """Let time pass until an instant or until a condition holds, as `lab.Timekeeper`."""
        while True:
            self.settle()
            if condition():
                return True
            with self._changed:
                if not self._quiet():
                    continue
                due = self._earliest()
                if due is None or due[0] > until:
                    self._now = max(self._now, until)
                    return False
                deadline, name = due
                self._now = max(self._now, deadline)
                participant = self._participants[name]
                participant.held_for = "released"
                participant.until = None
                now = self._now
            participant.release(now)

    def _quiet(self) -> bool:
        return all(one.held_for is None or one.frozen for one in self._participants.values())

    def _earliest(self) -> tuple[datetime, str] | None:
        return min(
            (
                (one.until, name)
                for name, one in self._participants.items()
                if one.until and not one.frozen and one.held_for is None
            ),
            default=None,
        )


class RealTimekeeper:
    """Serves nothing: the same drills wait for real."""

    POLL_S = 0.1

    def __init__(self) -> None:
        self._alarms: list[tuple[datetime, Callable[[], None]]] = []

    def now(self) -> datetime:
        """Return the computer's clock."""
        return datetime.now(UTC)  # noqa: TID251 - with real time this is the Calendar

    def at(self, instant: datetime, action: Callable[[], None]) -> None:
        """Do something when the clock gets to an instant, while `advance` looks at it."""
        self._alarms.append((instant, action))

    def settle(self) -> None:
        """Return at once: processes on a real clock do not say when they are idle."""

    def advance(self, until: datetime, condition: Callable[[], bool] = lambda: False) -> bool:
        """Wait for an instant, looking at the condition several times a second."""
        while True:
            self._ring()
            if condition():
                return True
            left = until - self.now()
            if left <= timedelta(0):
                return False
            time.sleep(min(self.POLL_S, left.total_seconds()))  # noqa: TID251 - real waits, on demand

    def _ring(self) -> None:
        due = [one for one in self._alarms if one[0] <= self.now()]
        self._alarms = [one for one in self._alarms if one not in due]
        for _, action in due:
            action()
