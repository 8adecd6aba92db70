"""A takeover adopts the network settings of the active, all of them (R51, D10, F13)."""

from __future__ import annotations

from scenarios.record import Record
from scenarios.takeovers import standing
from scenarios.verdict import Judgement, inconclusive, judged, not_applicable


def check(record: Record) -> Judgement:
    """Compare the new holder's settings at the end with the old one's at the beginning."""
    takeovers = {one.node: one for one in standing(record)}
    if not takeovers:
        return not_applicable("no address was taken over for good")
    faults = []
    for node, takeover in takeovers.items():
        address = takeover.detail.get("address")
        home = next((one.name for one in record.appliances if one.address == address), None)
        after = record.answer(node, "status")
        before = None if home is None else record.answer(home, "status", "steady")
        if before is None or after is None:
            return inconclusive(f"the network settings before and after {node}'s were not read")
        old, new = before["network"], after["network"]
        faults += [
            f"{node}: its {key} is {new.get(key)}, that of {home} was {old[key]}"
            for key in sorted(old)
            if new.get(key) != old[key]
        ]
    return judged(faults, f"{', '.join(takeovers)}: every network setting was taken over")
