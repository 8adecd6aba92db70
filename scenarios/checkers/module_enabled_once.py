"""A module is enabled on at most one appliance, and on no standby (R45, I5, D13)."""

from __future__ import annotations

from collections import defaultdict

from scenarios.record import Record
from scenarios.verdict import Judgement, inconclusive, judged


def check(record: Record) -> Judgement:
    """Compare the activations that were read at one moment."""
    moments: dict[str, dict[str, list[str]]] = {}
    faults = []
    for read in record.reads:
        if read.what == "status":
            active = [one["name"] for one in read.answer["modules"] if one["active"]]
            if read.answer.get("role") == "standby" and active:
                faults.append(
                    f"{read.moment}: {', '.join(active)} active on the standby {read.node}"
                )
            moments.setdefault(read.moment, {})[read.node] = active
    if not moments:
        return inconclusive("no modules were read")
    for moment, nodes in moments.items():
        holders: dict[str, list[str]] = defaultdict(list)
        for node, active in nodes.items():
            for module in active:
                holders[module].append(node)
        faults += [
            f"{moment}: {module} is active on {' and '.join(both)}"
            for module, both in holders.items()
            if len(both) > 1
        ]
    return judged(faults, f"looked at {len(moments)} moment(s)")
