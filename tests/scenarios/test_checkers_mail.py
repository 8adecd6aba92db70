"""Invariants of mails, each with a history that breaks it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from histories import Writer, failover_record, followed, record, status, verdict, without

from scenarios.record import Record, StoredMail
from scenarios.setup import MODULE_ADDRESS
from scenarios.verdict import Verdict

HEADERS = """From: pbx@lab.test
To: a@lab.test
Subject: Restart
Message-ID: <1@lab>
MIME-Version: 1.0
"""


def stored(text: str) -> Record:
    return replace(failover_record(), texts={"mails/0001.eml": f"{text}\nHello\n"})


@pytest.mark.covers("M4")
@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ("", Verdict.PASSED),
        ("Received: from pbx2\nReceived: from elsewhere\n", Verdict.PASSED),
        ("Bcc: victim@example.org\n", Verdict.FAILED),
        ("Cc: victim@example.org\n", Verdict.FAILED),
        ("Subject: another\n", Verdict.FAILED),
    ],
)
def test_a_header_that_nobody_wrote_fails(more: str, expected: Verdict) -> None:
    assert verdict("mails-as-addressed", stored(HEADERS + more)) is expected


@pytest.mark.covers("M4")
@pytest.mark.parametrize("recipients", [("victim@example.org",), ("a@lab.test", "v@example.org")])
def test_a_message_that_goes_elsewhere_fails(recipients: tuple[str, ...]) -> None:
    sound = failover_record()
    strayed = replace(sound.mails[0], recipients=recipients)

    assert verdict("mails-as-addressed", replace(sound, mails=(strayed,))) is Verdict.FAILED
    assert verdict("mails-as-addressed", without(sound, "mail.queued")) is Verdict.INCONCLUSIVE
    assert verdict("mails-as-addressed", replace(sound, mails=())) is Verdict.NOT_APPLICABLE


def queue(*arrivals: str) -> Record:
    """Two messages to the module's address are written, and arrive in an order."""
    write = Writer()
    for message_id in ("<1@lab>", "<2@lab>"):
        told = {"message_id": message_id, "recipient": MODULE_ADDRESS}
        write.add(1, "pbx1/appliance", "mail.queued", **told)
    mails = tuple(
        StoredMail(one, "pbx@lab.test", (MODULE_ADDRESS,), "", float(at))
        for at, one in enumerate(arrivals)
    )
    return replace(record(write), mails=mails)


@pytest.mark.covers("M1")
@pytest.mark.parametrize(
    ("arrivals", "expected"),
    [
        (("<1@lab>", "<2@lab>"), Verdict.PASSED),
        (("<1@lab>", "<2@lab>", "<1@lab>"), Verdict.PASSED),
        (("<2@lab>", "<1@lab>"), Verdict.FAILED),
        (("<1@lab>",), Verdict.NOT_APPLICABLE),
    ],
)
def test_messages_that_overtake_each_other_fail(
    arrivals: tuple[str, ...], expected: Verdict
) -> None:
    assert verdict("mails-keep-order", queue(*arrivals)) is expected


@pytest.mark.covers("D5", "F7")
def test_a_message_that_stays_in_the_queue_fails() -> None:
    sound = failover_record()
    dead = without(sound, "read")

    assert verdict("mails-leave", without(sound, "sent")) is Verdict.FAILED
    assert verdict("mails-leave", without(dead, "sent")) is Verdict.NOT_APPLICABLE
    write = Writer()
    write.read(1, "pbx1", "final", "status", status("pbx1"))
    assert verdict("mails-leave", record(write)) is Verdict.NOT_APPLICABLE


DEFERRED = (50.5, "pbx2/mail", "deferred", "server-away", {"message_id": "<1@lab>"})


@pytest.mark.covers("F7", "M1")
@pytest.mark.parametrize("event", ["run.failed", "attempt.failed", "switchover.step-failed"])
def test_an_outcome_because_of_mail_fails(event: str) -> None:
    sound = followed(failover_record(), DEFERRED)
    because = (90.0, "pbx2/engine", event, "server-away", {})
    otherwise = (90.0, "pbx2/engine", event, "stalled", {})

    assert verdict("mail-changes-no-outcome", followed(sound, because)) is Verdict.FAILED
    assert verdict("mail-changes-no-outcome", followed(sound, otherwise)) is Verdict.PASSED


@pytest.mark.covers("F7")
def test_a_switchover_that_waits_for_mail_fails() -> None:
    sound = followed(failover_record(), DEFERRED)
    late = tuple(
        replace(one, served=one.served.replace(hour=one.served.hour + 1))
        if one.event == "switchover.finished"
        else one
        for one in sound.events
    )

    assert verdict("mail-changes-no-outcome", sound) is Verdict.PASSED
    assert verdict("mail-changes-no-outcome", replace(sound, events=late)) is Verdict.FAILED
    assert verdict("mail-changes-no-outcome", without(sound, "switchover.finished")) is (
        Verdict.FAILED
    )
