"""At any instant at most one box holds an IPv4 address (R58, D10).

Told twice: by each appliance's address events, and by what the wire says. A frame that
claims an appliance's address must come from the box that holds it just then. Boxes between
which nothing can pass, because a cable is out or the LAN is parted, are not in each other's way.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from emulator.lab import Event
from scenarios.record import Record
from scenarios.verdict import Judgement, inconclusive, judged

Span = tuple[float, float]  # (since, until) in seconds of `Event.wall_s`

_SKEW_S = 0.5  # an address event reaches the history this much after the kernel, at most
_RESTARTS = ("updated", "restarted")  # of the programs; the kernel goes on


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
    overlaps = list(_overlaps(record))
    faults = [*(text for text, _ in overlaps), *_strangers(record, holdings)]
    found = judged(faults, f"{len(holdings)} holdings and {claims} claims on the wire agree")
    return replace(found, extent_s=max((length_s for _, length_s in overlaps), default=None))


def held(record: Record) -> Iterator[Holding]:
    """Yield who held which appliance's address from when to when.

    A kernel whose programs were killed keeps its addresses; the next boot tells of those
    that nobody had told of before. One whose programs start anew keeps them on a port that is
    down meanwhile, and no boot tells of them.
    """
    killed_s: dict[str, float] = {}
    own = {station.address for station in record.appliances}
    current: dict[tuple[str, str], Holding] = {}
    pauses = set(_pauses(record))
    kept: dict[tuple[str, str], float] = {}  # and since when the port has been down
    for event in record.events:
        if event.source == "address" and event.detail.get("address") in own:
            key = (event.node, str(event.detail["address"]))
            kept.pop(key, None)
            if event.event == "added" and key not in current:
                since_s = killed_s.get(event.node, event.wall_s)
                current[key] = Holding(key[1], key[0], since_s)
            elif event.event == "removed" and key in current:
                current[key].until_s = event.wall_s
                yield current.pop(key)
        elif (event.source, event.event) == ("appliance", "booted"):
            killed_s.pop(event.node, None)
            current.update(_back(record, kept, event))
        elif (event.source, event.event, event.cause) == ("runner", "fault", "kill"):
            killed_s[event.detail["node"]] = event.wall_s
        elif _ended(event) is not None:
            dead = [key for key in current if key[0] == _ended(event)]
            for key in dead:
                current[key].until_s = event.wall_s
                if event.number in pauses:
                    kept[key] = event.wall_s
                yield current.pop(key)
    yield from current.values()


def _pauses(record: Record) -> Iterator[int]:
    """Yield the number of each `stopped` after which the kernel goes on."""
    restarting: set[str] = set()
    for event in record.select("appliance", *_RESTARTS, "stopped"):
        if event.event != "stopped":
            restarting.add(event.node)
        elif event.node in restarting:
            restarting.discard(event.node)
            yield event.number


def _back(
    record: Record, kept: dict[tuple[str, str], float], booted: Event
) -> Iterator[tuple[tuple[str, str], Holding]]:
    """Take what a box kept and has again: since the port claimed it first, at the boot at last."""
    for node, address in [key for key in kept if key[0] == booted.node]:
        down_s, mac = kept.pop((node, address)), record.station(node).mac
        claims = [
            frame.at_s
            for frame in record.frames
            if frame.claims and (frame.mac, frame.address) == (mac, address)
        ]
        back_s = [one for one in claims if one > down_s]
        yield (node, address), Holding(address, node, min([*back_s[:1], booted.wall_s]))


def _ended(event: Event) -> str | None:
    """Return the box that an event says to be without power from now on."""
    if (event.source, event.event, event.cause) == ("runner", "fault", "power-off"):
        return str(event.detail["node"])
    return event.node if (event.source, event.event) == ("appliance", "stopped") else None


def conflicts(record: Record) -> Iterator[tuple[Holding, Holding, float]]:
    """Yield two boxes that held one address on one LAN at once, and for how many seconds."""
    holdings = tuple(held(record))
    for index, one in enumerate(holdings):
        for other in holdings[index + 1 :]:
            if one.address != other.address or one.node == other.node:
                continue
            both = max(one.since_s, other.since_s), min(one.until_s, other.until_s)
            both_s = _length_s(both, list(apart(record, one.node, other.node)))
            if both_s > 0:
                yield one, other, both_s


def apart(record: Record, one: str, other: str) -> Iterator[Span]:
    """Yield when nothing crossed between two boxes: a cable was out, or the LAN parted."""
    since: dict[str, float] = {}
    for event in record.events:
        bar, begins = _bar(event, {one, other})
        if bar and begins:
            since.setdefault(bar, event.wall_s)
        elif bar in since:
            yield since.pop(bar), event.wall_s
    yield from ((begun, float("inf")) for begun in since.values())


def _bar(event: Event, both: set[str]) -> tuple[str, bool]:
    """Return what an event puts between two boxes, "" for nothing, and whether it begins."""
    if (event.source, event.event) == ("wire", "carrier") and event.node in both:
        return event.node, not event.detail["up"]
    if (event.source, event.cause) == ("runner", "parted"):
        if event.event == "fault" and len(both & set(event.detail["off"])) == 1:
            return str(event.detail["name"]), True
        if event.event == "fault.ended":
            return str(event.detail["name"]), False
    return "", False


def _length_s(both: Span, gaps: list[Span]) -> float:
    """Return how long a span lasted, what lies in gaps not counted."""
    since_s, until_s = both
    total_s, at_s = 0.0, since_s
    for gap_since_s, gap_until_s in sorted(gaps):
        total_s += max(0.0, min(gap_since_s, until_s) - at_s)
        at_s = max(at_s, gap_until_s)
    return total_s + max(0.0, until_s - at_s)


def _overlaps(record: Record) -> Iterator[tuple[str, float]]:
    for one, other, both_s in conflicts(record):
        text = f"held by {one.node} and {other.node} at once, {both_s:.3f} s"
        yield f"{one.address}: {text}", both_s


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
