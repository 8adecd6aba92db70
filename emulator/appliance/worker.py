"""A thread of the appliance that looks, waits, and goes on whatever its disk does to it."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from datetime import datetime, timedelta

from emulator.appliance.refusal import Refusal, translate
from emulator.appliance.reports import report
from emulator.ports import Bell, Machine

TROUBLE_PAUSE = timedelta(minutes=1)


class Worker:
    """Looks at what is to be done, waits until the instant that the look names, looks again.

    A database that is locked, damaged or on a full disk ends no thread: that is reported,
    and a minute later, or when the bell rings, it looks again.

    Args:
        name: of the thread, as reports and `status` name the service.
        bell: what wakes it before its time.
        look: does what is to be done. It is told whether the instant has come that it named
            last, and returns the next; None: only the bell wakes it.

    Attributes:
        running: whether the thread is at work.
        stopped: it has been asked to end.
    """

    def __init__(
        self, machine: Machine, name: str, bell: Bell, look: Callable[[bool], datetime | None]
    ) -> None:
        self._machine = machine
        self._name = name
        self._bell = bell
        self._look = look
        self._trouble = ""  # what was reported last, while it goes on
        self.running = False
        self.stopped = False

    def start(self) -> None:
        """Start the thread."""
        self.running = True
        self._machine.start(self._name, self._work)

    def stop(self) -> None:
        """Ask the thread to end at its next look."""
        self.stopped = True
        self._bell.ring()

    def _work(self) -> None:
        try:
            due = False
            while not self.stopped:
                due = self._turn(due=due)
        finally:
            self.running = False

    def _turn(self, *, due: bool) -> bool:
        calendar = self._machine.calendar
        try:
            until = self._look(due)
        except (OSError, sqlite3.Error, Refusal) as error:
            self._tell(translate(error))
            calendar.rest(TROUBLE_PAUSE, self._bell)
            return due  # what was due still is
        self._trouble = ""
        return not self.stopped and calendar.wait(until, self._bell)

    def _tell(self, trouble: Refusal) -> None:
        """Report what is wrong, once for as long as it stays the same."""
        if trouble.code != self._trouble:
            self._trouble = trouble.code
            report(
                self._machine, "trouble", trouble.code, service=self._name, message=trouble.message
            )
