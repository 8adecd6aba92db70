"""The faults of a drill as spans of time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from emulator.lab import Event
from scenarios.record import Record

_ARMED = "-armed"


@dataclass(frozen=True)
class FaultSpan:
    """A fault from its begin to its end, in `Event.wall_s`.

    Attributes:
        name: as the history calls it (`power-off`, `cut`).
        node: on which, or on the way to which.
        number: of the event that tells of it.
        since_s, until_s: the end of the history where nothing ended it.
    """

    name: str
    node: str
    number: int
    since_s: float
    until_s: float


def fault_spans(record: Record) -> list[FaultSpan]:
    """Return the faults in order of their begin.

    A fault of the runner lasts until the runner ends it; a power cut until the box boots.
    """
    found = [*_of_runner(record), *_on_the_wire(record)]
    return sorted(found, key=lambda fault: (fault.since_s, fault.number))


def _of_runner(record: Record) -> Iterator[FaultSpan]:
    for event in record.select("runner", "fault"):
        if event.cause.endswith(_ARMED):  # it breaks nothing before it fires; the wire tells then
            continue
        node = str(event.detail.get("node", ""))
        since_s = float(event.detail.get("began_s", event.wall_s))
        yield FaultSpan(event.cause, node, event.number, since_s, _end(record, event, node))


def _end(record: Record, began: Event, node: str) -> float:
    """Return when a fault ended: as the runner says, else with the box's next boot, else never."""
    name = began.detail.get("name")
    later = [event for event in record.events if event.number > began.number]
    ended = (
        event.wall_s
        for event in later
        if (event.event, event.detail.get("name")) == ("fault.ended", name) and name is not None
    )
    boots = (event.wall_s for event in later if event.node == node and _is_boot(event))
    return next(ended, next(boots, record.events[-1].wall_s))


def _is_boot(event: Event) -> bool:
    return (event.source, event.event) == ("appliance", "booted")


def _on_the_wire(record: Record) -> Iterator[FaultSpan]:
    for event in record.select("wire", "cut"):
        yield FaultSpan("cut", event.node, event.number, event.wall_s, event.wall_s)
