"""What a module's ports are on a simulated machine: its own box, the LAN, its folder."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, BinaryIO, cast

from emulator.ports import Disk
from emulator.sim.disk import relative
from emulator.sim.life import Life
from emulator.sim.machine import SimMachine
from emulator.sim.site import Dispatch, Site
from emulator.sim.transport import SimTransport
from redundancy.adapters import envelope
from redundancy.adapters.local import read_piece
from redundancy.errors import LanUnusable
from redundancy.ports import Payload


class LocalInput:
    """A payload as the standard input of a command on the same box."""

    def __init__(self, payload: Payload | None) -> None:
        self._payload = payload
        self._left = 0 if payload is None else payload.size

    def read(self, size: int = -1) -> bytes:
        """Read so many bytes, or all that are left."""
        if self._payload is None or not self._left:
            return b""
        data = read_piece(self._payload, self._left if size < 0 else min(size, self._left))
        self._left = self._left - len(data) if data else 0
        self._payload.progress(self._payload.size - self._left)
        return data

    def close(self) -> None:
        """Read no more."""
        self._left = 0


class LocalChannel:
    """Commands of the appliance that the module runs on (`redundancy.ports.Channel`)."""

    def __init__(self, life: Life, dispatch: Dispatch) -> None:
        self._life = life
        self._dispatch = dispatch

    def call(self, argv: Sequence[str], payload: Payload | None = None) -> Mapping[str, Any]:
        """Run one command."""
        self._life.check()
        stream = cast("BinaryIO", LocalInput(payload))
        answer = json.dumps(self._dispatch(list(argv), stream)).encode()
        return envelope.result(argv, answer, 0)

    def close(self) -> None:
        """Do nothing: there is no connection."""


class SimAddresses:
    """Probes and announcements on the simulated LAN (`redundancy.ports.Addresses`)."""

    def __init__(self, site: Site, machine: SimMachine) -> None:
        self._lan = site.lan
        self._machine = machine

    def probe(self, address: str, listen_s: float) -> frozenset[str]:
        """Ask once and listen.

        Raises:
            LanUnusable: the cable is out: silence would prove nothing.
        """
        self._require_link()
        found = self._machine.network.probe(address, listen_s)
        self._require_link()
        return found

    def announce(self, address: str) -> None:
        """Send one gratuitous request and one gratuitous reply.

        Raises:
            LanUnusable: the cable is out.
        """
        self._require_link()
        self._lan.announce(self._machine.station, address)

    def _require_link(self) -> None:
        self._machine.stopwatch.now_s()  # of a dead machine it raises, as every port does
        if not self._machine.station.port.linked:
            raise LanUnusable(
                "the LAN port cannot be used: it has no link",
                remedy="check this appliance's network cable and port",
            )


class SimStore:
    """The module's own folder on the simulated disk (`redundancy.ports.Store`)."""

    def __init__(self, disk: Disk, folder: str) -> None:
        self._disk = disk
        self._folder = folder
        self._whole: set[str] = set()  # files that are known to end with a whole line

    def append(self, name: str, line: str) -> None:
        """Append one line and make it durable; what a power cut tore is cut off first.

        Raises:
            ValueError: the line holds a line break.
        """
        if "\n" in line:
            raise ValueError("one line is appended at a time")
        path = f"{self._folder}/{name}"
        if name not in self._whole:
            self._mend(name, path)
        file = self._disk.append(path)
        file.write(line.encode() + b"\n")
        file.sync()
        file.close()
        if name not in self._whole:
            self._disk.sync_dir(self._folder)
            self._whole.add(name)

    def lines(self, name: str) -> list[str]:
        """Return the whole lines of a file, none if it does not exist; bytes of no text escaped."""
        return [
            line.decode(errors="backslashreplace") for line in self._read(name).split(b"\n")[:-1]
        ]

    def open(self, path: str) -> BinaryIO:
        """Open a file that the contract named for reading."""
        return self._disk.open(relative(path))

    def _read(self, name: str) -> bytes:
        if name not in self._disk.list(self._folder):
            return b""
        return self._disk.open(f"{self._folder}/{name}").read()

    def _mend(self, name: str, path: str) -> None:
        content = self._read(name)
        whole = content[: content.rfind(b"\n") + 1]
        if whole != content:
            file = self._disk.create(f"{path}.part")
            file.write(whole)
            file.sync()
            file.close()
            self._disk.rename(f"{path}.part", path)


class SimWiring:
    """The ports of a module on one machine (`emulator.appliance.module_host.Wiring`).

    Args:
        site: where the machine stands.
        life: of the machine.
        machine: the box.
        dispatch: carries out a command of its appliance.
        secret: returns a secret of the module's configuration.
    """

    FOLDER = "module/redundanz"

    def __init__(
        self,
        site: Site,
        life: Life,
        machine: SimMachine,
        dispatch: Dispatch,
        secret: Callable[[str], str],
    ) -> None:
        self.secret = secret
        self.local = LocalChannel(life, dispatch)
        self.transport = SimTransport(site, life, machine.station)
        self.addresses = SimAddresses(site, machine)
        self.store = SimStore(machine.disk, self.FOLDER)
