"""Faults of the LAN: frames that do not arrive, come late, or get a stranger's answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from emulator.faults import Ending
from emulator.levers import Levers, Obstruction


@dataclass(frozen=True)
class Obstructed:
    """Frames that the switch treats badly.

    Attributes:
        kind: as the history has it.
        node: whose line it is.
        obstruction: which frames, and how they are treated.
    """

    kind: str
    node: str
    obstruction: Obstruction

    def needs(self) -> frozenset[str]:
        """Return the kernel's part that it takes."""
        return frozenset({self.obstruction.manner})

    def start(self, levers: Levers) -> Ending:
        """Obstruct the way until the end, which tells how many frames were hit."""
        number = levers.obstruct(self.obstruction)
        return lambda: levers.clear(number)


@dataclass(frozen=True)
class Unplugged:
    """A cable that is out."""

    node: str
    kind: str = "unplugged"

    def needs(self) -> frozenset[str]:
        """Return what it takes."""
        return frozenset({"carrier"})

    def start(self, levers: Levers) -> Ending:
        """Pull the cable."""
        levers.carrier(self.node, up=False)

        def end() -> int:
            levers.carrier(self.node, up=True)
            return 1

        return end


@dataclass(frozen=True)
class Flapping:
    """A cable that loses its contact several times.

    Attributes:
        down_s, up_s: how long it is without contact and with it, on the Stopwatch.
        times: how often.
    """

    node: str
    down_s: float
    up_s: float
    times: int
    kind: str = "flapping"

    def needs(self) -> frozenset[str]:
        """Return what it takes."""
        return frozenset({"carrier"})

    def start(self, levers: Levers) -> Ending:
        """Lose contact now, and again and again by itself."""
        left, stopped = [self.times], [False]

        def fall() -> None:
            if not stopped[0] and left[0]:
                left[0] -= 1
                levers.carrier(self.node, up=False)
                levers.later(self.down_s, rise)

        def rise() -> None:
            levers.carrier(self.node, up=True)
            if left[0]:
                levers.later(self.up_s, fall)

        def end() -> int:
            stopped[0] = True
            levers.carrier(self.node, up=True)
            return self.times - left[0]

        fall()
        return end


@dataclass(frozen=True)
class Stranger:
    """A foreign device that holds an appliance's address."""

    node: str
    kind: str = "stranger"

    def needs(self) -> frozenset[str]:
        """Return what it takes."""
        return frozenset({"stranger"})

    def start(self, levers: Levers) -> Ending:
        """Plug it in."""
        leave: Callable[[], None] = levers.stranger(levers.address(self.node))

        def end() -> int:
            leave()
            return 1

        return end
