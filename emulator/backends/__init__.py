"""What hosts a lab's nodes: the protocol `LabBackend`, implemented by `netns` and `docker`.

A backend knows nodes, cables and programs; it knows nothing of appliances or drills.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import Any, BinaryIO, Literal, NamedTuple, Protocol

from emulator.nodelink import Pipe

Record = Callable[[Mapping[str, Any]], None]


@dataclass(frozen=True)
class Lan:
    """A lab's LAN.

    Attributes:
        lab: the lab's name, the label of all that is made.
        subnet: its /24; the host has the first address.
    """

    lab: str
    subnet: IPv4Network

    @property
    def host_address(self) -> IPv4Address:
        """Return the address at which the host itself stands on the LAN."""
        return self.subnet[1]


def interface_of(folder: Path | str, lab: str) -> str:
    """Return the name of a lab's interface on the host, with room for a suffix.

    Args:
        folder: of the labs: another state folder may have a lab of that name.
        lab: its name.
    """
    return "sl" + hashlib.sha256(f"{folder}\0{lab}".encode()).hexdigest()[:6]


class LargeFile(NamedTuple):
    """A file that is never whole in memory.

    Attributes:
        size: in bytes.
        pieces: gives its bytes.
    """

    size: int
    pieces: Callable[[], Iterator[bytes]]


@dataclass(frozen=True)
class NodePlan:
    """A node to be made.

    Attributes:
        name: unique in the lab.
        role: an `appliance` has a cable to the switch; the `switch` is where the bridge is.
        program: a Python module and its arguments, the node's only long-lived program.
        socket: the Unix socket where the program takes orders.
        files: content below the state folder, placed before the first boot.
        large_files: the same; asked for before the first boot only.
        modules: that the program needs to boot; the node loads them while its cable is laid.
        later_modules: that it needs some time after; programs after a `clear` find them loaded.
    """

    name: str
    role: Literal["appliance", "switch"]
    program: tuple[str, ...]
    socket: str
    files: Mapping[str, bytes] = field(default_factory=dict)
    large_files: Mapping[str, LargeFile] = field(default_factory=dict)
    modules: tuple[str, ...] = ()
    later_modules: tuple[str, ...] = ()

    def loading(self) -> tuple[str, ...]:
        """Return what `emulator.node_init` is told of the modules."""
        at_once = (f"--module={name}" for name in self.modules)
        return (*at_once, *(f"--later={name}" for name in self.later_modules))


@dataclass(frozen=True)
class Completed:
    """What a program on a node did."""

    status: int
    out: bytes
    err: bytes


class Plug(Protocol):
    """Lays cables (`emulator.agents.switch.Switch.plug`)."""

    def __call__(self, cable: str, pid: int) -> None:
        """Lay a cable from the bridge to a process of the switch's host."""


class LabBackend(Protocol):
    """Hosts nodes. Every failure is a `LabError` that says what, where and what to do."""

    @property
    def name(self) -> Literal["docker", "netns"]:
        """Its name on the command line."""

    def create_lan(self, lan: Lan, record: Record) -> None:
        """Make the LAN; `record` is told of everything before it is made."""

    def interface(self, lab: str) -> str:
        """Return the name of a lab's interface on the host."""

    def bridge(self, lan: Lan) -> str:
        """Return the bridge's interface name, as the switch node sees it."""

    def state_folder(self, lan: Lan, node: str) -> str:
        """Return where a node's state lies, as the node sees it."""

    def boot(self, lan: Lan, node: NodePlan, plug: Plug) -> None:
        """Start a node's program, the first time or after `power_off`; its files stay.

        Args:
            lan: the LAN that an appliance is connected to before its program starts.
            node: what to start.
            plug: asks the switch node for a cable, where this computer cannot lay one.
        """

    def clear(self, lan: Lan, node: str) -> None:
        """End a node's program and take away all that it left: its next boot is its first.

        The node itself stays where that can be done in place.
        """

    def power_off(self, lan: Lan, node: str) -> None:
        """Kill every process of a node at once; returns when all are dead."""

    def discard(self, lan: Lan, node: str) -> None:
        """Throw an appliance that is off away, with its files; its next boot is a first one."""

    def running(self, lan: Lan, node: str) -> bool:
        """Say whether a node is on."""

    def cable(self, lan: Lan, node: str) -> str:
        """Return the interface of the switch where an appliance's cable ends."""

    def connect(self, lan: Lan, node: str, socket_path: str) -> Pipe:
        """Connect to the socket of a node's program, waiting until it listens."""

    def execute(self, lan: Lan, node: str, argv: Sequence[str], stdin: bytes = b"") -> Completed:
        """Run a program on a running node to its end."""

    def copy(self, lan: Lan, node: str, path: str, into: BinaryIO) -> None:
        """Write a file below the state folder to another, also when the node is off.

        Only a piece of it is in memory at a time.

        Raises:
            FileNotFoundError: there is none.
        """

    def files(self, lan: Lan, node: str, path: str) -> list[str]:
        """List a folder below the state folder, also when the node is off."""

    def paths(self, lan: Lan, node: str, path: str) -> list[str]:
        """Return every file below a folder of the state folder, sorted, also when it is off."""

    def write(self, lan: Lan, node: str, path: str, content: bytes) -> None:
        """Overwrite a file below the state folder, also when the node is off."""

    def freeze(self, lan: Lan, node: str) -> None:
        """Stop every process of a node; its kernel goes on."""

    def thaw(self, lan: Lan, node: str) -> None:
        """Let the processes of a node go on."""

    def log(self, lan: Lan, node: str) -> bytes:
        """Return what a node's program wrote to its standard streams, also when it is off."""

    def destroy(self, lab: str) -> None:
        """Remove everything that carries the lab's label; harmless when repeated."""

    def labels(self) -> frozenset[str]:
        """Return the labs of this state folder of which anything is left."""

    def subnets(self) -> Mapping[IPv4Network, str]:
        """Return the subnets that are in use where the labs are hosted, and by what."""
