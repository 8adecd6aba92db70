"""When an appliance was writing a backup or an archive, by its own log."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from emulator.lab import Event
from scenarios.record import Record

STARTS = ("backup.started", "archive.started")
_ENDS = {
    "backup.started": {"backup.finished", "backup.failed", "booted", "stopped"},
    "archive.started": {"archive.finished", "booted", "stopped"},
}


@dataclass(frozen=True)
class Writing:
    """A backup or an archive that is being written.

    Attributes:
        what: `backup` or `archive`.
        began, ended: numbers of events; infinite where the record ends before.
    """

    node: str
    what: str
    began: int
    ended: float

    def covers(self, event: Event) -> bool:
        """Tell whether an event of the same appliance came meanwhile."""
        return event.node == self.node and self.began < event.number < self.ended


def writings(record: Record) -> Iterator[Writing]:
    """Yield everything that was being written; a boot ends what a crash has broken off."""
    for start in record.select("appliance", *STARTS):
        ends = record.select("appliance", *_ENDS[start.event], node=start.node)
        ended = next((one.number for one in ends if one.number > start.number), float("inf"))
        yield Writing(start.node, start.event.partition(".")[0], start.number, ended)
