"""One appliance of a hosted lab, from outside."""

from __future__ import annotations

import contextlib
import io
import json
import socket
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any, BinaryIO

import httpx

from emulator.appliance.layout import FACTORY, blob_path
from emulator.backends import LabBackend, Lan, LargeFile, NodePlan
from emulator.company import Progress, Sound, Voice
from emulator.lab import ApplianceSpec, LabError, NodeDown, NodeInfo, NotThere
from emulator.nodelink import CALL_LIMIT_S, NodeLink
from emulator.stations import Orders
from emulator.timekeeper import ServedTimekeeper

LAB_SOCKET = "/run/appliance/lab.sock"
ENGINE_FOLDER = "engine"
SSH_PORT, WEB_PORT = 22, 80
# What the appliance's program imports sooner or later, but for its own first lines.
MODULES = (
    "emulator.appliance.appliance",
    "emulator.appliance.module_host",
    "emulator.appliance.linux.machine",
    "emulator.appliance.linux.web_server",
    "redundancy.adapters.addresses",
    "redundancy.adapters.local",
    "redundancy.adapters.ssh",
    "redundancy.adapters.store",
)
LATER_MODULES = ("emulator.appliance.web.app", "redundancy.pages")
BOOT_LIMIT_S = 60.0
RETRY_S = 0.01
PAGE_LIMIT_S = 60.0
SLOWEST_BYTES_S = 5e6  # of a busy machine that reads, hashes and writes what an appliance holds
# Host keys are made anew for each lab, so yesterday's would only be in the way.
SSH_OPTIONS = "-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null"
Happened = Callable[[str, Mapping[str, Any]], None]


@dataclass(frozen=True)
class Site:
    """What the appliances of a lab share.

    Attributes:
        backend: who hosts them.
        lan: the LAN that they stand on.
        switch: waits for the switch and returns the way to it.
        timekeeper: who serves their Calendar; None: they have the real clock.
        happened: told of each event.
        engine: another build of the module, by the names of its files.
        progress: told how far the files of an appliance are.
        volume: of the files that an appliance may hold, in bytes.
    """

    backend: LabBackend
    lan: Lan
    switch: Callable[[], Orders]
    timekeeper: ServedTimekeeper | None
    happened: Happened
    engine: Mapping[str, bytes]
    progress: Progress
    volume: int = 0

    def patience_s(self, limit_s: float) -> float:
        """Extend a limit by what an appliance needs to go through all of its files."""
        return limit_s + self.volume / SLOWEST_BYTES_S


def engine_files(folder: Path) -> dict[str, bytes]:
    """Read another build of the module, by the names of its files."""
    files = sorted(one for one in folder.rglob("*") if one.is_file())
    return {str(file.relative_to(folder)): file.read_bytes() for file in files}


