"""Who took an address over does not drop it again, not even for a moment (D10)."""

from __future__ import annotations

from scenarios.record import Record
from scenarios.verdict import Judgement, judged, not_applicable


def check(record: Record) -> Judgement:
    """After a takeover the kernel of that box never reports the address as removed."""
    takeovers = tuple(record.select("appliance", "takeover.committed"))
    if not takeovers:
        return not_applicable("no address was taken over")
    faults = [
        f"{event.node}: dropped {event.detail['address']} {event.wall_s - takeover.wall_s:.3f} s "
        "after it had taken it over"
        for takeover in takeovers
        for event in record.select("address", "removed", node=takeover.node)
        if event.wall_s > takeover.wall_s
        and event.detail.get("address") == takeover.detail.get("address")
    ]
    return judged(faults, f"{len(takeovers)} address(es) taken over and kept")
