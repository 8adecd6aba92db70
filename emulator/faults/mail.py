"""Faults of the mail server."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from emulator.faults import Ending
from emulator.levers import Levers

Manner = Literal["down", "refusing", "slow", "greylisting"]


@dataclass(frozen=True)
class MailTrouble:
    """A mail server that does not take what it gets at once.

    Attributes:
        manner: how it behaves.
        delay_s: how long a slow one takes for a message, on the Stopwatch.
    """

    manner: Manner
    delay_s: float = 0.0
    node: str = "mail"

    @property
    def kind(self) -> str:
        """The cause under which the history tells of it."""
        return f"mail-{self.manner}"

    def needs(self) -> frozenset[str]:
        """Return nothing: the sink is the lab's own."""
        return frozenset()

    def start(self, levers: Levers) -> Ending:
        """Let it behave so; the end tells how many messages met it."""
        levers.mail(self.manner, self.delay_s)
        return lambda: levers.mail("well", 0.0)
