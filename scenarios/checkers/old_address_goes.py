"""Who took an address over has given its own one up at the end (D10, F13)."""

from __future__ import annotations

from scenarios.record import Record
from scenarios.takeovers import standing
from scenarios.verdict import Judgement, inconclusive, judged, not_applicable


def check(record: Record) -> Judgement:
    """Ask the kernel's address events, and the wire: nobody answers for the old address."""
    takeovers = standing(record)
    if not takeovers:
        return not_applicable("no address was taken over for good")
    faults = []
    for takeover in takeovers:
        own = record.station(takeover.node)
        if own.address == takeover.detail.get("address"):
            continue  # it came home
        asked = record.answer(takeover.node, "who-has")
        if asked is None:
            return inconclusive(f"nobody asked at the end for the old address of {takeover.node}")
        if own.mac in asked["macs"]:
            faults.append(f"{takeover.node} still answers for its old address {own.address}")
        if not _removed(record, takeover.node, own.address, takeover.number):
            faults.append(f"{takeover.node} never gave its old address {own.address} up")
    return judged(faults, f"{len(takeovers)} takeover(s), each gave the old address up")


def _removed(record: Record, node: str, address: str, since: int) -> bool:
    changes = [
        event.event
        for event in record.select("address", "added", "removed", node=node)
        if event.detail.get("address") == address and event.number > since
    ]
    return changes[-1:] == ["removed"]
