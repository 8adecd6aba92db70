"""Faults: what goes wrong on purpose, composed of the levers that every lab has.

A fault acts where reality does: on frames in the kernel, on processes, on the SSH server, on
a disk, on the mail sink. Adding one is a class here and a verb in `scenarios.models.faults`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from emulator.levers import Levers

Ending = Callable[[], int]
"""Undoes a fault; how often it has acted until then."""


class Fault(Protocol):
    """Something that goes wrong."""

    @property
    def kind(self) -> str:
        """The cause under which the history tells of it."""

    @property
    def node(self) -> str:
        """Whom it befalls: an appliance, `mail`, or `lan`."""

    def needs(self) -> frozenset[str]:
        """Return the abilities of a lab that it takes (`Levers.lacks`)."""

    def start(self, levers: Levers) -> Ending:
        """Let it begin.

        Raises:
            LabError: it cannot be done here.
        """


def once() -> int:
    """Undo nothing, of a fault that acted once and for all."""
    return 1
