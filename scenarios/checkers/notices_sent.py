"""The module's address is told of what must be told, once each (D5, R26, R27)."""

from __future__ import annotations

from collections import Counter

from emulator.lab import Event
from scenarios.record import Record
from scenarios.setup import MODULE_ADDRESS
from scenarios.standing import stays_off
from scenarios.verdict import Judgement, failed, judged, not_applicable, passed

_TOLD = (
    *("run.failed", "run.refused", "switchover.finished", "switchover.refused"),
    *("slot.delayed", "slot.skipped", "data.aged"),
    "rollback.refused",
    "address.contested",
)
_SAID = {"switchover.refused", "rollback.refused"}  # to a person who is there
_ANSWERED = {"out-of-order", "wrong-appliance", "nothing-to-abandon"}  # to the person, no failure


def check(record: Record) -> Judgement:
    """Compare the messages to the module's address with what happened on each appliance.

    What a box told that is off at the end may have left it or not; all else must have left.
    """
    if record.plan.scenario.lab.module.send_mails == "no":
        return _silent(record)
    events = [one for one in record.select("engine", *_TOLD) if one.cause not in _ANSWERED]
    told = [(one, f"{one.event} on {one.node}") for one in events] + _recoveries(record)
    due = [text for event, text in told if _could_tell(record, event)]
    ids = {mail.message_id for mail in record.mails if MODULE_ADDRESS in mail.recipients}
    if not due and not ids:
        return not_applicable("nothing happened that must be told")
    counted = Counter(due)
    text = ", ".join(f"{count} x {what}" for what, count in counted.items()) or "nothing to tell"
    right = len(due) <= len(ids) <= len(told)
    return (passed if right else failed)(f"{MODULE_ADDRESS} got {len(ids)} messages: {text}")


def _silent(record: Record) -> Judgement:
    """With "E-Mails senden" off the module's own address gets nothing (R26)."""
    subjects = [mail.subject for mail in record.mails if MODULE_ADDRESS in mail.recipients]
    return judged(subjects, f"{MODULE_ADDRESS} got no message, as is wanted")


def _could_tell(record: Record, event: Event) -> bool:
    """Whether the box ran at the end, when mails are waited for; its queue outlives cuts."""
    if stays_off(record, event.node) or _disk_full(record, event):
        return False
    last = [
        one
        for one in record.events
        if one.number > event.number
        and (
            (one.event, one.cause, one.detail.get("node")) == ("fault", "power-off", event.node)
            or (one.source, one.event, one.node) == ("appliance", "booted", event.node)
        )
    ]
    return not last or last[-1].event == "booted"


def _disk_full(record: Record, event: Event) -> bool:
    """Whether there was no room for a mail when a box told a person of something."""
    told = [
        one.event
        for one in record.select("runner", "fault", "fault.ended")
        if (one.cause, one.detail.get("node")) == ("disk-full", event.node)
        and one.number < event.number
    ]
    return told[-1:] == ["fault"] and event.event in _SAID


def _recoveries(record: Record) -> list[tuple[Event, str]]:
    """Return each success after a run that had failed."""
    bad: set[str] = set()
    found = []
    for event in record.select("engine", "run.failed", "run.refused", "run.succeeded"):
        if event.event != "run.succeeded":
            bad.add(event.node)
        elif event.node in bad:
            bad.discard(event.node)
            found.append((event, f"first success after a failure on {event.node}"))
    return found
