"""What faults are made of: the few levers that every lab has, the same on every backend."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, Protocol

OPERATOR = "host"  # the operator's place on the LAN
Manner = Literal["drop", "loss", "rate", "reset"]
CacheManner = Literal["well", "torn", "kept", "lying"]  # `emulator.sim.cache` says what they are
# Of disks whose cache and contents are a lab's to command; a real kernel's are not.
SIMULATED = frozenset({"disk-cache", "disk-copy"})


@dataclass(frozen=True)
class Obstruction:
    """Frames that the switch treats badly.

    Attributes:
        manner: `drop` swallows them, `loss` a part of them, `rate` lets so many bytes a
            second pass, `reset` answers TCP segments to port 22 in the receiver's name.
        sources, targets: nodes that they come from and go to; none: all that are not among the
            others. The host, where the operator's browser is, is never meant.
        both_ways: also those that go the other way.
        ip_only: address resolution (ARP) passes.
        part: that is lost.
        bytes_per_s: that pass.
    """

    manner: Manner
    sources: frozenset[str]
    targets: frozenset[str]
    both_ways: bool = False
    ip_only: bool = False
    part: float = 1.0
    bytes_per_s: int = 0

    def meets(self, source: str, target: str) -> bool:
        """Return whether it is about frames between two nodes."""
        return self._leads(source, target) or (self.both_ways and self._leads(target, source))

    def _leads(self, source: str, target: str) -> bool:
        if OPERATOR in {source, target}:
            return False
        comes = source in self.sources if self.sources else source not in self.targets
        goes = target in self.targets if self.targets else target not in self.sources
        return comes and goes


@dataclass(frozen=True)
class Moment:
    """A point of an appliance's work at which it stands still until a fault is there.

    Attributes:
        event, times: the how-manieth event of a name.
        fraction, before_last: a byte of the next transfer into it, where no event is named.
    """

    event: str = ""
    times: int = 1
    fraction: float = 0.0
    before_last: bool = False


class Levers(Protocol):
    """What faults are made of. Whatever is set up is gone with the lab, at the latest.

    Every method raises `NodeDown` where it needs an appliance that is off.
    """

    def lacks(self, ability: str) -> str:
        """Return why this lab cannot do something that a fault needs, "" if it can."""

    def address(self, node: str) -> str:
        """Return a node's address from the factory."""

    def obstruct(self, obstruction: Obstruction) -> int:
        """Obstruct the way of frames; its number."""

    def clear(self, number: int) -> int:
        """End an obstruction; how many frames it has met."""

    def carrier(self, node: str, *, up: bool) -> None:
        """Plug a node's cable in or out."""

    def stranger(self, address: str) -> Callable[[], None]:
        """Plug a foreign device in that holds an address; what takes it away again."""

    def power_off(self, node: str) -> None:
        """Pull an appliance's plug."""

    def kill(self, node: str) -> None:
        """End an appliance's processes by SIGKILL; what was written is still there."""

    def boot(self, node: str) -> None:
        """Start an appliance again."""

    def freeze(self, node: str) -> None:
        """Stop every process of an appliance; its kernel goes on, the Calendar too."""

    def thaw(self, node: str) -> None:
        """Let them go on."""

    def inside(self, node: str, lever: str, **values: Any) -> Any:
        """Pull a lever of an appliance's rig (`emulator.appliance.rig`)."""

    def paths(self, node: str, folder: str) -> list[str]:
        """Return every file below a folder of an appliance's state, sorted."""

    def read(self, node: str, path: str) -> bytes:
        """Read a file of an appliance's state."""

    def write(self, node: str, path: str, content: bytes) -> None:
        """Overwrite a file of an appliance's state, behind its programs' backs."""

    def cache(self, node: str, manner: CacheManner) -> int:
        """Let an appliance's disk treat so what is not durable; how often the old manner mattered.

        Ability: `disk-cache`.
        """

    def copy_disk(self, node: str, name: str) -> None:
        """Keep a copy of what is durable on an appliance's disk. Ability: `disk-copy`."""

    def swap_disk(self, node: str, name: str) -> None:
        """Put a copy into an appliance that is off, in the place of its disk.

        Raises:
            LabError: it is on, or there is no copy of that name.
        """

    def mail(self, manner: str, delay_s: float) -> int:
        """Let the mail sink behave `well` or otherwise; how many messages met the old manner."""

    def later(self, delay_s: float, action: Callable[[], None]) -> None:
        """Do something after a time of the Stopwatch, for which the Calendar stands."""

    def when(self, node: str, moment: Moment, action: Callable[[], None]) -> None:
        """Do something at a moment of an appliance's work, which stands still meanwhile."""
