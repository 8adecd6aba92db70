"""The mail queue: one Message-ID is one message, order kept, patience with servers."""

from __future__ import annotations

import email
import json
from datetime import datetime, timedelta
from email.policy import SMTP

import pytest


@pytest.fixture
def rig(bench):
    return bench.boot("pbx1")


def mail(number: int, recipient: str = "anna@example.com", **changes: str) -> dict[str, str]:
    row = {"message_id": f"<{number}@pbx>", "recipient": recipient, "subject": f"Nr. {number}"}
    return {**row, "body": "Bitte Telefone neu starten für Änderungen.", **changes}


def enqueue(rig, *mails) -> dict[str, int]:
    return rig.run("mail", "enqueue", stdin=json.dumps(mails).encode())


def sent(rig) -> list[str]:
    return [
        email.message_from_bytes(data, policy=SMTP)["Message-ID"] for _, _, data in rig.box.mails
    ]


def quiet(rig) -> datetime | None:
    return rig.box.calendar.await_quiet()


@pytest.mark.covers("D5", "M1")
def test_message_is_sent_once_however_often_it_is_queued(rig):
    assert enqueue(rig, mail(1), mail(2)) == {"queued": 2, "known": 0}
    quiet(rig)
    assert enqueue(rig, mail(2), mail(3)) == {"queued": 1, "known": 1}
    quiet(rig)
    assert sent(rig) == ["<1@pbx>", "<2@pbx>", "<3@pbx>"]
    assert len(rig.box.happened("mail.queued")) == len(rig.box.happened("sent")) == 3


def test_message_has_headers_and_umlauts(rig):
    enqueue(rig, mail(1, subject="Grüße vom Standby"))
    quiet(rig)
    sender, recipient, data = rig.box.mails[0]
    message = email.message_from_bytes(data, policy=SMTP)
    assert (sender, recipient) == ("pbx@example.com", "anna@example.com")
    assert message["Subject"] == "Grüße vom Standby"
    assert message["Date"].datetime == rig.box.calendar.now()
    assert message.get_content().strip() == "Bitte Telefone neu starten für Änderungen."


@pytest.mark.covers("D5", "M1")
def test_server_that_is_away_gets_everything_later_in_order(rig):
    def away(_recipient: str) -> None:
        raise ConnectionRefusedError(111, "Connection refused")

    rig.box.mail_trouble = away
    enqueue(rig, *(mail(number, f"user{number}@example.com") for number in range(5)))
    quiet(rig)
    assert sent(rig) == []
    assert [cause for cause, _ in rig.box.happened("deferred")] == ["server-away"]
    rig.box.mail_trouble = lambda _recipient: None
    rig.box.calendar.set(rig.box.calendar.now() + timedelta(minutes=1))
    quiet(rig)
    assert sent(rig) == [f"<{number}@pbx>" for number in range(5)]


def test_refused_recipient_waits_alone_and_keeps_his_order(rig):
    def greylist(recipient: str) -> None:
        if recipient == "bob@example.com":
            raise OSError("450 try again later")

    rig.box.mail_trouble = greylist
    mails = [mail(1, "bob@example.com"), mail(2), mail(3, "bob@example.com"), mail(4)]
    enqueue(rig, *mails)
    quiet(rig)
    assert sent(rig) == ["<2@pbx>", "<4@pbx>"]
    rig.box.mail_trouble = lambda _recipient: None
    rig.box.calendar.set(rig.box.calendar.now() + timedelta(minutes=1))
    quiet(rig)
    assert sent(rig) == ["<2@pbx>", "<4@pbx>", "<1@pbx>", "<3@pbx>"]


def test_back_off_grows_and_ends_after_five_days(rig):
    def away(_recipient: str) -> None:
        raise ConnectionRefusedError

    rig.box.mail_trouble = away
    enqueue(rig, mail(1))
    waits = []
    for _ in range(6):
        until = quiet(rig)
        waits.append(until - rig.box.calendar.now())
        rig.box.calendar.set(until)
    quiet(rig)
    assert [one.total_seconds() / 60 for one in waits] == [1, 2, 5, 10, 15, 15]
    rig.box.calendar.set(rig.box.calendar.now() + timedelta(days=6))
    quiet(rig)
    assert rig.run("mail", "list")["mails"][0]["state"] == "failed"
    assert rig.box.happened("deferred")[-1][0] == "given-up"


def test_queue_survives_a_reboot(bench):
    rig = bench.boot("pbx1")

    def away(_recipient: str) -> None:
        raise ConnectionRefusedError

    rig.box.mail_trouble = away
    enqueue(rig, mail(1))
    quiet(rig)
    rig.appliance.shutdown()
    again = bench.boot("pbx1")
    quiet(again)
    again.box.calendar.set(again.box.calendar.now() + timedelta(minutes=2))
    quiet(again)
    assert sent(again) == ["<1@pbx>"]
    assert enqueue(again, mail(1)) == {"queued": 0, "known": 1}


@pytest.mark.parametrize(
    "changes",
    [
        {"subject": "a\r\nBcc: all@example.com"},
        {"recipient": "a@example.com\nBcc: b@example.com"},
        {"recipient": "a@example.com, b@example.com"},
        {"recipient": "nobody"},
        {"message_id": "<x@y>\nX: y"},
        {"message_id": "x"},
    ],
)
@pytest.mark.covers("M4")
def test_injected_headers_are_refused_and_nothing_is_queued(rig, changes):
    mails = json.dumps([mail(1), mail(2, **changes)]).encode()
    assert rig.refusal("mail", "enqueue", stdin=mails) == "usage"
    assert rig.run("mail", "list") == {"mails": []}
