"""The one place where the appliance loads the engine, as a real appliance would.

A module gets its ports from here: the Linux adapters ship with the module; a simulated
machine brings its own (`Wiring`). Whatever the module raises leaves as a refusal.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol

from emulator.appliance.crash_point import CrashPoint
from emulator.appliance.modules import Tab
from emulator.appliance.refusal import Refusal
from emulator.ports import Machine
from redundancy.errors import RedundancyError
from redundancy.module import RedundancyModule, load
from redundancy.ports import Addresses, Calendar, Channel, Stopwatch, Store, Transport

if TYPE_CHECKING:
    from flask import Blueprint

    from redundancy.pages.frame import Frame, Language


MODULE = "redundanz"
Secret = Callable[[str], str]


class Wiring(Protocol):
    """The ports of a module that lead out of its box."""

    @property
    def local(self) -> Channel:
        """The contract of the appliance that the module runs on."""

    @property
    def transport(self) -> Transport:
        """SSH to the other appliance."""

    @property
    def addresses(self) -> Addresses:
        """The LAN."""

    @property
    def store(self) -> Store:
        """The module's own folder."""

    @property
    def secret(self) -> Secret:
        """Returns a secret of the module's configuration (D15)."""


@dataclass(frozen=True)
class LinuxWiring:
    """The module's own adapters."""

    secret: Secret
    local: Channel
    transport: Transport
    addresses: Addresses
    store: Store


class WatchedStore:
    """The module's own folder; whoever watches it may end the node at any line of the journal."""

    def __init__(self, store: Store, crash_point: CrashPoint) -> None:
        self._store = store
        self._crash_point = crash_point

    def append(self, name: str, line: str) -> None:
        """Append one line and make it durable."""
        with self._crash_point.around("journal", str(json.loads(line)["event"])):
            self._store.append(name, line)

    def lines(self, name: str) -> list[str]:
        """Return the lines of a file."""
        return self._store.lines(name)

    def open(self, path: str) -> BinaryIO:
        """Open a file for reading."""
        return self._store.open(path)


def linux_wiring(
    appliancectl: str, interface: str, folder: str, stopwatch: Stopwatch, secret: Secret
) -> LinuxWiring:
    """Return the adapters for an appliance on a real kernel.

    Args:
        appliancectl: the program that speaks the contract on this box.
        interface: the LAN port.
        folder: the module's own folder.
        stopwatch: of the machine.
        secret: returns a secret of the module's configuration.
    """
    from redundancy.adapters.addresses import RawAddresses  # noqa: PLC0415 - not used in `sim`
    from redundancy.adapters.local import LocalChannel  # noqa: PLC0415 - not used in `sim`
    from redundancy.adapters.ssh import SshTransport  # noqa: PLC0415 - not used in `sim`
    from redundancy.adapters.store import FileStore  # noqa: PLC0415 - not used in `sim`

    return LinuxWiring(
        secret,
        LocalChannel(appliancectl),
        SshTransport(),
        RawAddresses(interface, stopwatch),
        FileStore(folder),
    )


@dataclass(frozen=True)
class _Services:
    """Fulfils `redundancy.ports.Services` from a machine and a wiring."""

    machine: Machine
    wiring: Wiring
    at_work: set[str] = field(default_factory=set)  # names of its threads

    @property
    def calendar(self) -> Calendar:
        return self.machine.calendar

    @property
    def stopwatch(self) -> Stopwatch:
        return self.machine.stopwatch

    @property
    def local(self) -> Channel:
        return self.wiring.local

    @property
    def transport(self) -> Transport:
        return self.wiring.transport

    @property
    def addresses(self) -> Addresses:
        return self.wiring.addresses

    @property
    def store(self) -> Store:
        return self.wiring.store

    def secret(self, field: str) -> str:
        return self.wiring.secret(field)

    def start(self, name: str, body: Callable[[], None]) -> None:
        def work() -> None:
            try:
                body()
            finally:
                self.at_work.discard(name)

        self.at_work.add(name)
        self.machine.start(name, work)

    def report(self, event: str, cause: str, detail: Mapping[str, Any]) -> None:
        self.machine.emit("engine", event, cause, detail)


class HostedModule:
    """The module "Redundanz" as the appliance's frame and command line use it."""

    def __init__(self, module: RedundancyModule, services: _Services) -> None:
        self._module = module
        self._services = services
        self.name = module.name
        self.version = module.version

    @property
    def running(self) -> bool:
        """Whether a thread of the module is at work."""
        return bool(self._services.at_work)

    def start(self) -> None:
        """Start the module's daemon."""
        self._module.start()

    def stop(self) -> None:
        """End the module's daemon."""
        self._module.stop()

    def contested(self, address: str, mac: str) -> None:
        """Tell the module that another claims an address of this box."""
        self._module.contested(address, mac)

    def changed(self) -> None:
        """Tell the module that this box may be another than it was."""
        self._module.changed()

    def tabs(self, language: Language) -> Sequence[Tab]:
        """Return the module's tabs."""
        return [Tab(*one) for one in self._module.tabs(language)]

    def blueprint(self, frame: Frame) -> Blueprint:
        """Return the module's pages."""
        return self._module.blueprint(frame)

    def command(self, argv: Sequence[str], stdin: BinaryIO) -> dict[str, Any]:
        """Carry out a command of the module.

        Raises:
            Refusal: the module declined.
        """
        try:
            return self._module.command(argv, stdin)
        except RedundancyError as error:
            raise Refusal(error.code, error.message, error.remedy) from error


def host(machine: Machine, wiring: Wiring) -> HostedModule:
    """Load the module and give it its ports."""
    services = _Services(machine, wiring)
    return HostedModule(load(services), services)
