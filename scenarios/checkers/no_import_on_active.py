"""An active appliance never imports (R40, D14)."""

from __future__ import annotations

from scenarios.record import Record
from scenarios.verdict import Judgement, judged, not_applicable


def check(record: Record) -> Judgement:
    """A box that ran as the active, or took over, commits no import from then on."""
    active: dict[str, str] = {}
    faults = []
    imports = 0
    for event in record.events:
        if (event.source, event.event) == ("engine", "run.started"):
            active.setdefault(event.node, f"run {event.detail.get('run')}")
        elif (event.source, event.event) == ("appliance", "takeover.committed"):
            active[event.node] = "its takeover"
        elif (event.source, event.event) == ("appliance", "import.committed"):
            imports += 1
            if event.node in active:
                faults.append(f"{event.node}: imported although active since {active[event.node]}")
    if not imports:
        return not_applicable("nothing was imported")
    return judged(faults, f"{imports} imports, all of them on a standby")
