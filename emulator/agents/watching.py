"""A client's watch over an address: it asks again and again, and notes who answers."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from emulator.agents.frames import Frame

Answer = tuple[float, str]  # Unix time of the frame, MAC that it came from
Ask = Callable[[str, int], None]  # the address, and which asking this is, from 1 on


@dataclass
class _Watch:
    address: str
    asked: int = 0
    answers: list[Answer] = field(default_factory=list)
    ended: threading.Event = field(default_factory=threading.Event)
    asker: threading.Thread | None = None


class Watching:
    """At most one watch at a time.

    Args:
        ask: asks once; it deals itself with nobody answering.
    """

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self._watch: _Watch | None = None

    @property
    def address(self) -> str | None:
        """The address that is watched now."""
        return None if self._watch is None else self._watch.address

    def begin(self, address: str, interval_s: float) -> None:
        """Ask until `end`, with a pause after each time.

        Raises:
            ValueError: a watch is under way.
        """
        if self._watch is not None:
            raise ValueError(f"{self._watch.address} is watched already: stop that first")
        watch = _Watch(address)
        watch.asker = threading.Thread(target=self._go_on, args=(watch, interval_s), daemon=True)
        self._watch = watch
        watch.asker.start()

    def end(self) -> tuple[int, list[Answer]]:
        """End the watch; how often it asked, and the answers.

        Raises:
            ValueError: there is none.
        """
        watch, self._watch = self._watch, None
        if watch is None or watch.asker is None:
            raise ValueError("no address is watched")
        watch.ended.set()
        watch.asker.join()
        return watch.asked, watch.answers

    def answered(self, frame: Frame) -> None:
        """Note a frame that answers."""
        watch = self._watch  # it may end in the meantime
        if watch is not None:
            watch.answers.append((frame.at_s, frame.data[6:12].hex(":")))

    def _go_on(self, watch: _Watch, interval_s: float) -> None:
        while True:
            watch.asked += 1
            self._ask(watch.address, watch.asked)
            if watch.ended.wait(interval_s):
                return
