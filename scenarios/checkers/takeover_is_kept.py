"""Who took an address over keeps it, until a person has it given up in a rollback (D10, R57)."""

from __future__ import annotations

from emulator.lab import Event
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
        and not _given_up(record, takeover, event)
        and not _unplugged(record, event)
        and event.detail.get("address") == takeover.detail.get("address")
    ]
    return judged(faults, f"{len(takeovers)} address(es) taken over and kept")


def _given_up(record: Record, takeover: Event, removal: Event) -> bool:
    """Whether a person had ordered step (b) on that box in between."""
    return any(
        takeover.number < asked.number < removal.number
        and asked.detail.get("step") == "readdress"
        and asked.detail.get("by")
        for asked in record.select("engine", "rollback.asked", node=takeover.node)
    )


def _unplugged(record: Record, removal: Event) -> bool:
    """Whether its cable was out: a box that looks before it takes an address drops it then."""
    told = [
        one.detail["up"]
        for one in record.select("wire", "carrier", node=removal.node)
        if one.number < removal.number
    ]
    return told[-1:] == [False]
