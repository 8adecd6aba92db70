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
from emulator.appliance.rig import Rig
from emulator.factory import parcel
from emulator.lab import ApplianceSpec, CommandRefused, LabError, NodeDown, NodeInfo, NotThere
from emulator.ports import Machine
from emulator.sim.disk import SimDisk
from emulator.sim.life import Life
from emulator.sim.machine import SimMachine
from emulator.sim.services import SimWiring
from emulator.sim.shell import Session
from emulator.sim.site import Site
from emulator.sim.survivors import Survivor
from emulator.sim.world import Gate

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

    from emulator.appliance.modules import Module

Loader = Callable[[Machine, SimWiring], "Module"]


def load_module(machine: Machine, wiring: SimWiring) -> Module:
    """Load the module Redundanz through the module host."""
    from emulator.appliance import module_host  # noqa: PLC0415 - the engine loads with the first boot

    return module_host.host(machine, wiring)


@dataclass(frozen=True)
class _Running:
    """An appliance that is on.

    Attributes:
        halts: what is to be done when it stands still at a tripwire, by number.
    """

    life: Life
    appliance: Appliance
    rig: Rig
    halts: dict[int, Callable[[], None]]


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
        self.disk = _delivered(spec)

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

    def pull(self, lever: str, values: Mapping[str, Any]) -> Any:
        """Pull a lever of its rig (`emulator.appliance.rig`); what it answers.

        Raises:
            NodeDown: the appliance is off.
        """
        running = self._on()
        return self._site.world.call(running.life, lever, lambda: running.rig.pull(lever, values))

    def at_halt(self, number: int, action: Callable[[], None]) -> None:
        """Have something done when it stands still at a tripwire; then it goes on."""
        self._on().halts[number] = action

    def break_sessions(self) -> None:
        """Break every SSH connection to it, as a TCP reset does."""
        self._site.shells[self.name].break_sessions()

    def freeze(self) -> None:
        """Let no task of it go on; its kernel does."""
        self._site.world.freeze(self._on().life)

    def thaw(self) -> None:
        """Let its tasks go on; harmless when it is off."""
        if self._running is not None:
            self._site.world.thaw(self._running.life)

    def read(self, path: str) -> bytes:
        """Read a file below the state directory, also while the appliance is off."""
        return bytes(self.disk.inode(path).cached)

    def copy(self, path: str, into: BinaryIO) -> None:
        """Write such a file to another."""
        into.write(self.read(path))

    def files(self, path: str) -> list[str]:
        """List a folder below the state directory, also while the appliance is off."""
        return self.disk.names(path)

    def power_off(self) -> None:
        """Pull the plug: what was not synced is gone, or as its disk's cache has it.

        Raises:
            NodeDown: it is off already.
        """
        self.lose_power(self.disk.cache.survivor(self.disk.pending()))

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
        self._site.exchanges.silence(self._station)
        self._site.world.end(running.life)

    def kill(self) -> None:
        """End every process at once (SIGKILL): the kernel, its cache and its addresses stay.

        A task of the node itself may call this, and dies of it; `boot` starts them again.

        Raises:
            NodeDown: it is off already.
        """
        running = self._on()
        self._running = None
        self._site.exchanges.silence(self._station)
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
            NotThere: it is on already.
            LabError: it does not come up.
        """
        if self._running is not None:
            raise NotThere(f"{self.name} is on already", remedy="power it off first")
        running = self._start()
        self._site.lan.power(self._station, on=True)
        try:
            self._site.world.call(running.life, "boot", running.appliance.boot)
        except Refusal as refusal:
            self._end(running)
            raise LabError(f"{self.name}: {refusal.message}", remedy=refusal.remedy) from refusal

    def _start(self) -> _Running:
        """Begin a life of the appliance's program; it has not booted yet."""
        self._boots += 1
        life = Life(self.name)
        box = SimMachine(self._site, life, self.disk, self._station, self._boots)
        halts: dict[int, Callable[[], None]] = {}
        rig = Rig(box, _sever, lambda number: self._stand_still(halts.pop(number)))
        appliance = Appliance(
            rig.machine,
            tap=rig.transfers.tap,
            power_off=lambda: box.start("shutdown", self._shut_down),
            restart=lambda: box.start("restart", self._restart),
            load=lambda loaded: self._load(
                rig.machine,
                SimWiring(
                    self._site,
                    life,
                    box,
                    loaded.dispatch,
                    partial(loaded.module_secret, "redundanz"),
                ),
            ),
        )
        self._running = _Running(life, appliance, rig, halts)
        self._site.shells[self.name] = box.remote_shell
        box.remote_shell.dispatch = rig.commands.through(appliance.dispatch)
        return self._running

    def exchange(self, spec: ApplianceSpec) -> None:
        """Put another box in its place, as it comes from the factory.

        Raises:
            LabError: it is on.
        """
        if self._running is not None:
            raise LabError(f"{self.name} is on", remedy="power it off first")
        self._spec = spec
        self.disk = _delivered(spec)

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

    def _stand_still(self, action: Callable[[], None]) -> None:
        """Let the running task wait until the runner has done something."""
        gate = Gate(self._site.world)

        def act() -> None:
            action()
            gate.open()

        self._site.world.later(0.0, act)
        gate.wait("what the lab does at this moment")

    def _on(self) -> _Running:
        if self._running is None:
            raise NodeDown(f"{self.name} is off", remedy="boot it first")
        return self._running

    def _shut_down(self) -> None:
        running = self._on()
        running.appliance.shutdown()
        self._end(running)

    def _restart(self) -> None:
        """End the program in order and start it anew; the box itself stays on."""
        ended = self._on()
        ended.appliance.shutdown()
        self._site.lan.power(self._station, on=True)
        begun = self._start()
        self._site.world.start(begun.life, "boot", begun.appliance.boot)
        self._site.world.end(ended.life)

    def _end(self, running: _Running) -> None:
        self._running = None
        self._site.lan.power(self._station, on=False)  # a dead box does not answer ARP
        self._site.exchanges.silence(self._station)
        self._site.world.end(running.life)


def _delivered(spec: ApplianceSpec) -> SimDisk:
    """Return the disk of a box that has just been unpacked."""
    disk = SimDisk()
    for path, pieces in parcel(spec.factory, spec.sounds):
        file = disk.create(path, 0o600)
        for piece in pieces:
            file.write(piece)
    disk.sync_all()
    return disk


def _sever(stream: BinaryIO) -> None:
    """Break the connection that a command's standard input comes over, if it is one."""
    if isinstance(stream, Session):
        stream.break_off()
