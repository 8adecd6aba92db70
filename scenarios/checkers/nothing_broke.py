"""Nothing on an appliance ended in a way that its program did not foresee."""

from __future__ import annotations

from scenarios.record import Record
from scenarios.verdict import Judgement, inconclusive, judged


def check(record: Record) -> Judgement:
    """Look for what the appliance calls a defect, and the module trouble."""
    if not any(event.source == "appliance" for event in record.events):
        return inconclusive("no appliance told anything")
    found = [
        *record.select("appliance", "defect"),
        *(one for one in record.select("engine", "trouble") if one.cause == "defect"),
    ]
    faults = [
        f"{one.node}: {one.event} at {one.wall_s:.3f} s: {one.detail.get('message', one.cause)}"
        for one in found
    ]
    return judged(faults, "no defect was told")
