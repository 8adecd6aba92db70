"""The module's address is told of what must be told, once each (D5, R26, R27)."""

from __future__ import annotations

from collections import Counter

from emulator.lab import Event
from scenarios.record import Record
from scenarios.setup import MODULE_ADDRESS
from scenarios.verdict import Judgement, failed, not_applicable, passed

_TOLD = (
    *("run.failed", "run.refused", "switchover.finished", "switchover.refused"),
    "rollback.refused",
)
_ANSWERED = {"out-of-order", "wrong-appliance", "nothing-to-abandon"}  # to the person, no failure


def check(record: Record) -> Judgement:
    """Compare the messages to the module's address with what happened on running appliances."""
    events = [one for one in record.select("engine", *_TOLD) if _is_due(record, one)]
    due = [f"{one.event} on {one.node}" for one in events] + _recoveries(record)
    ids = {mail.message_id for mail in record.mails if MODULE_ADDRESS in mail.recipients}
    if not due and not ids:
        return not_applicable("nothing happened that must be told")
    counted = Counter(due)
    text = ", ".join(f"{count} x {what}" for what, count in counted.items()) or "nothing to tell"
    right = len(ids) == len(due)
    return (passed if right else failed)(f"{MODULE_ADDRESS} got {len(ids)} messages: {text}")


def _is_due(record: Record, event: Event) -> bool:
    return event.cause not in _ANSWERED and _could_tell(record, event)


def _could_tell(record: Record, event: Event) -> bool:
    """Whether the box still ran at the end, when every queued mail was waited for."""
    cuts = record.select("runner", "fault")
    return not any(
        cut.cause == "power-off"
        and cut.detail.get("node") == event.node
        and cut.number > event.number
        for cut in cuts
    )


def _recoveries(record: Record) -> list[str]:
    """Return each success after a run that had failed."""
    bad: set[str] = set()
    found = []
    for event in record.select("engine", "run.failed", "run.refused", "run.succeeded"):
        if event.event != "run.succeeded":
            bad.add(event.node)
        elif event.node in bad:
            bad.discard(event.node)
            if _could_tell(record, event):
                found.append(f"first success after a failure on {event.node}")
    return found
