"""At any instant at most one box holds an IPv4 address (R58, D10).

Told twice: by each appliance's address events, and by what the wire says. A frame that
claims an appliance's address must come from the box that holds it just then.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from emulator.lab import Event
from scenarios.record import Record
from scenarios.verdict import Judgement, inconclusive, judged

_SKEW_S = 0.5  # an address event reaches the history this much after the kernel, at most


@dataclass
class Holding:
    """A box's time with an address."""

    address: str
    node: str
    since_s: float
    until_s: float = float("inf")


def check(record: Record) -> Judgement:
    """Compare all holdings with each other, and all frames with the holdings."""
    holdings = tuple(held(record))
    if not holdings:
        return inconclusive("no address event was recorded")
    if not record.frames:
        return inconclusive("there is no recording of the wire")
    claims = sum(frame.claims for frame in record.frames)
    faults = [*_overlaps(holdings), *_strangers(record, holdings)]
    return judged(faults, f"{len(holdings)} holdings and {claims} claims on the wire agree")


def held(record: Record) -> Iterator[Holding]:
    """Yield who held which appliance's address from when to when.

    A kernel whose programs were killed keeps its addresses; the next boot tells of those
    that nobody had told of before.
    """
    killed_s: dict[str, float] = {}
    own = {station.address for station in record.appliances}
    current: dict[tuple[str, str], Holding] = {}
    for event in record.events:
        if event.source == "address" and event.detail.get("address") in own:
            key = (event.node, str(event.detail["address"]))
            if event.event == "added" and key not in current:
                since_s = killed_s.get(event.node, event.wall_s)
                current[key] = Holding(key[1], key[0], since_s)
            elif event.event == "removed" and key in current:
                current[key].until_s = event.wall_s
                yield current.pop(key)
        elif (event.source, event.event) == ("appliance", "booted"):
            killed_s.pop(event.node, None)
        elif (event.source, event.event, event.cause) == ("runner", "fault", "kill"):
            killed_s[event.detail["node"]] = event.wall_s
        elif _ended(event) is not None:
            dead = [key for key in current if key[0] == _ended(event)]
            for key in dead:
                current[key].until_s = event.wall_s
                yield current.pop(key)
    yield from current.values()


def _ended(event: Event) -> str | None:
    """Return the box that an event says to be without power from now on."""
    if (event.source, event.event, event.cause) == ("runner", "fault", "power-off"):
        return str(event.detail["node"])
    return event.node if (event.source, event.event) == ("appliance", "stopped") else None


def _overlaps(holdings: tuple[Holding, ...]) -> Iterator[str]:
    for index, one in enumerate(holdings):
        for other in holdings[index + 1 :]:
            both_s = min(one.until_s, other.until_s) - max(one.since_s, other.since_s)
            if one.address == other.address and one.node != other.node and both_s > 0:
                yield f"{one.address}: held by {one.node} and {other.node} at once, {both_s:.3f} s"


def _strangers(record: Record, holdings: tuple[Holding, ...]) -> Iterator[str]:
    own = {station.address for station in record.appliances}
    said: set[tuple[str, str]] = set()
    for frame in record.frames:
        node = record.name_of(frame.mac)
        if not frame.claims or frame.address not in own or (frame.address, node) in said:
            continue
        holds = any(
            one.address == frame.address
            and one.node == node
            and one.since_s - _SKEW_S <= frame.at_s <= one.until_s + _SKEW_S
            for one in holdings
        )
        if not holds:
            said.add((frame.address, node))
            yield f"{frame.address}: {node} claims it at {frame.at_s:.3f} s and does not hold it"
