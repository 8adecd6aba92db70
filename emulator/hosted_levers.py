"""What faults are made of in a hosted lab (`emulator.levers.Levers`)."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from emulator.backends import LabBackend, Lan
from emulator.hosted_appliance import HostedAppliance
from emulator.lab import LabError, Wire
from emulator.levers import SIMULATED, CacheManner, Moment, Obstruction
from emulator.stations import Orders
from emulator.timekeeper import ServedTimekeeper


@dataclass(frozen=True)
class Room:
    """What a hosted lab's levers reach.

    Attributes:
        backend, lan: who hosts the nodes, and their LAN.
        orders: returns the way to the switch.
        wire: returns the switch.
        appliances: by name.
        cable: names the bridge's end of a node's cable.
        timekeeper: who serves the Calendar; None: time is real.
    """

    backend: LabBackend
    lan: Lan
    orders: Callable[[], Orders]
    wire: Callable[[], Wire]
    appliances: Mapping[str, HostedAppliance]
    cable: Callable[[str], str]
    timekeeper: ServedTimekeeper | None


class HostedLevers:
    """Levers that act in the kernel, the process table and the agents."""

    def __init__(self, room: Room) -> None:
        self._room = room
        self._numbers = itertools.count(1)

    def lacks(self, ability: str) -> str:
        """Return why this lab cannot do something that a fault needs, "" if it can."""
        if ability in {"carrier", "freeze", "stranger"}:
            return ""
        if ability in SIMULATED:
            return "the kernel of a real node keeps its own cache and disk"
        if ability == "clock":
            return "" if self._room.timekeeper else "with real time nobody sets a box's clock"
        return str(self._room.orders().do("switch.lacks", manner=ability))

    def address(self, node: str) -> str:
        """Return an appliance's address from the factory."""
        return self._appliance(node).address

    def obstruct(self, obstruction: Obstruction) -> int:
        """Obstruct the way of frames; its number."""
        orders, cable = self._room.orders(), self._room.cable
        sources = [cable(one) for one in sorted(obstruction.sources)]
        targets = [cable(one) for one in sorted(obstruction.targets)]
        if obstruction.manner == "rate":
            rate = obstruction.bytes_per_s
            return int(orders.do("switch.shape", cable=targets[0], bytes_per_s=rate))
        if obstruction.manner == "reset":
            (target,) = obstruction.targets
            mac = self._appliance(target).mac
            return int(orders.do("switch.reset", cable=sources[0], mac=mac))
        ways = [(sources, targets)]
        if obstruction.both_ways:
            ways.append((targets, sources))
        values = {"part": obstruction.part, "ip_only": obstruction.ip_only}
        return int(orders.do("switch.drop", ways=ways, **values))

    def clear(self, number: int) -> int:
        """End an obstruction; how many frames it has met."""
        return int(self._room.orders().do("switch.clear", number=number))

    def carrier(self, node: str, *, up: bool) -> None:
        """Plug a node's cable in or out."""
        self._room.wire().carrier(node, up=up)

    def stranger(self, address: str) -> Callable[[], None]:
        """Plug a foreign device in that holds an address; what takes it away again."""
        self._room.orders().do("switch.welcome_stranger", address=address)
        return lambda: self._room.orders().do("switch.expel_stranger")

    def power_off(self, node: str) -> None:
        """Pull an appliance's plug."""
        self._appliance(node).power_off()

    def kill(self, node: str) -> None:
        """End an appliance's processes: with them goes its network, so the link goes first."""
        self._appliance(node).power_off()

    def boot(self, node: str) -> None:
        """Start an appliance again."""
        self._appliance(node).boot()

    def freeze(self, node: str) -> None:
        """Stop every process of an appliance; the Calendar goes on without it."""
        self._appliance(node).require_on()
        self._room.backend.freeze(self._room.lan, node)
        if self._room.timekeeper:
            self._room.timekeeper.freeze(node)

    def thaw(self, node: str) -> None:
        """Let them go on."""
        if self._room.timekeeper:
            self._room.timekeeper.thaw(node)
        if self._appliance(node).running():
            self._room.backend.thaw(self._room.lan, node)

    def inside(self, node: str, lever: str, **values: Any) -> Any:
        """Pull a lever of an appliance's rig."""
        return self._appliance(node).pull(lever, values)

    def paths(self, node: str, folder: str) -> list[str]:
        """Return every file below a folder of an appliance's state, sorted."""
        return self._room.backend.paths(self._room.lan, node, folder)

    def read(self, node: str, path: str) -> bytes:
        """Read a file of an appliance's state."""
        return self._appliance(node).read(path)

    def write(self, node: str, path: str, content: bytes) -> None:
        """Overwrite a file of an appliance's state, behind its programs' backs."""
        self._room.backend.write(self._room.lan, node, path, content)

    def cache(self, node: str, manner: CacheManner) -> int:
        """Refuse: see `lacks`."""
        raise _not_ours(node, f"be {manner}")

    def copy_disk(self, node: str, name: str) -> None:
        """Refuse: see `lacks`."""
        raise _not_ours(node, f"be copied as {name}")

    def swap_disk(self, node: str, name: str) -> None:
        """Refuse: see `lacks`."""
        raise _not_ours(node, f"be exchanged for {name}")

    def mail(self, manner: str, delay_s: float) -> int:
        """Let the mail sink behave `well` or otherwise; how many messages met the old manner."""
        return int(self._room.orders().do("mail.behave", manner=manner, delay_s=delay_s))

    def later(self, delay_s: float, action: Callable[[], None]) -> None:
        """Do something after a real time, for which the Calendar stands."""
        name = f"timer {next(self._numbers):04}"
        timekeeper = self._room.timekeeper
        if timekeeper is not None:
            timekeeper.join(name, lambda _now: None)
            timekeeper.hold(name, f"something that happens in {delay_s:g} s")

        def act() -> None:
            try:
                action()
            finally:
                if timekeeper is not None:
                    timekeeper.leave(name)

        timer = threading.Timer(delay_s, act)
        timer.daemon = True
        timer.start()

    def when(self, node: str, moment: Moment, action: Callable[[], None]) -> None:
        """Do something at a moment of an appliance's work, which stands still meanwhile."""
        appliance = self._appliance(node)
        if moment.event:
            number = appliance.pull("event.halt", {"event": moment.event, "times": moment.times})
        else:
            place = {"fraction": moment.fraction, "before_last": moment.before_last}
            number = appliance.pull("transfer.halt", place)
        appliance.at_halt(int(number), action)

    def _appliance(self, node: str) -> HostedAppliance:
        if node not in self._room.appliances:
            raise LabError(f"{node} is no appliance of this lab")
        return self._room.appliances[node]


def _not_ours(node: str, what: str) -> LabError:
    return LabError(f"the disk of {node} cannot {what} on a real kernel", remedy="--backend sim")
