"""The defined downtime of a rollback: from (b) to the last phone (R58, D16)."""

from __future__ import annotations

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
    left = _address_left(record)
    if left is None:
        return None
    address = str(left.detail["address"])
    home = next((one for one in record.appliances if one.address == address), None)
    watches = [one for one in record.pings.values() if one.address == address]
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


def _address_left(record: Record) -> Event | None:
    """Find where the acting active's port lost the address that the rollback is about."""
    begun = list(record.select("engine", "rollback.started"))
    if not begun:
        return None
    address = begun[-1].detail["network"]["address"]
    return next(
        (
            event
            for event in record.select("address", "removed", node=begun[-1].node)
            if event.number > begun[-1].number and event.detail.get("address") == address
        ),
        None,
    )
