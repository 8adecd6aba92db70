"""The mail queue: one Message-ID is one message, order kept, patience with servers."""

from __future__ import annotations

import email
import json
from datetime import UTC, datetime, timedelta
from email.policy import SMTP

import pytest

from emulator.appliance.letters import Letter, compose
from emulator.appliance.mail_queue import mail_server
from emulator.ports import MailServer

START = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)


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


@pytest.mark.covers("M1")
def test_message_handed_in_while_the_server_is_away_waits_with_the_others(rig):
    def away(_recipient: str) -> None:
        raise ConnectionRefusedError(111, "Connection refused")

    rig.box.mail_trouble = away
    enqueue(rig, mail(1))
    until = quiet(rig)
    enqueue(rig, mail(2, "bob@example.com"))
    assert quiet(rig) == until
    assert [detail["message_id"] for _, detail in rig.box.happened("deferred")] == ["<1@pbx>"]
    rig.box.mail_trouble = lambda _recipient: None
    rig.box.calendar.set(until)
    quiet(rig)
    assert sent(rig) == ["<1@pbx>", "<2@pbx>"]


@pytest.mark.covers("M1")
def test_a_retry_by_hand_ends_the_pause_for_later_messages_too(rig):
    def away(_recipient: str) -> None:
        raise ConnectionRefusedError(111, "Connection refused")

    rig.box.mail_trouble = away
    enqueue(rig, mail(1))
    quiet(rig)
    rig.box.mail_trouble = lambda _recipient: None
    rig.run("mail", "retry")
    enqueue(rig, mail(2))
    quiet(rig)
    assert sent(rig) == ["<1@pbx>", "<2@pbx>"]


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


def test_retry_now_tries_all_that_wait_in_order(rig):
    def away(_recipient: str) -> None:
        raise ConnectionRefusedError(111, "Connection refused")

    rig.box.mail_trouble = away
    enqueue(rig, mail(1), mail(2), mail(3, "bob@example.com"))
    quiet(rig)
    rig.box.mail_trouble = lambda _recipient: None
    assert rig.run("mail", "retry") == {"waiting": 3}
    quiet(rig)
    assert sent(rig) == ["<1@pbx>", "<2@pbx>", "<3@pbx>"]


def test_mails_are_plain_text_unless_html_is_on(rig):
    enqueue(rig, mail(1))
    quiet(rig)
    message = email.message_from_bytes(rig.box.mails[0][2], policy=SMTP)
    assert message.get_content_type() == "text/plain"


def test_html_form_stands_beside_the_text_and_obeys_nothing(rig):
    rig.run("mail", "set", "--host", "198.18.7.30", "--html")
    body = "Eins & <script>alert(1)</script>\nzwei\n\nŞ drei"
    enqueue(rig, mail(1, subject="<b>Grüße</b>", body=body))
    quiet(rig)
    _, _, data = rig.box.mails[0]
    message = email.message_from_bytes(data, policy=SMTP)
    assert message.get_content_type() == "multipart/alternative"
    text, page = message.iter_parts()
    assert text.get_content().split() == body.split()
    assert (page.get_content_type(), page.get_content_charset()) == ("text/html", "utf-8")
    shown = page.get_content()
    assert "<script>" not in shown
    assert "<b>" not in shown
    assert "Eins &amp; &lt;script&gt;alert(1)&lt;/script&gt;<br>" in shown
    assert shown.count("<p>") == 2


def test_same_message_is_the_same_bytes_whenever_it_is_composed():
    letter = Letter(1, "<1@pbx>", "a@example.com", "Ü", "Text", START, 0)
    server = MailServer("h", 25, "pbx@example.com", html=True)
    assert compose(letter, server, START) == compose(letter, server, START)


def test_password_of_the_mail_server_is_sealed_and_goes_to_the_server(rig):
    argv = ["mail", "set", "--host", "mail.example.com", "--port", "587", "--security", "starttls"]
    rig.run(*argv, "--user", "pbx", stdin=b"open sesame\n")
    server = mail_server(rig.appliance.parts.content)
    assert (server.user, server.password, server.security) == ("pbx", "open sesame", "starttls")
    assert "open sesame" not in repr(server)
    raw = b"".join(one.read_bytes() for one in rig.path("content").iterdir())
    assert b"open sesame" not in raw
    assert b"mail.example.com" in raw


@pytest.mark.parametrize(
    "argv",
    [
        ["--host", "a b"],
        ["--host", "x", "--security", "maybe"],
        ["--host", "x", "--sender", "nobody"],
    ],
)
def test_malformed_mail_server_is_refused(rig, argv):
    before = mail_server(rig.appliance.parts.content)
    assert rig.refusal("mail", "set", *argv) == "usage"
    assert mail_server(rig.appliance.parts.content) == before


def test_message_behind_one_that_waits_is_waited_for_and_not_asked_after(rig):
    def away(_recipient: str) -> None:
        raise ConnectionRefusedError(111, "Connection refused")

    rig.box.mail_trouble = away
    enqueue(rig, mail(1))
    until = quiet(rig)
    enqueue(rig, mail(2))
    assert quiet(rig) == until
