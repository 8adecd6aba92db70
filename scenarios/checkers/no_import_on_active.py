"""An active appliance never imports, but from a later active than it was (R40, D14)."""

from __future__ import annotations

from scenarios.record import Record
from scenarios.verdict import Judgement, judged, not_applicable


def check(record: Record) -> Judgement:
    """A box that held an epoch commits no import from then on, unless of a later epoch."""
    active: dict[str, tuple[int, str]] = {}
    faults = []
    imports = 0
    for event in record.events:
        if (event.source, event.event) == ("engine", "run.started"):
            epoch = int(event.detail.get("epoch", 1))
            active.setdefault(event.node, (epoch, f"run {event.detail.get('run')}"))
        elif (event.source, event.event) == ("appliance", "takeover.committed"):
            active[event.node] = (int(event.detail["epoch"]), "its takeover")
        elif (event.source, event.event) == ("appliance", "epoch.opened"):
            active[event.node] = (int(event.detail["epoch"]), "its epoch")
        elif (event.source, event.event) == ("appliance", "import.committed"):
            imports += 1
            epoch, since = active.get(event.node, (-1, ""))
            if int(event.detail.get("epoch", 0)) <= epoch:
                faults.append(f"{event.node}: imported although active since {since}")
    if not imports:
        return not_applicable("nothing was imported")
    return judged(faults, f"{imports} imports, none on an active")
