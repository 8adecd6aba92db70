"""Where labs are made: each on new nodes, or one after the other on nodes that are kept."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple, Protocol, Self

from emulator.backends import LabBackend
from emulator.lab import LabMaker
from scenarios.hosting import host, lab_registry
from scenarios.narration import Narrator

if TYPE_CHECKING:
    from types import TracebackType

    from emulator.rack import Rack

SIM_SUBNET = "198.18.0.0/24"


class Place(NamedTuple):
    """Where one lab is made.

    Attributes:
        maker: who makes it.
        name: its name.
        subnet: its /24.
    """

    maker: LabMaker
    name: str
    subnet: str


class Places(Protocol):
    """Finds places."""

    def find(self, backend: str, title: str) -> Place:
        """Return a place for a lab.

        Args:
            backend: `docker`, `netns` or `sim`.
            title: what the lab is for.

        Raises:
            LabError: none can be made here.
        """


class NewPlaces:
    """Every lab has nodes of its own.

    Args:
        narrator: told how far an image is.
    """

    def __init__(self, narrator: Narrator) -> None:
        self._narrator = narrator

    def find(self, backend: str, title: str) -> Place:
        """Return a place for a lab, which is removed when it goes down."""
        if backend == "sim":
            return _simulated(title)
        from emulator.hosted import HostedMaker  # noqa: PLC0415 - imported when it is used

        hosting, registry = _hosting(backend, self._narrator), lab_registry()
        subnet = str(registry.free_subnet(hosting))
        return Place(HostedMaker(hosting, registry), f"{title}-{os.getpid()}", subnet)


class KeptPlaces:
    """Labs of one backend have the same nodes, one after the other (`emulator.rack`).

    A context manager: at its end the nodes are removed.

    Args:
        narrator: told how far an image is.
    """

    def __init__(self, narrator: Narrator) -> None:
        self._narrator = narrator
        self._racks: dict[str, Rack] = {}

    def __enter__(self) -> Self:
        """Begin without any nodes."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Remove all nodes."""
        for rack in self._racks.values():
            rack.clear_out()

    def find(self, backend: str, title: str) -> Place:
        """Return the place where the lab before, if there was one, has gone down."""
        if backend == "sim":
            return _simulated(title)
        from emulator.rack import Rack  # noqa: PLC0415 - imported when it is used

        if backend not in self._racks:
            hosting = _hosting(backend, self._narrator)
            # Named by its backend too: `fidelity` has nodes of several of them at the same time.
            name = f"drills-{backend}-{os.getpid()}"
            self._racks[backend] = Rack(hosting, lab_registry(), name)
        rack = self._racks[backend]
        return Place(rack, rack.name, rack.subnet)


def _simulated(title: str) -> Place:
    from emulator.sim.lab import SimMaker  # noqa: PLC0415 - imported when it is used

    return Place(SimMaker(), title, SIM_SUBNET)


def _hosting(backend: str, narrator: Narrator) -> LabBackend:
    return host(backend, lambda line, done: narrator.note(f"{done:4.0%} {line}"))