class HostedAppliance:
    """Boots, reaches and kills one appliance.

    Args:
        spec: its name and factory settings.
        site: where it stands.
    """

    def __init__(self, spec: ApplianceSpec, site: Site) -> None:
        self._spec = spec
        self._site = site
        self._backend = site.backend
        self._lan = site.lan
        self._link: NodeLink | None = None
        self._ahead = timedelta()  # its clock, of the lab's Calendar; a battery keeps it

    @property
    def name(self) -> str:
        """Its identity."""
        return self._spec.name

    @property
    def address(self) -> str:
        """The address that it has from the factory."""
        return str(self._spec.factory["network"]["address"])

    def ctl(self, argv: Sequence[str], stdin: bytes = b"") -> Mapping[str, Any]:
        """Run `appliancectl --json ARGV` over the control channel; the `result`.

        Raises:
            CommandRefused: it answered with an error.
            NodeDown: the appliance is off.
        """
        return self._linked().call(argv, stdin)

    def browser(self, address: str | None = None) -> httpx.Client:
        """Return an HTTP client for the pages at an address, by default the factory's.

        Proxies that the environment names are for other networks than the lab's.
        """
        return httpx.Client(
            base_url=f"http://{address or self.address}",
            follow_redirects=True,
            trust_env=False,
            timeout=PAGE_LIMIT_S,
        )

    @property
    def mac(self) -> str:
        """The MAC address that it has from the factory."""
        return str(self._spec.factory["mac"])

    def pull(self, lever: str, values: Mapping[str, Any]) -> Any:
        """Pull a lever of its rig (`emulator.appliance.rig`); what it answers.

        Raises:
            CommandRefused: it cannot be pulled.
            NodeDown: the appliance is off.
        """
        answer = self._linked().pull(lever, values)
        if lever == "clock.shift":
            self._ahead += timedelta(seconds=values["by_s"])
        return answer

    def at_halt(self, number: int, action: Callable[[], None]) -> None:
        """Have something done when it stands still at a tripwire; then it goes on."""
        self._linked().at_halt(number, action)

    def require_on(self) -> None:
        """Raise `NodeDown` when it is off."""
        self._linked()

    def read(self, path: str) -> bytes:
        """Read a file below the state directory, also while the appliance is off."""
        found = io.BytesIO()
        self.copy(path, found)
        return found.getvalue()

    def copy(self, path: str, into: BinaryIO) -> None:
        """Write such a file to another, a piece in memory at a time."""
        self._backend.copy(self._lan, self.name, path, into)

    def files(self, path: str) -> list[str]:
        """List a folder below the state directory, also while the appliance is off."""
        return self._backend.files(self._lan, self.name, path)

    def power_off(self) -> None:
        """Pull the plug: nothing passes first, as a dead box does not answer ARP, then all dead."""
        if not self.running():
            raise NodeDown(f"{self.name} is off already")
        cable = self._backend.cable(self._lan, self.name)
        self._site.switch().do("switch.detach", cable=cable)
        self._backend.power_off(self._lan, self.name)
        self.hang_up()

    def await_off(self) -> None:
        """Wait until an appliance that shuts down has ended; its link is gone then.

        Raises:
            LabError: it does not end.
        """
        pause = threading.Event()
        for _ in range(int(BOOT_LIMIT_S / RETRY_S)):
            if not self.running():
                break
            pause.wait(RETRY_S)
        else:
            raise LabError(f"{self.name} does not shut down", remedy="power it off")
        cable = self._backend.cable(self._lan, self.name)
        with contextlib.suppress(LabError):  # the end of its network took the cable along
            self._site.switch().do("switch.carrier", cable=cable, up=False)
        self.hang_up()

    def boot(self) -> None:
        """Power on; returns when it is up (SSH and pages answer).

        Raises:
            NodeDown: it does not come up; with the last words of its program.
            NotThere: it is on already.
        """
        if self.running():
            raise NotThere(f"{self.name} is on already", remedy="power it off first")
        state = self._backend.state_folder(self._lan, self.name)
        files = {FACTORY: json.dumps(self._spec.factory).encode()}
        calendar = "served" if self._site.timekeeper else "real"
        loaded: dict[str, tuple[str, ...]] = {}
        program: tuple[str, ...] = ("emulator.appliance", "--state", state, "--calendar", calendar)
        if self._site.engine:
            program = (*program, "--engine", f"{state}/{ENGINE_FOLDER}")
            files |= {f"{ENGINE_FOLDER}/{name}": code for name, code in self._site.engine.items()}
        else:  # nothing of the module may be loaded before the other build is placed
            loaded = {"modules": MODULES, "later_modules": LATER_MODULES}
        plan = NodePlan(
            self.name, "appliance", program, LAB_SOCKET, files, self._sounds(), **loaded
        )
        self._backend.boot(self._lan, plan, self._plug)
        try:
            self.join()
        except NodeDown as error:
            raise NodeDown(f"{error.message}{self._last_words()}", remedy=error.remedy) from error
        status = self.ctl(["status"])
        if status["conflict"] is not None:
            return  # it stays off its address: whoever answers there is another
        for port in (SSH_PORT, WEB_PORT):
            self._await_port(status["network"]["address"], port)

    def exchange(self, spec: ApplianceSpec) -> None:
        """Put another box in its place, as it comes from the factory.

        Raises:
            LabError: it is on.
        """
        if self.running():
            raise LabError(f"{self.name} is on", remedy="power it off first")
        self._backend.discard(self._lan, self.name)
        self._spec = spec
        self._ahead = timedelta()

    def _sounds(self) -> dict[str, LargeFile]:
        """Return the files of its content, rendered while they are placed."""
        sounds, voice, placed = self._spec.sounds, Voice(), count(1)

        def pieces(sound: Sound) -> Iterator[bytes]:
            yield from voice.pieces(sound)
            done = next(placed)
            self._site.progress(f"{self.name}: {done} files placed", done / len(sounds))

        return {
            blob_path(sha256): LargeFile(sound.size, partial(pieces, sound))
            for sha256, sound in sounds.items()
        }

    def running(self) -> bool:
        """Say whether it is switched on."""
        return self._backend.running(self._lan, self.name)

    def join(self) -> None:
        """Open the control channel and wait until the appliance has booted."""
        pipe = self._backend.connect(self._lan, self.name, LAB_SOCKET)
        site = self._site
        self._link = NodeLink(
            self.name,
            pipe,
            site.timekeeper,
            site.happened,
            self._ahead,
        )
        self._link.call_limit_s = site.patience_s(CALL_LIMIT_S)
        self._link.await_ready(site.patience_s(BOOT_LIMIT_S))

    def hang_up(self) -> None:
        """Close the control channel; harmless when repeated."""
        link, self._link = self._link, None
        if link is not None:
            link.close()

    def describe(self) -> NodeInfo:
        """Return its row of `inspect`."""
        mac = self.mac
        if not self.running():
            return NodeInfo(self.name, self.address, mac, "", "", "", "", "off")
        status = self.ctl(["status"])
        address = status["network"]["address"]
        return NodeInfo(
            name=self.name,
            address=address,
            mac=mac,
            role=self.ctl(["redundancy", "status"])["role"],
            version=status["version"],
            url=f"http://{address}/",
            ssh=f"ssh {SSH_OPTIONS} root@{address}",
            health="up",
        )

    def _plug(self, cable: str, pid: int) -> None:
        self._site.switch().plug(cable, pid)

    def _last_words(self) -> str:
        lines = self._backend.log(self._lan, self.name).decode(errors="replace").splitlines()
        return f": {lines[-1].strip()}" if lines else ""

    def _linked(self) -> NodeLink:
        """Return the control channel; after a restart of the program, a new one."""
        if self._link is None:
            raise NodeDown(f"{self.name} is off", remedy="boot it first")
        if self._link.gone and self.running():
            self.hang_up()
            self.join()
        return self._link

    def _await_port(self, address: str, port: int) -> None:
        """Wait until something answers at a port.

        Raises:
            NodeDown: nothing does within the limit.
        """
        pause = threading.Event()
        for _ in range(int(BOOT_LIMIT_S / RETRY_S)):
            try:
                socket.create_connection((address, port), timeout=1).close()
            except OSError:
                pause.wait(RETRY_S)
            else:
                return
        raise NodeDown(
            f"{self.name} booted, but nothing answers at {address} port {port}",
            remedy=f"read its log: standby-lab exec {self.name} -- appliancectl log",
        )
