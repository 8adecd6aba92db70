"""Trouble with mail changes no outcome and holds nothing up (F7, M1)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from emulator.lab import Event
from scenarios.record import Record
from scenarios.verdict import Judgement, judged, not_applicable

_OUTCOMES = (
    *("attempt.failed", "run.failed", "run.refused", "trouble"),
    *("switchover.refused", "switchover.step-failed"),
)
_AT_ONCE = timedelta(minutes=1)  # the shortest pause before a mail is tried again


def check(record: Record) -> Judgement:
    """No outcome names what a mail was deferred for, and a switchover waits for no mail."""
    deferred = tuple(record.select("mail", "deferred"))
    if not deferred:
        return not_applicable("every mail was taken at once")
    causes = {one.cause for one in deferred}
    faults = [
        f"{one.node}: {one.event} because of mail ({one.cause})"
        for one in record.select("engine", *_OUTCOMES)
        if one.cause in causes
    ]
    faults += _held_up(record, deferred)
    return judged(faults, f"{len(deferred)} deferrals, and nothing but mail was late")


def _held_up(record: Record, deferred: tuple[Event, ...]) -> Iterator[str]:
    for claim in record.select("engine", "switchover.claimed"):
        if not any(one.node == claim.node for one in deferred):
            continue
        ends = record.select("engine", "switchover.finished", node=claim.node)
        end = next((one for one in ends if one.number > claim.number), None)
        if end is None:
            yield f"{claim.node}: the switchover never finished while mails were deferred"
        elif end.served - claim.served >= _AT_ONCE:
            yield f"{claim.node}: the switchover waited for mails until {end.served:%H:%M:%S}"
