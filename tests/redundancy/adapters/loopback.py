"""What the tests know of the sshd on loopback."""

from __future__ import annotations

import socket
from dataclasses import dataclass, replace
from pathlib import Path

from redundancy.ports import StandbyAccess


@dataclass(frozen=True)
class Sshd:
    """The far side.

    Attributes:
        access: how to log in.
        folder: where `appliancectl` and the keys are.
    """

    access: StandbyAccess
    folder: Path

    def key(self, kind: str) -> str:
        """Return a host key as it is pinned."""
        name, body, *_ = (self.folder / f"{kind}.pub").read_text().split()
        return f"{name} {body}"

    def through(self, port: int) -> StandbyAccess:
        """Return the access through a relay."""
        return replace(self.access, port=port)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
