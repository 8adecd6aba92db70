"""The last good generation outlives every attempt until its successor is verified (D8, T3)."""

from __future__ import annotations

from emulator.lab import Event
from scenarios.record import Record
from scenarios.verdict import Judgement, judged, not_applicable

_LINEAGE = ("epoch", "generation", "sha256")
_FAILURES = ("receive.failed", "import.failed", "booted")
_CHANGES = ("import.committed", "restore.committed")


def check(record: Record) -> Judgement:
    """After an attempt that failed, a standby still says that it holds its last import."""
    looked = 0
    faults = []
    for read in record.reads:
        kept = _kept(record, read.node, read.number) if read.what == "status" else None
        if kept is None:
            continue
        looked += 1
        origin = read.answer.get("origin") or {}
        if any(origin.get(key) != kept.detail.get(key) for key in _LINEAGE):
            what = f"epoch {kept.detail.get('epoch')} generation {kept.detail.get('generation')}"
            faults.append(f"{read.node}: {what} was gone after a failed attempt ({read.moment})")
    if not looked:
        return not_applicable("nobody looked at a standby after a failed attempt")
    return judged(faults, f"{looked} looks after failed attempts: the last import was there")


def _kept(record: Record, node: str, number: int) -> Event | None:
    """Return the last import before a look, if an attempt at the next one failed meanwhile."""
    before = [
        one for one in record.select("appliance", *_CHANGES, node=node) if one.number < number
    ]
    if not before or before[-1].event != "import.committed":
        return None
    since = before[-1].number
    tries = [
        one.event
        for one in record.select("appliance", "receive.started", *_FAILURES, node=node)
        if since < one.number < number
    ]
    completed = any(
        one.cause == "import-completed"
        for one in record.select("appliance", "booted", node=node)
        if since < one.number < number
    )
    failed = "receive.started" in tries and any(one in _FAILURES for one in tries)
    return before[-1] if failed and not completed else None
