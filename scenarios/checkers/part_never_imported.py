"""An unfinished file is never imported nor offered as a backup (T10)."""

from __future__ import annotations

from scenarios.record import Record
from scenarios.verdict import Judgement, judged, not_applicable

_EVENTS = (
    "import.started",
    "import.verified",
    "import.committed",
    "backup.finished",
    "snapshot.created",
)


def check(record: Record) -> Judgement:
    """No import and no finished backup names a `.part` file."""
    named = [event for event in record.select("appliance", *_EVENTS) if event.detail.get("file")]
    if not named:
        return not_applicable("no file was imported or finished")
    faults = [
        f"{event.node}: {event.event} of {event.detail['file']}"
        for event in named
        if str(event.detail["file"]).endswith(".part")
    ]
    return judged(faults, f"{len(named)} files, all of them finished ones")
