"""How a module plugs into the appliance.

A module brings its own daemon, web tabs and commands; the appliance brings everything
else. The module host (`module_host.py`) makes one from the installed package.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, BinaryIO, Literal, NamedTuple, Protocol

if TYPE_CHECKING:
    import flask

    from emulator.appliance.appliance import Appliance
    from emulator.appliance.web.frame import WebFrame

Language = Literal["de", "en"]


class Tab(NamedTuple):
    """One tab that a module brings.

    Attributes:
        path: where its blueprint serves it.
        label: in the language asked for.
        place: `module` for the module's own dialog, whose row of tabs the module draws;
            `advanced` for Admin > Erweiterte Einstellungen, whose row the frame draws (R49).
    """

    path: str
    label: str
    place: str


class Module(Protocol):
    """What the appliance asks of a module."""

    @property
    def name(self) -> str:
        """Its name, as in the entity of its configuration and in its licence."""

    @property
    def version(self) -> str:
        """Its version."""

    @property
    def running(self) -> bool:
        """Whether its daemon is at work."""

    def tabs(self, language: Language) -> Sequence[Tab]:
        """Return its tabs, in order."""

    def start(self) -> None:
        """Start its daemon; returns at once."""

    def stop(self) -> None:
        """Ask its daemon to end; returns without waiting on a clock."""

    def contested(self, address: str, mac: str) -> None:
        """Hear that another claims an address of this box; returns at once (D10)."""

    def changed(self) -> None:
        """Hear that the role, licences or content of this box changed; returns at once."""

    def blueprint(self, frame: WebFrame) -> flask.Blueprint:
        """Return its pages; they extend `frame.html`, which documents blocks and classes."""

    def command(self, argv: Sequence[str], stdin: BinaryIO) -> Mapping[str, Any]:
        """Run `appliancectl NAME ARGV`; the `result` of the answer.

        Raises:
            Refusal: see `emulator.appliance.refusal`.
        """


ModuleLoader = Callable[["Appliance"], Module]
