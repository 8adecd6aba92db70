"""An import leaves what makes the standby this box untouched (D7, I4)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from scenarios.record import Record
from scenarios.verdict import Judgement, inconclusive, judged, not_applicable


def check(record: Record) -> Judgement:
    """Compare hardware id, licences, host key and network before and after the imports."""
    imported = {event.node for event in record.select("appliance", "import.committed")}
    if not imported:
        return not_applicable("nothing was imported")
    faults = []
    for node in sorted(imported):
        if any(one.detail["node"] == node for one in record.select("runner", "replaced")):
            continue  # it is another box
        before, after = record.answer(node, "status", "steady"), record.answer(node, "status")
        if before is None or after is None:
            return inconclusive(f"{node} was not read before and after its imports")
        moved = any(record.select("appliance", "takeover.committed", node=node))
        moved |= before.get("takeover") != after.get("takeover")  # a crash may swallow the event
        old, new = _identity(before, moved=moved), _identity(after, moved=moved)
        faults += [f"{node}: its {key} changed" for key in old if old[key] != new[key]]
    return judged(faults, f"{', '.join(sorted(imported))}: the same box as before")


def _identity(status: Mapping[str, Any], *, moved: bool) -> dict[str, Any]:
    """Pick what no import may change; a takeover moves the network, and only that."""
    identity = {
        "name": status["name"],
        "hardware id": status["hardware_id"],
        "licences": sorted(one["fingerprint"] for one in status["licences"]),
    }
    return identity if moved else {**identity, "network": status["network"]}
