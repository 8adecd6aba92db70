"""Each recipient gets an appliance's messages in the order in which they were written (M1)."""

from __future__ import annotations

from collections import defaultdict

from scenarios.record import Record
from scenarios.verdict import Judgement, judged, not_applicable


def check(record: Record) -> Judgement:
    """Compare the order in the queues with the order at the mail server."""
    arrived: dict[str, int] = {}
    for place, mail in enumerate(record.mails):
        arrived.setdefault(mail.message_id, place)
    lines: dict[tuple[str, str], list[str]] = defaultdict(list)
    for event in record.select("appliance", "mail.queued"):
        if event.detail["message_id"] in arrived:
            lines[event.node, event.detail["recipient"]].append(event.detail["message_id"])
    several = {key: ids for key, ids in lines.items() if len(ids) > 1}
    if not several:
        return not_applicable("nobody got two messages of one appliance")
    faults = [
        f"{recipient} got the messages of {node} in another order than they were written"
        for (node, recipient), ids in several.items()
        if ids != sorted(ids, key=arrived.__getitem__)
    ]
    return judged(faults, f"{len(several)} recipient(s) of several messages, each in order")
