"""After a switchover every telephone that was registered is back, at the new holder (R6, R52)."""

from __future__ import annotations

from scenarios.clients import returns
from scenarios.record import Record
from scenarios.verdict import Judgement, judged, not_applicable


def check(record: Record) -> Judgement:
    """Look for telephones that stayed away, or came back without the restart that they need."""
    if not record.telephones:
        return not_applicable("no phone of the drill had a user agent")
    found = [one for one in returns(record) if one.last_s is not None]
    if not found:
        return not_applicable("nobody took the address over from a box that phones knew")
    faults = [f"{one.name} never came back" for one in found if one.first_s is None]
    slowest = max((one.took_s for one in found if one.took_s is not None), default=0.0)
    restarted = sum(one.restarted_s is not None for one in found)
    text = f"{len(found)} telephones are back, {restarted} after a restart, the last in"
    return judged(faults, f"{text} {slowest:.1f} s")
