"""The epoch of an appliance never falls, and who opens one opens a new one (D14)."""

from __future__ import annotations

from collections.abc import Iterator

from scenarios.record import Record
from scenarios.verdict import Judgement, inconclusive, judged

_OPENING = ("epoch.opened", "takeover.committed")


def check(record: Record) -> Judgement:
    """Follow each appliance's epoch through openings, takeovers, imports, restores, reads."""
    steps = sorted(_epochs(record))
    if not steps:
        return inconclusive("no epoch was recorded")
    highest: dict[str, int] = {}
    faults = []
    for _, node, epoch, where in steps:
        if where in _OPENING and epoch <= max(highest.values(), default=-1):
            faults.append(f"{node}: epoch {epoch} is not new ({where})")
        if epoch < highest.get(node, epoch):
            faults.append(f"{node}: from epoch {highest[node]} back to {epoch} ({where})")
        highest[node] = max(epoch, highest.get(node, epoch))
    return judged(faults, ", ".join(f"{node}: epoch {at}" for node, at in sorted(highest.items())))


def _epochs(record: Record) -> Iterator[tuple[int, str, int, str]]:
    for event in record.select("appliance", *_OPENING, "import.committed", "restore.committed"):
        if "epoch" in event.detail:
            yield event.number, event.node, int(event.detail["epoch"]), event.event
    for read in record.reads:
        if read.what == "status":
            yield read.number, read.node, int(read.answer["lineage"]["epoch"]), read.moment
