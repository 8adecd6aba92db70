"""Faults of a box: power, processes, disk, SSH server."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from emulator.faults import Ending, once
from emulator.lab import NotThere
from emulator.levers import CacheManner, Levers


@dataclass(frozen=True)
class PowerCut:
    """A plug that is pulled."""

    node: str
    kind: str = "power-off"

    def needs(self) -> frozenset[str]:
        """Return nothing: every lab can do it."""
        return frozenset()

    def start(self, levers: Levers) -> Ending:
        """Pull the plug; whoever switches it on again has ended the fault."""
        levers.power_off(self.node)
        return once


@dataclass(frozen=True)
class Killed:
    """Processes that end by SIGKILL, and are started again by themselves.

    Attributes:
        back_in_s: how long that takes, on the Stopwatch.
    """

    node: str
    back_in_s: float
    kind: str = "kill"

    def needs(self) -> frozenset[str]:
        """Return nothing: every lab can do it."""
        return frozenset()

    def start(self, levers: Levers) -> Ending:
        """Kill now, boot later; the Calendar stands meanwhile."""
        levers.kill(self.node)
        levers.later(self.back_in_s, lambda: levers.boot(self.node))
        return once


@dataclass(frozen=True)
class Frozen:
    """Processes that stand still; the kernel goes on."""

    node: str
    kind: str = "frozen"

    def needs(self) -> frozenset[str]:
        """Return what it takes."""
        return frozenset({"freeze"})

    def start(self, levers: Levers) -> Ending:
        """Freeze until the end."""
        levers.freeze(self.node)

        def end() -> int:
            levers.thaw(self.node)
            return 1

        return end


@dataclass(frozen=True)
class Inside:
    """Something that the appliance's own rig does (`emulator.appliance.rig`).

    Attributes:
        begin, cease: the rig's levers at the beginning and at the end; "" for none. What
            `cease` answers is how often it has acted.
        values: for `begin`.
    """

    kind: str
    node: str
    begin: str
    cease: str
    values: Mapping[str, Any] = field(default_factory=dict)

    def needs(self) -> frozenset[str]:
        """Return nothing: the rig is in every appliance."""
        return frozenset()

    def start(self, levers: Levers) -> Ending:
        """Pull the rig's lever."""
        levers.inside(self.node, self.begin, **self.values)
        if not self.cease:
            return once
        return lambda: int(levers.inside(self.node, self.cease))


@dataclass(frozen=True)
class DiskCache:
    """A disk that tears what was not synced, keeps it, or lies about syncs."""

    node: str
    manner: CacheManner

    @property
    def kind(self) -> str:
        """The cause under which the history tells of it."""
        return f"disk-{self.manner}"

    def needs(self) -> frozenset[str]:
        """Return what it takes."""
        return frozenset({"disk-cache"})

    def start(self, levers: Levers) -> Ending:
        """Let it be so; the end tells how often that mattered."""
        levers.cache(self.node, self.manner)
        return lambda: levers.cache(self.node, "well")


@dataclass(frozen=True)
class OlderDisk:
    """A box that boots from a copy of its disk.

    Attributes:
        copy: its name.
    """

    node: str
    copy: str
    kind: str = "older-disk"

    def needs(self) -> frozenset[str]:
        """Return what it takes."""
        return frozenset({"disk-copy"})

    def start(self, levers: Levers) -> Ending:
        """Exchange the disk once and for all."""
        levers.swap_disk(self.node, self.copy)
        return once


@dataclass(frozen=True)
class Damaged:
    """A stored file that is not what was written.

    Attributes:
        folder: below the state folder; the first file in order of names is damaged.
        ending: of that file's name.
        truncated: its second half is gone; else one bit in its middle is turned around.
    """

    node: str
    folder: str
    truncated: bool
    ending: str = ""
    kind: str = "damaged"

    def needs(self) -> frozenset[str]:
        """Return nothing: every lab can do it."""
        return frozenset()

    def start(self, levers: Levers) -> Ending:
        """Damage it once and for all.

        Raises:
            NotThere: there is no file.
        """
        paths = levers.paths(self.node, self.folder)
        path = next((one for one in paths if one.endswith(self.ending)), None)
        if path is None:
            raise NotThere(
                f"{self.node} has no file {self.ending} in {self.folder} that could be damaged",
                remedy="let it have one first: a user with a greeting, a backup",
            )
        content = bytearray(levers.read(self.node, path))
        if self.truncated:
            del content[len(content) // 2 :]
        else:
            content[len(content) // 2] ^= 1
        levers.write(self.node, path, bytes(content))
        return once
