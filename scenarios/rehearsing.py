"""Runs a drill as `scenarios.runner.run` does, with its record in memory only.

For those who run thousands and keep the evidence of none: the crash sweep, the campaign.
"""

from __future__ import annotations

import json

from scenarios.narration import Silence
from scenarios.record import Record, SecretScan, StoredMail, event_row
from scenarios.runner import Order, Seen, go_through


def rehearse(order: Order) -> Record:
    """Run a drill; what a stored run would have as its record, without files and their seal.

    The lab is not taken down: it is simulated, and ends with this process.

    Raises:
        LabError: the lab broke.
    """
    lab = order.maker.make(order.drawn.spec, order.folder)
    seen = Seen()
    go_through(order, lab, Silence(), seen)
    mails = lab.mail.messages()
    events = tuple(lab.events())
    texts = {"events.jsonl": "\n".join(json.dumps(event_row(event)) for event in events)}
    texts |= {f"mails/{number:04}.eml": mail.raw.decode() for number, mail in enumerate(mails, 1)}
    secrets = order.drawn.secrets
    found = tuple(
        name for name, text in texts.items() if any(secret and secret in text for secret in secrets)
    )
    return Record(
        plan=order.plan,
        events=events,
        stations=seen.stations,
        mails=tuple(
            StoredMail(one.message_id, one.sender, one.recipients, one.subject, one.received_s)
            for one in mails
        ),
        observed=seen.observed,
        pings=seen.pings,
        telephones=seen.telephones,
        crowd=seen.crowd,
        pcap=seen.pcap,
        texts=texts,
        scan=SecretScan(len(secrets), found),
    )
