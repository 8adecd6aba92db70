"""How a disk treats what it was told to keep, and has not yet kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from emulator.levers import CacheManner
from emulator.sim.survivors import LEAST, Part, Survivor


@dataclass
class Cache:
    """The volatile memory between programs and platter.

    Attributes:
        manner: `well`: what was synced is there, and nothing else; `torn`: after a power cut of
            each file half of what was not synced, and each change of names; `kept`: all of it;
            `lying`: every sync says that it is done, and does nothing.
        met: how often that mattered.
    """

    manner: CacheManner = "well"
    met: int = 0

    def behave(self, manner: CacheManner) -> int:
        """Behave so from now on; how often the old manner mattered."""
        met, self.met, self.manner = self.met, 0, manner
        return met

    def syncs(self) -> bool:
        """Whether a sync does what it says."""
        lies = self.manner == "lying"
        self.met += lies
        return not lies

    def survivor(self, pending: Sequence[Sequence[Part]]) -> Survivor:
        """Return what a power cut leaves of each pending change (`SimDisk.pending`)."""
        if self.manner not in {"torn", "kept"}:
            return LEAST
        self.met += bool(pending)
        if self.manner == "kept":
            return Survivor(tuple(parts[-1] for parts in pending))
        return Survivor(tuple(Part.HALF if Part.HALF in one else one[-1] for one in pending))
