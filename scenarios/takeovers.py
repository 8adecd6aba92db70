"""Takeovers that still stand at the end: those that no rollback has undone."""

from __future__ import annotations

from emulator.lab import Event
from scenarios.record import Record


def standing(record: Record) -> tuple[Event, ...]:
    """Return the takeovers whose box was not readdressed for good by a rollback (R57 b)."""
    return tuple(
        takeover
        for takeover in record.select("appliance", "takeover.committed")
        if not _undone(record, takeover)
    )


def _undone(record: Record, takeover: Event) -> bool:
    """Whether the box gave the address up, and did not get it back by abandoning that."""
    turns = [
        event.event
        for event in record.select("engine", "rollback.step", "rollback.abandoned")
        if event.node == takeover.node
        and event.number > takeover.number
        and (event.event == "rollback.abandoned" or event.cause == "readdress")
    ]
    # A crash may swallow the event; then the module's own view has the step among those done.
    view = record.answer(takeover.node, "rollback") or {}
    return turns[-1:] == ["rollback.step"] or "readdress" in view.get("done", ())
