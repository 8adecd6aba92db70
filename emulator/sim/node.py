"""One simulated appliance, from outside (`emulator.lab.ApplianceNode`)."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, BinaryIO

import httpx

from emulator.appliance.appliance import Appliance
from emulator.appliance.refusal import Refusal
from emulator.lab import ApplianceSpec, CommandRefused, LabError, NodeDown, NodeInfo
from emulator.sim.disk import SimDisk
from emulator.sim.life import Life
from emulator.sim.machine import SimMachine
from emulator.sim.services import SimWiring
from emulator.sim.shell import Session
from emulator.sim.site import Site
from emulator.sim.survivors import LEAST, Survivor

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

    from emulator.appliance.modules import Module

FACTORY_FILE = "factory.json"

Loader = Callable[[SimMachine, SimWiring], "Module"]


def load_module(machine: SimMachine, wiring: SimWiring) -> Module:
    """Load the module Redundanz through the module host."""
    from emulator.appliance import module_host  # noqa: PLC0415 - the engine loads with the first boot

    return module_host.host(machine, wiring)


@dataclass(frozen=True)
class _Running:
    """An appliance that is on."""

    life: Life
    appliance: Appliance


class SimNode:
    """Boots, reaches and kills one appliance.

    Args:
        site: where it stands.
        spec: its name and factory settings.
        browse: makes a browser for a base URL.
        load: makes the module that its appliance hosts.
    """

    def __init__(
        self,
        site: Site,
        spec: ApplianceSpec,
        browse: Callable[[str], httpx.Client],
        load: Loader = load_module,
    ) -> None:
        self._site = site
        self._spec = spec
        self._browse = browse
        self._load = load
        self._boots = 0
        self._running: _Running | None = None
        self._station = site.lan.station(spec.name, self.mac)
        site.lan.power(self._station, on=False)
        self.disk = SimDisk()
        factory = self.disk.create(FACTORY_FILE, 0o600)
        factory.write(json.dumps(spec.factory).encode())
        factory.sync()
        self.disk.sync_dir("")

    @property
    def name(self) -> str:
        """Its identity."""
        return self._spec.name

    @property
    def mac(self) -> str:
        """Its MAC from the factory."""
        return str(self._spec.factory["mac"])

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
        running = self._on()
        answer = self._site.world.call(
            running.life,
            f"ctl {' '.join(argv[:2])}",
            lambda: json.dumps(running.appliance.dispatch(list(argv), io.BytesIO(stdin))),
        )
        parsed = json.loads(answer)
        if not parsed["ok"]:
            error = parsed["error"]
            raise CommandRefused(error["code"], error["message"], error.get("remedy", ""))
        result: Mapping[str, Any] = parsed["result"]
        return result

    def browser(self, address: str | None = None) -> httpx.Client:
        """Return an HTTP client for the pages at an address, by default the factory's."""
        return self._browse(f"http://{address or self.address}")

    def arm_cut(self, after_fraction: float, count: int) -> None:
        """Cut the next transfers into this appliance after a part of the payload."""
        self._on().appliance.arm_cut(after_fraction, count)

    def read(self, path: str) -> bytes:
        """Read a file below the state directory, also while the appliance is off."""
        return bytes(self.disk.inode(path).cached)

    def files(self, path: str) -> list[str]:
        """List a folder below the state directory, also while the appliance is off."""
        return self.disk.names(path)

    def power_off(self) -> None:
        """Pull the plug: what was not synced is gone.

        Raises:
            NodeDown: it is off already.
        """
        self.lose_power(LEAST)

    def lose_power(self, survivor: Survivor) -> None:
        """Lose the power; of what was not synced a part is left.

        A task of the node itself may call this, and dies of it.

        Raises:
            NodeDown: it is off already.
        """
        running = self._on()
        self._running = None
        self._site.lan.power(self._station, on=False)  # a dead box does not answer ARP
        self.disk.power_cut(survivor)
        self._site.world.end(running.life)

    def kill(self) -> None:
        """End every process at once (SIGKILL): the kernel, its cache and its addresses stay.

        A task of the node itself may call this, and dies of it; `boot` starts them again.

        Raises:
            NodeDown: it is off already.
        """
        running = self._on()
        self._running = None
        self._site.world.end(running.life)

    def await_off(self) -> None:
        """Wait until an appliance that shuts down has ended.

        Raises:
            LabError: it does not end.
        """
        self._site.world.quiet()
        if self._running is not None:
            raise LabError(f"{self.name} does not shut down", remedy="power it off")

    def boot(self) -> None:
        """Power on; returns when it is up.

        Raises:
            LabError: it is on already, or does not come up.
        """
        if self._running is not None:
            raise LabError(f"{self.name} is on already", remedy="power it off first")
        self._boots += 1
        life = Life(self.name)
        machine = SimMachine(self._site, life, self.disk, self._station, self._boots)
        appliance = Appliance(
            machine,
            sever=_sever,
            power_off=lambda: machine.start("shutdown", self._shut_down),
            load=lambda loaded: self._load(
                machine,
                SimWiring(
                    self._site,
                    life,
                    machine,
                    loaded.dispatch,
                    partial(loaded.module_secret, "redundanz"),
                ),
            ),
        )
        running = _Running(life, appliance)
        self._running = running
        self._site.lan.power(self._station, on=True)
        self._site.shells[self.name] = machine.remote_shell
        machine.remote_shell.dispatch = appliance.dispatch
        try:
            self._site.world.call(life, "boot", appliance.boot)
        except Refusal as refusal:
            self._end(running)
            raise LabError(f"{self.name}: {refusal.message}", remedy=refusal.remedy) from refusal

    def running(self) -> bool:
        """Say whether it is switched on."""
        return self._running is not None

    def pages(self) -> tuple[Life, WSGIApplication] | None:
        """Return the appliance's life and its pages, None while it serves none."""
        running = self._running
        return None if running is None else (running.life, running.appliance.web)

    def describe(self) -> NodeInfo:
        """Return its row of `inspect`."""
        if self._running is None:
            return NodeInfo(self.name, self.address, self.mac, "", "", "", "", "off")
        status = self.ctl(["status"])
        address = status["network"]["address"]
        return NodeInfo(
            name=self.name,
            address=address,
            mac=self.mac,
            role=status["role"],
            version=status["version"],
            url=f"http://{address}/",
            ssh="",
            health="up",
        )

    def _on(self) -> _Running:
        if self._running is None:
            raise NodeDown(f"{self.name} is off", remedy="boot it first")
        return self._running

    def _shut_down(self) -> None:
        running = self._on()
        running.appliance.shutdown()
        self._end(running)

    def _end(self, running: _Running) -> None:
        self._running = None
        self._site.lan.power(self._station, on=False)  # a dead box does not answer ARP
        self._site.world.end(running.life)


def _sever(stream: BinaryIO) -> None:
    """Break the connection that a command's standard input comes over, if it is one."""
    if isinstance(stream, Session):
        stream.break_off()
