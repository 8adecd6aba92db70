"""A node between power-on and power-off, and what is left of it afterwards: nothing."""

from __future__ import annotations

from greenlet import GreenletExit


class PowerLost(GreenletExit):
    """Raised by every port of a node that is dead; ends what is left of its tasks."""


class Life:
    """A node between power-on and power-off; its ports work as long as it lasts.

    Attributes:
        node: whose life it is.
        alive: becomes False once and for ever.
        frozen: its programs stand still; its kernel goes on.
    """

    def __init__(self, node: str) -> None:
        self.node = node
        self.alive = True
        self.frozen = False

    def check(self) -> None:
        """Do nothing while alive.

        Raises:
            PowerLost: the node is dead; nothing of it may act any more, not even the
                clean-up code that the end of its tasks sets going.
        """
        if not self.alive:
            raise PowerLost
