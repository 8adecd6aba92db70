"""From the end of one attempt to the start of the next lie five minutes (R24, D1)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from emulator.lab import Event
from scenarios.record import Record
from scenarios.verdict import Judgement, judged, not_applicable

WAIT = timedelta(minutes=5)
_SERVED_SLACK = timedelta(seconds=1)
_REAL_SLACK = timedelta(seconds=5)


@dataclass(frozen=True)
class Wait:
    """What lies between the failure of an attempt and the start of the next.

    Attributes:
        node, run: whose, and in which run.
        gap: how long it was on the Calendar.
        excess: how much later than R24 has it the next attempt began, what the box was off or
            stood still not counted: it cannot begin anything then.
    """

    node: str
    run: int
    gap: timedelta
    excess: timedelta


def check(record: Record) -> Judgement:
    """Measure every wait on the Calendar."""
    found = tuple(waits(record))
    if not found:
        return not_applicable("no run made a second attempt")
    slack = _REAL_SLACK if record.plan.real_time else _SERVED_SLACK
    faults = [
        f"{one.node}: {one.gap.total_seconds():g} s between two attempts of run {one.run}"
        for one in found
        if one.gap < WAIT or one.excess > slack
    ]
    return judged(faults, f"{len(found)} wait(s) of {WAIT.total_seconds():g} s")


def waits(record: Record) -> Iterator[Wait]:
    """Yield the wait before each second attempt."""
    ended: dict[tuple[str, int], Event] = {}
    for event in record.select("engine", "attempt.failed", "attempt.started"):
        run = int(event.detail["run"])
        if event.event == "attempt.failed":
            ended[event.node, run] = event
        elif (event.node, run) in ended:
            failed = ended.pop((event.node, run))
            back = [_due(record, one, event) for one in _returns(record, failed, event)]
            due = max([failed.served + WAIT, *back])
            yield Wait(event.node, run, event.served - failed.served, event.served - due)


def _returns(record: Record, failed: Event, started: Event) -> Iterator[Event]:
    """Yield when the box came back in a wait: by a boot, or because it stood still no more."""
    for one in record.events[: started.number]:
        booted = (one.source, one.event, one.node) == ("appliance", "booted", failed.node)
        thawed = (one.source, one.event, one.cause) == ("runner", "fault.ended", "frozen")
        if one.number > failed.number and (
            booted or (thawed and one.detail.get("node") == failed.node)
        ):
            yield one


def _due(record: Record, back: Event, started: Event) -> datetime:
    """Return when an attempt is due at the latest on a box that has come back.

    It knows the end of its wait by its own clock; where that was set, it waits no more than
    five minutes anew.
    """
    turned = any(
        one.detail["node"] == back.node and one.number < started.number
        for one in record.select("runner", "clock.set")
    )
    return back.served + WAIT if turned else back.served
