"""The defined downtime of a rollback: from (b) to the last phone (R58, D16)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from emulator.lab import Event
from scenarios.record import Record


@dataclass(frozen=True)
class Downtime:
    """A rollback as time passed outside, in seconds of `Event.wall_s`.

    Attributes:
        address: that went back to the original.
        left_s: the acting active gave it up (b).
        held_s: the original had it on its LAN port again; None where it never had.
        back_s: when each client was back there; clients that were not are missing.
        clients: how many watched the address.
    """

    address: str
    left_s: float
    held_s: float | None
    back_s: tuple[float, ...]
    clients: int

    @property
    def total_s(self) -> float | None:
        """From (b) to the last phone; None while one is missing."""
        if not self.clients or len(self.back_s) < self.clients:
            return None
        return max(self.back_s) - self.left_s


def measure_downtime(record: Record) -> Downtime | None:
    """Find the last rollback in a record; None where no acting active gave its address up."""
    begun = max(_begun(record), default=None)
    left = None if begun is None else _address_left(record, begun)
    if begun is None or left is None:
        return None
    address = begun[2]
    home = next((one for one in record.appliances if one.address == address), None)
    watches = [one for one in record.watches.values() if one.address == address]
    held = [
        event.wall_s
        for event in record.select("address", "added")
        if event.number > left.number and event.detail.get("address") == address
    ]
    firsts = (
        min(
            (
                at_s
                for at_s, mac in watch.answers
                if at_s > left.wall_s and home is not None and mac == home.mac
            ),
            default=None,
        )
        for watch in watches
    )
    back = tuple(at_s for at_s in firsts if at_s is not None)
    return Downtime(address, left.wall_s, held[0] if held else None, back, len(watches))


def _address_left(record: Record, begun: tuple[int, str, str]) -> Event | None:
    """Find where the acting active's port lost the address that the rollback is about.

    A box that ended in the middle of (b) has lost it with its power or its processes, and comes
    back without it.
    """
    number, node, address = begun
    later = [event for event in record.events if event.number > number]
    told = (event for event in later if _lost(event, node, address))
    ended = (event for event in reversed(later) if _ended(event, node))
    return next(told, None) or next(ended, None)


def _lost(event: Event, node: str, address: str) -> bool:
    removed = (event.source, event.event, event.node) == ("address", "removed", node)
    return removed and event.detail.get("address") == address


def _ended(event: Event, node: str) -> bool:
    crashed = event.event == "fault" and event.cause in {"power-off", "kill"}
    return crashed and event.detail.get("node") == node


def _begun(record: Record) -> Iterator[tuple[int, str, str]]:
    """Yield (when, where, address) of every rollback that has begun.

    A crash may swallow the event; then the acting active's first answer after (a) knows of it.
    A later one may come when (b) was cut off, and the address is gone already.
    """
    for event in record.select("engine", "rollback.started"):
        yield event.number, event.node, event.detail["network"]["address"]
    known = set()
    for read in record.reads:
        if read.what == "rollback":
            stands = read.answer.get("part"), read.answer["next"]
            if stands == ("acting", "readdress") and read.answer["file"] not in known:
                known.add(read.answer["file"])
                yield read.number, read.node, read.answer["address"]
