"""One appliance of a hosted lab, from outside."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import httpx

from emulator.backends import LabBackend, Lan, NodePlan
from emulator.lab import ApplianceSpec, LabError, NodeDown, NodeInfo
from emulator.nodelink import NodeLink
from emulator.stations import Orders
from emulator.timekeeper import ServedTimekeeper

LAB_SOCKET = "/run/appliance/lab.sock"
FACTORY_FILE = "factory.json"
SSH_PORT, WEB_PORT = 22, 80
BOOT_LIMIT_S = 60.0
RETRY_S = 0.01
PAGE_LIMIT_S = 60.0
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
    """

    backend: LabBackend
    lan: Lan
    switch: Callable[[], Orders]
    timekeeper: ServedTimekeeper | None
    happened: Happened


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

    def arm_cut(self, after_fraction: float, count: int) -> None:
        """Cut the next transfers into this appliance after a part of the payload."""
        self._linked().cut(after_fraction, count)

    def read(self, path: str) -> bytes:
        """Read a file below the state directory, also while the appliance is off."""
        return self._backend.read(self._lan, self.name, path)

    def files(self, path: str) -> list[str]:
        """List a folder below the state directory, also while the appliance is off."""
        return self._backend.files(self._lan, self.name, path)

    def power_off(self) -> None:
        """Pull the plug: link gone first, as a dead box does not answer ARP, then all dead."""
        if not self.running():
            raise NodeDown(f"{self.name} is off already")
        cable = self._backend.cable(self._lan, self.name)
        self._site.switch().do("switch.carrier", cable=cable, up=False)
        self._backend.power_off(self._lan, self.name)
        self.hang_up()

    def boot(self) -> None:
        """Power on; returns when it is up (SSH and pages answer).

        Raises:
            NodeDown: it does not come up; with the last words of its program.
            LabError: it is on already.
        """
        if self.running():
            raise LabError(f"{self.name} is on already", remedy="power it off first")
        state = self._backend.state_folder(self._lan, self.name)
        files = {FACTORY_FILE: json.dumps(self._spec.factory).encode()}
        calendar = "served" if self._site.timekeeper else "real"
        program = ("emulator.appliance", "--state", state, "--calendar", calendar)
        plan = NodePlan(self.name, "appliance", program, LAB_SOCKET, files)
        self._backend.boot(self._lan, plan, self._plug)
        try:
            self.join()
        except NodeDown as error:
            raise NodeDown(f"{error.message}{self._last_words()}", remedy=error.remedy) from error
        address = self.ctl(["status"])["network"]["address"]
        for port in (SSH_PORT, WEB_PORT):
            self._await_port(address, port)

    def running(self) -> bool:
        """Say whether it is switched on."""
        return self._backend.running(self._lan, self.name)

    def join(self) -> None:
        """Open the control channel and wait until the appliance has booted."""
        pipe = self._backend.connect(self._lan, self.name, LAB_SOCKET)
        self._link = NodeLink(self.name, pipe, self._site.timekeeper, self._site.happened)
        self._link.await_ready(BOOT_LIMIT_S)

    def hang_up(self) -> None:
        """Close the control channel; harmless when repeated."""
        link, self._link = self._link, None
        if link is not None:
            link.close()

    def describe(self) -> NodeInfo:
        """Return its row of `inspect`."""
        mac = str(self._spec.factory["mac"])
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
        if self._link is None:
            raise NodeDown(f"{self.name} is off", remedy="boot it first")
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
