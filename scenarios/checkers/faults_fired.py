"""Every fault that the drill set up has fired; else the drill showed nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from emulator.lab import Event
from scenarios.models.faults import CutTransfer, FlipBit
from scenarios.record import Record
from scenarios.verdict import Judgement, inconclusive, not_applicable, passed

_COUNTED = {"cut-armed", "flip-armed"}  # each by events of the appliance


def check(record: Record) -> Judgement:
    """Look for what shows that each fault acted, and that each moment came."""
    if record.plan.scenario.manner == "exploring":
        return not_applicable("what the faults of an exploring drill meet is left to chance")
    planned = _planned(record)
    begun = list(record.select("runner", "fault"))
    armed = list(record.select("runner", "fault.armed"))
    told = [one for one in begun if one.cause in _COUNTED or "name" in one.detail]
    if not told and not armed and not any(planned.values()):
        return not_applicable("the drill sets no fault up that could fail to fire")
    idle = [*_unreached(armed, begun), *_uncounted(record, planned), *_unfired(record, told)]
    if idle:
        return inconclusive(*idle)
    where = [
        f"{event.event} at byte {event.detail.get('byte', '?')}"
        for event in record.select("wire", *planned)
    ]
    return passed(", ".join([f"{len(told)} fault(s) acted", *where]))


def _unreached(armed: list[Event], begun: list[Event]) -> Iterator[str]:
    missing = Counter(one.cause for one in armed) - Counter(one.cause for one in begun)
    for kind, count in missing.items():
        yield f"{kind}: {count} moment(s) never came"


def _planned(record: Record) -> Mapping[str, int]:
    """Return how many transfers the scenario wants to be cut and falsified."""
    steps = record.plan.scenario.whole
    return {
        "cut": sum(one.cut_transfer.count for one in steps if isinstance(one, CutTransfer)),
        "flipped": sum(one.flip_bit.count for one in steps if isinstance(one, FlipBit)),
    }


def _uncounted(record: Record, planned: Mapping[str, int]) -> Iterator[str]:
    for name, wanted in planned.items():
        done = len(tuple(record.select("wire", name)))
        if done < wanted:
            yield f"{done} of {wanted} transfers were {name}"


def _unfired(record: Record, told: list[Event]) -> Iterator[str]:
    fired = {one.detail["name"] for one in record.select("runner", "fault.fired")}
    for one in told:
        if one.cause not in _COUNTED and one.detail["name"] not in fired:
            yield f"{one.cause} ({one.detail['name']}) met nothing"
