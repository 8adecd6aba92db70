"""After a takeover the modules are active as they were on the active (D13, F14)."""

from __future__ import annotations

from scenarios.record import Record
from scenarios.takeovers import standing
from scenarios.verdict import Judgement, inconclusive, judged, not_applicable

_RESTS = "redundanz"


def check(record: Record) -> Judgement:
    """Compare the activations; the module Redundanz itself rests, until it is configured anew."""
    takeovers = standing(record)
    takers = {one.node for one in takeovers}
    if not takers:
        return not_applicable("no address was taken over for good")
    faults = []
    for node in sorted(takers):
        after = record.answer(node, "status")
        others = [one.name for one in record.appliances if one.name != node]
        before = record.answer(others[0], "status", "steady") if others else None
        if before is None or after is None:
            return inconclusive(
                f"the modules before and after the takeover of {node} were not read"
            )
        wanted = {one["name"]: one["active"] for one in before["modules"]}
        now = {one["name"]: one["active"] for one in after["modules"]}
        faults += [
            f"{node}: {name} is {_word(now.get(name))}, on {others[0]} it was {_word(active)}"
            for name, active in wanted.items()
            if name != _RESTS and now.get(name) != active
        ]
        since = max(one.number for one in takeovers if one.node == node)
        anew = record.select("engine", "configured", node=node)
        if now.get(_RESTS) and not any(one.number > since for one in anew):
            faults.append(f"{node}: {_RESTS} is active, and should rest")
    return judged(faults, f"{', '.join(sorted(takers))}: modules as they were on the active")


def _word(active: bool | None) -> str:  # noqa: FBT001 - an answer that is put into words
    return "missing" if active is None else "active" if active else "inactive"
