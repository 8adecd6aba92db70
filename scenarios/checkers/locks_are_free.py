"""At the end nothing is being written, received or imported (T4, T15)."""

from __future__ import annotations

from scenarios.record import Record
from scenarios.verdict import Judgement, inconclusive, judged


def check(record: Record) -> Judgement:
    """Ask what each appliance that runs at the end says it is busy with."""
    answers = [(one.name, record.answer(one.name, "status")) for one in record.appliances]
    read = [(node, status) for node, status in answers if status is not None]
    if not read:
        return inconclusive("no appliance was asked at the end")
    faults = [
        f"{node}: still busy with {work}"
        for node, status in read
        for work, busy in status["busy"].items()
        if busy
    ]
    return judged(faults, f"{', '.join(node for node, _ in read)}: nothing under way")
