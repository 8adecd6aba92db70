"""One Message-ID for each event and recipient, delivered once (D5, R54).

A crash between the server's 250 and the queue's note of it may deliver a message once more.
"""

from __future__ import annotations

from collections import Counter, defaultdict

from scenarios.record import Record
from scenarios.verdict import Judgement, judged, not_applicable


def check(record: Record) -> Judgement:
    """Count deliveries by Message-ID, and the users' Message-IDs by switchover."""
    if not record.mails:
        return not_applicable("no mail was taken")
    deliveries = Counter(
        (mail.message_id, recipient) for mail in record.mails for recipient in mail.recipients
    )
    boots = len([one for one in record.select("appliance", "booted") if one.cause != "first"])
    faults = [
        f"{recipient} got {message_id} {count} times"
        for (message_id, recipient), count in deliveries.items()
        if count > 1 + boots
    ]
    faults += _double_events(record)
    return judged(faults, f"{len(deliveries)} messages, each delivered once")


def _double_events(record: Record) -> list[str]:
    """Find two identities of one message: same recipient and subject, one decision."""
    events = (
        ("switchover.claimed", "switchover.refused"),
        ("run.succeeded", "run.failed", "run.refused"),
        ("rollback.refused",),
    )
    most = max(len(tuple(record.select("engine", *names))) for names in events)
    identities: dict[tuple[str, str], set[str]] = defaultdict(set)
    for mail in record.mails:
        for recipient in mail.recipients:
            identities[recipient, mail.subject].add(mail.message_id)
    return [
        f"{recipient}: {len(ids)} different messages “{subject}” for one event"
        for (recipient, subject), ids in identities.items()
        if len(ids) > max(1, most)
    ]
