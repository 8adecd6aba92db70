"""An address is claimed only after it was silent for 3 s (R50, D9)."""

from __future__ import annotations

from collections.abc import Iterator

from emulator.lab import Event
from scenarios.record import Record
from scenarios.verdict import Judgement, inconclusive, judged, not_applicable

SILENCE_S = 3.0
_SKEW_S = 0.1  # between the capture's and the history's stamps of one instant


def check(record: Record) -> Judgement:
    """No frame of another box claims the address in the 3 s before each takeover."""
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
        if frame.address == address and frame.mac != own and since_s < frame.at_s < takeover.wall_s:
            early_s = takeover.wall_s - frame.at_s
            yield f"{record.name_of(frame.mac)} still held {address} {early_s:.3f} s before"
            return
    silent = record.select("engine", "switchover.silent", node=takeover.node)
    if not any(event.number < takeover.number for event in silent):
        yield f"{takeover.node} took {address} over without having listened"
