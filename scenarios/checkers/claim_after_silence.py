"""An address is claimed only after it was asked for, and silent, for 3 s (R50, D9).

What counts is what the new holder could hear: frames in the other part of a parted LAN are
on the recording all the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from emulator.lab import Event
from scenarios.checkers.one_holder import apart
from scenarios.record import Record
from scenarios.verdict import Judgement, inconclusive, judged, not_applicable

SILENCE_S = 3.0
_SKEW_S = 0.1  # between the capture's and the history's stamps of one instant
_GAP_S = 1.0  # the engine asks four times a second; a loaded computer may lose some time


def check(record: Record) -> Judgement:
    """In the 3 s before each takeover the new holder asks, and no other box claims the address.

    What cannot cross, because a cable is out or the LAN is parted, nobody can hear.
    """
    takeovers = tuple(record.select("appliance", "takeover.committed"))
    if not takeovers:
        return not_applicable("no address was taken over")
    if not record.frames:
        return inconclusive("there is no recording of the wire")
    faults = [fault for event in takeovers for fault in _noise(record, event)]
    return judged(faults, f"{len(takeovers)} takeover(s), each after {SILENCE_S:g} s of silence")


def _noise(record: Record, takeover: Event) -> Iterator[str]:
    address = takeover.detail.get("address")
    own = record.station(takeover.node).mac
    since_s = takeover.wall_s - SILENCE_S + _SKEW_S
    for frame in record.frames:
        if (
            frame.address == address
            and frame.mac != own
            and since_s < frame.at_s < takeover.wall_s
            and _audible(record, record.name_of(frame.mac), takeover.node, frame.at_s)
        ):
            early_s = takeover.wall_s - frame.at_s
            yield f"{record.name_of(frame.mac)} still held {address} {early_s:.3f} s before"
            return
    yield from _deafness(record, takeover)
    silent = record.select("engine", "switchover.silent", node=takeover.node)
    if not any(event.number < takeover.number for event in silent):
        yield f"{takeover.node} took {address} over without having listened"


def _audible(record: Record, sender: str, listener: str, at_s: float) -> bool:
    """Whether a frame could cross between two nodes: no cable was out, and no LAN parted."""
    gaps = apart(record, sender, listener)
    return not any(since_s <= at_s <= until_s for since_s, until_s in gaps)


def _deafness(record: Record, takeover: Event) -> Iterator[str]:
    """Silence proves something only where the wire shows RFC 5227 probes all along."""
    own = record.station(takeover.node).mac
    asked = [
        frame.at_s
        for frame in record.frames
        if frame.mac == own
        and not frame.claims
        and frame.target == takeover.detail.get("address")
        and frame.at_s < takeover.wall_s
    ]
    early = [at_s for at_s in asked if at_s <= takeover.wall_s - SILENCE_S + _SKEW_S]
    watched = [*early[-1:], *(at_s for at_s in asked if at_s not in early), takeover.wall_s]
    if not early:
        yield f"{takeover.node} did not ask for the address {SILENCE_S:g} s before"
    for one, following in pairwise(watched):
        if following - one > _GAP_S:
            yield f"{takeover.node} did not ask for {following - one:.3f} s before it took over"
            return
