"""A message goes to the one whom it is written to, with no header that nobody wrote (M4)."""

from __future__ import annotations

from collections.abc import Iterator
from email import policy
from email.parser import HeaderParser

from scenarios.record import Record, StoredMail
from scenarios.verdict import Judgement, inconclusive, judged, not_applicable

_WRITTEN = {
    *("from", "to", "subject", "date", "message-id", "auto-submitted"),
    *("mime-version", "content-type", "content-transfer-encoding"),
    *("received", "x-peer", "x-mailfrom", "x-rcptto"),  # a mail server's own
}


def check(record: Record) -> Judgement:
    """Compare the envelope with the queue, and the headers with those that are written."""
    if not record.mails:
        return not_applicable("no mail was taken")
    wanted = {
        event.detail["message_id"]: event.detail["recipient"]
        for event in record.select("appliance", "mail.queued")
    }
    if not wanted:
        return inconclusive("nobody told to whom the mails were written")
    faults = [fault for mail in record.mails for fault in _strayed(mail, wanted)]
    texts = [text for name, text in record.texts.items() if name.endswith(".eml")]
    faults += [fault for text in texts for fault in _headers(text)]
    return judged(faults, f"{len(record.mails)} messages, each to its one recipient")


def _strayed(mail: StoredMail, wanted: dict[str, str]) -> Iterator[str]:
    if mail.message_id in wanted and mail.recipients != (wanted[mail.message_id],):
        yield f"{mail.message_id} went to {', '.join(mail.recipients)}"


def _headers(text: str) -> Iterator[str]:
    message = HeaderParser(policy=policy.compat32).parsestr(text)
    names = [name.lower() for name in message]
    foreign = sorted({*names} - _WRITTEN)
    double = sorted({name for name in names if names.count(name) > 1} - {"received"})
    if foreign or double:
        yield f"{message['Message-ID']} has headers nobody wrote: {', '.join([*foreign, *double])}"
