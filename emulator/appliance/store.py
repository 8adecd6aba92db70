"""What is durable: identity, content and files, opened together."""

from __future__ import annotations

from dataclasses import dataclass

from emulator.appliance.content import Blobs, Content
from emulator.appliance.identity import Identity


@dataclass(frozen=True)
class Store:
    """The durable state of a booted appliance."""

    identity: Identity
    content: Content
    blobs: Blobs
