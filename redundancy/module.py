"""What a module host loads: the module "Redundanz" with its daemon, pages and commands."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, BinaryIO

from redundancy.engine import Engine
from redundancy.engine_console import EngineConsole
from redundancy.ports import Services

if TYPE_CHECKING:
    from flask import Blueprint

    from redundancy.pages import Frame, Tab
    from redundancy.pages.frame import Language


class RedundancyModule:
    """The module as an appliance knows it."""

    name = "redundanz"
    version = "0.1.0"

    def __init__(self, services: Services) -> None:
        self._engine = Engine(services)
        self._console = EngineConsole(services, self._engine)

    def start(self) -> None:
        """Start the daemon."""
        self._engine.start()

    def stop(self) -> None:
        """End the daemon at its next look."""
        self._engine.stop()

    def contested(self, address: str, mac: str) -> None:
        """Hear that another claims an address of this appliance; returns at once (D10)."""
        self._engine.contested(address, mac)

    def changed(self) -> None:
        """Hear that this appliance's role, licences or content changed; returns at once."""
        self._engine.changed()

    def command(self, argv: Sequence[str], stdin: BinaryIO) -> dict[str, Any]:
        """Carry out `appliancectl redundancy ARGV`.

        Raises:
            RedundancyError: with code, message and remedy.
        """
        from redundancy import command  # noqa: PLC0415 - argparse is not needed to boot

        return command.run(self._console, argv, stdin)

    def tabs(self, language: Language) -> Sequence[Tab]:
        """Return the tabs that the module brings (R20, R49)."""
        from redundancy.pages import tabs  # noqa: PLC0415 - flask is loaded with the pages

        return tabs(language)

    def blueprint(self, frame: Frame) -> Blueprint:
        """Return the module's pages, to be mounted into the appliance's frame (R20, R49)."""
        from redundancy.pages import blueprint  # noqa: PLC0415 - flask is loaded with the pages

        return blueprint(self._console, frame)


def load(services: Services) -> RedundancyModule:
    """Make the module over what the module host gives it."""
    return RedundancyModule(services)
