"""What faults are made of in a simulated lab (`emulator.levers.Levers`)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from emulator.addressing import STRANGER, mac_of
from emulator.lab import LabError
from emulator.levers import CacheManner, Moment, Obstruction
from emulator.sim.disk import Copy
from emulator.sim.mail import SimMailSink
from emulator.sim.node import SimNode
from emulator.sim.site import Site
from emulator.sim.wire import SimWire


class SimLevers:
    """Levers of the simulated LAN, disks, processes and mail sink: it can do everything."""

    def __init__(
        self,
        site: Site,
        lab: str,
        nodes: Mapping[str, SimNode],
        wire: SimWire,
        sink: SimMailSink,
    ) -> None:
        self._site = site
        self._lab = lab
        self._nodes = nodes
        self._wire = wire
        self._sink = sink
        self._copies: dict[tuple[str, str], Copy] = {}

    def lacks(self, ability: str) -> str:
        """Return nothing."""
        del ability
        return ""

    def address(self, node: str) -> str:
        """Return an appliance's address from the factory."""
        return self._node(node).address

    def obstruct(self, obstruction: Obstruction) -> int:
        """Obstruct the way of frames; its number."""
        number = self._site.lan.obstruct(obstruction)
        if obstruction.manner == "reset":
            for node in sorted(obstruction.targets):
                self._node(node).break_sessions()
        return number

    def clear(self, number: int) -> int:
        """End an obstruction; how many frames it has met."""
        return self._site.lan.clear(number)

    def carrier(self, node: str, *, up: bool) -> None:
        """Plug a node's cable in or out."""
        self._wire.carrier(node, up=up)

    def stranger(self, address: str) -> Callable[[], None]:
        """Plug a foreign device in that holds an address; what takes it away again."""
        return self._site.lan.stranger(mac_of(self._lab, STRANGER), address)

    def power_off(self, node: str) -> None:
        """Pull an appliance's plug."""
        self._node(node).power_off()

    def kill(self, node: str) -> None:
        """End an appliance's processes by SIGKILL; what was written is still there.

        As in a hosted lab its network ends with them, so that nobody answers for it.
        """
        self._node(node).kill()
        self._site.lan.power(self._site.lan.stations[node], on=False)

    def boot(self, node: str) -> None:
        """Start an appliance again."""
        self._node(node).boot()

    def freeze(self, node: str) -> None:
        """Stop every process of an appliance; its kernel goes on, the Calendar too."""
        self._node(node).freeze()

    def thaw(self, node: str) -> None:
        """Let them go on."""
        self._node(node).thaw()

    def inside(self, node: str, lever: str, **values: Any) -> Any:
        """Pull a lever of an appliance's rig."""
        return self._node(node).pull(lever, values)

    def paths(self, node: str, folder: str) -> list[str]:
        """Return every file below a folder of an appliance's state, sorted."""
        return [one for one in self._node(node).disk.paths() if one.startswith(f"{folder}/")]

    def read(self, node: str, path: str) -> bytes:
        """Read a file of an appliance's state."""
        return self._node(node).read(path)

    def write(self, node: str, path: str, content: bytes) -> None:
        """Overwrite a file of an appliance's state, behind its programs' backs."""
        self._node(node).disk.inode(path).damage(content)

    def cache(self, node: str, manner: CacheManner) -> int:
        """Let a disk treat so what is not durable; one that has lied keeps its word at the end."""
        disk = self._node(node).disk
        if disk.cache.manner == "lying":
            disk.flush()
        return disk.cache.behave(manner)

    def copy_disk(self, node: str, name: str) -> None:
        """Keep a copy of what is durable on an appliance's disk."""
        self._copies[node, name] = self._node(node).disk.copy()

    def swap_disk(self, node: str, name: str) -> None:
        """Put a copy into an appliance that is off, in the place of its disk.

        Raises:
            LabError: it is on, or there is no copy of that name.
        """
        copy = self._copies.get((node, name))
        if copy is None:
            raise LabError(f"there is no copy {name} of the disk of {node}", remedy="copy disk")
        if self._node(node).running():
            raise LabError(f"{node} is on", remedy="power it off first")
        self._node(node).disk.become(copy)

    def mail(self, manner: str, delay_s: float) -> int:
        """Let the mail sink behave `well` or otherwise; how many messages met the old manner."""
        return self._sink.behave(manner, delay_s)

    def later(self, delay_s: float, action: Callable[[], None]) -> None:
        """Do something after a time of the Stopwatch, for which the Calendar stands."""
        self._site.world.later(delay_s, action)

    def when(self, node: str, moment: Moment, action: Callable[[], None]) -> None:
        """Do something at a moment of an appliance's work, which stands still meanwhile."""
        appliance = self._node(node)
        if moment.event:
            number = appliance.pull("event.halt", {"event": moment.event, "times": moment.times})
        else:
            place = {"fraction": moment.fraction, "before_last": moment.before_last}
            number = appliance.pull("transfer.halt", place)
        appliance.at_halt(int(number), action)

    def _node(self, node: str) -> SimNode:
        if node not in self._nodes:
            raise LabError(f"{node} is no appliance of this lab")
        return self._nodes[node]
