"""The evidence is what the run wrote: no file was changed, lost, or cut since."""

from __future__ import annotations

from scenarios.record import Record
from scenarios.verdict import Judgement, inconclusive, passed


def check(record: Record) -> Judgement:
    """Compare the files with the seal, and look for gaps in the history's numbers."""
    if record.sealed is None:
        return inconclusive("the evidence was never sealed: the run did not end")
    faults = [f"{file} is not as the run wrote it" for file in record.sealed.broken]
    numbers = [event.number for event in record.events]
    gap = next((at for at, number in enumerate(numbers, 1) if at != number), None)
    if gap is not None:
        faults.append(f"events.jsonl: event {gap} is missing or out of order")
    if faults:
        return inconclusive(*faults)
    return passed(f"{record.sealed.files} files and {len(numbers)} events as the run wrote them")
