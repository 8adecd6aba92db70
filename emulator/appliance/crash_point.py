"""The sudden end of every process of an appliance, at a named step that a lab has armed.

The product's path knows only the folder where the module writes its lines.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(frozen=True)
class Stop:
    """Where a node is to end.

    Attributes:
        source: of the named step: that of a line of the event log, or `journal`.
        event: of the named step.
        nth: which one of its kind, counted from the arming on.
        after: as soon as the line is written, instead of before.
    """

    source: str
    event: str
    nth: int
    after: bool


class CrashPoint:
    """Ends the node at a named step.

    Args:
        end: ends every process at once, and does not return.
    """

    def __init__(self, end: Callable[[Stop], None]) -> None:
        self._end = end
        self._order = threading.Lock()
        self._stop: Stop | None = None
        self._seen = 0

    def arm(self, source: str, event: str, nth: int, *, after: bool) -> None:
        """End the node at that `Stop`."""
        with self._order:
            self._stop, self._seen = Stop(source, event, nth, after), 0

    @contextmanager
    def around(self, source: str, event: str) -> Iterator[None]:
        """Write a line within this; it may be the last one, or never come."""
        stop = self._comes(source, event)
        if stop is not None and not stop.after:
            self._end(stop)
        yield
        if stop is not None and stop.after:
            self._end(stop)

    def _comes(self, source: str, event: str) -> Stop | None:
        with self._order:
            stop = self._stop
            if stop is None or (stop.source, stop.event) != (source, event):
                return None
            self._seen += 1
            return stop if self._seen == stop.nth else None
