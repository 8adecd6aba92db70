"""What a drill does to an appliance's disk as a whole; only a simulated disk can do it."""

from __future__ import annotations

from typing import Literal

from scenarios.models.base import Fault, Name, Node, Strict


class Caching(Fault):
    """Whose disk, and how it treats what is not durable.

    Attributes:
        is_: after a power cut `torn` leaves half of each file's new bytes, and `kept` all;
            `lying`: it says that all is durable, and keeps nothing until it is healed.
    """

    of: Node
    is_: Literal["torn", "kept", "lying"]


class DiskCache(Strict):
    """Let a disk tear, keep, or lie about what a power cut takes (I3, I4)."""

    disk_cache: Caching


class Copying(Strict):
    """Whose disk is copied, and what the copy is called."""

    of: Node
    as_: Name


class CopyDisk(Strict):
    """Keep a copy of what is durable on an appliance's disk now."""

    copy_disk: Copying


class Swapping(Strict):
    """Whose disk is exchanged, and for which copy."""

    of: Node
    to: Name


class SwapDisk(Strict):
    """Put a copy of its disk into an appliance that is off, as after a botched repair (I4)."""

    swap_disk: Swapping
