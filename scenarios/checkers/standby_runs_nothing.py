"""A standby starts no run, however intact the schedule is that it was given (R45, I5)."""

from __future__ import annotations

from scenarios.record import Record
from scenarios.verdict import Judgement, judged, not_applicable


def check(record: Record) -> Judgement:
    """A box is a standby from its import on, until it opens an epoch of its own."""
    standbys: set[str] = set()
    faults = []
    imports = 0
    for event in record.events:
        match (event.source, event.event):
            case ("appliance", "import.committed"):
                standbys.add(event.node)
                imports += 1
            case ("appliance", "takeover.committed" | "epoch.opened"):
                standbys.discard(event.node)
            case ("engine", "run.started") if event.node in standbys:
                faults.append(f"{event.node}: run {event.detail.get('run')} of a standby")
    if not imports:
        return not_applicable("no box was a standby")
    return judged(faults, "no run of a standby")
