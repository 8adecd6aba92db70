"""The one place where the appliance loads the engine, as a real appliance would.

A module gets its ports from here: the Linux adapters ship with the module; a simulated
machine brings its own (`Wiring`). Whatever the module raises leaves as a refusal.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol

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


def linux_wiring(
    appliancectl: str, interface: str, folder: str, stopwatch: Stopwatch, secret: Secret
) -> Wiring:
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
        self.machine.start(name, body)

    def report(self, event: str, cause: str, detail: Mapping[str, Any]) -> None:
        self.machine.emit("engine", event, cause, detail)


class HostedModule:
    """The module "Redundanz" as the appliance's frame and command line use it."""

    def __init__(self, module: RedundancyModule) -> None:
        self._module = module
        self.name = module.name

    def start(self) -> None:
        """Start the module's daemon."""
        self._module.start()

    def stop(self) -> None:
        """End the module's daemon."""
        self._module.stop()

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
    return HostedModule(load(_Services(machine, wiring)))
