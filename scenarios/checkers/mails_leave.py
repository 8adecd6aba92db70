"""At the end every message of a running appliance has left its queue (D5, F7)."""

from __future__ import annotations

from scenarios.record import Record
from scenarios.standing import stays_off
from scenarios.verdict import Judgement, judged, not_applicable


def check(record: Record) -> Judgement:
    """Whatever was queued on a box that runs at the end was sent; no fault lasts until then.

    A box that stays off its address has no way to the mail server.
    """
    running = {
        one.name
        for one in record.appliances
        if record.answer(one.name, "status") and not stays_off(record, one.name)
    }
    queued = {
        str(event.detail["message_id"]): event
        for event in record.select("appliance", "mail.queued")
        if event.node in running
    }
    if not queued:
        return not_applicable("no running appliance had written a message")
    sent = {str(one.detail["message_id"]) for one in record.select("mail", "sent")}
    faults = [
        f"{event.node}: a message to {event.detail['recipient']} is still in the queue"
        for name, event in queued.items()
        if name not in sent
    ]
    return judged(faults, f"{len(queued)} messages were queued and have left")
