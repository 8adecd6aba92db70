"""The page Mail-Server: settings, the test mail and what became of it, the queue."""

from __future__ import annotations

import re

import pytest

from emulator.appliance.mail_queue import mail_server


@pytest.fixture
def rig(bench):
    return bench.boot("pbx1")


@pytest.fixture
def admin(rig, visiting):
    return visiting(rig)


FIELDS = {
    "host": "mail.example.com",
    "port": "587",
    "sender": "",
    "security": "starttls",
    "user": "pbx",
    "password": "open sesame",
}


def test_settings_are_kept_and_the_password_is_never_shown(rig, admin):
    page = admin.post("/admin/mail", **FIELDS, html="1")
    assert "Gespeichert." in page.text
    assert "open sesame" not in page.text
    server = mail_server(rig.appliance.parts.content)
    assert (server.port, server.sender, server.html) == (587, "pbx@example.com", True)
    admin.post("/admin/mail", **{**FIELDS, "password": ""})
    server = mail_server(rig.appliance.parts.content)
    assert (server.password, server.html) == ("open sesame", False)
    admin.post("/admin/mail", **{**FIELDS, "password": "", "user": ""})
    assert mail_server(rig.appliance.parts.content).password == ""
    assert "open sesame" not in str(rig.box.events)


@pytest.mark.parametrize(
    ("field", "typed"), [("host", "mail.attacker.example.com"), ("user", "somebody-else")]
)
def test_stored_password_goes_to_no_other_server_and_no_other_user(rig, admin, field, typed):
    admin.post("/admin/mail", **FIELDS)
    page = admin.post("/admin/mail", **{**FIELDS, "password": "", field: typed})
    assert page.status_code == 422
    assert 'id="password-wrong"' in page.text
    assert mail_server(rig.appliance.parts.content).host == "mail.example.com"
    admin.post("/admin/mail", **{**FIELDS, "password": "another", field: typed})
    assert mail_server(rig.appliance.parts.content).password == "another"


@pytest.mark.parametrize(
    ("field", "typed"),
    [
        ("host", "mail server"),
        ("port", "0"),
        ("port", "65536"),
        ("port", "२५"),
        ("sender", "nobody"),
        ("security", "maybe"),
    ],
)
def test_wrong_setting_is_marked_and_kept(rig, admin, field, typed):
    before = mail_server(rig.appliance.parts.content)
    page = admin.post("/admin/mail", **{**FIELDS, field: typed})
    assert page.status_code == 422
    assert f'id="{field}-wrong"' in page.text
    assert len(re.findall('aria-invalid="true"', page.text)) == 1
    assert field == "security" or f'value="{typed}"' in page.text
    assert mail_server(rig.appliance.parts.content) == before


def test_test_mail_that_was_sent_says_so(rig, admin):
    page = admin.post("/admin/mail/test", recipient="anna@example.com")
    rig.box.calendar.await_quiet()
    page = admin.get(str(page.url))
    assert "versandt" in page.text
    assert "Testmail an" in page.text
    assert rig.box.mails[-1][1] == "anna@example.com"


def test_test_mail_that_waits_says_why_and_goes_when_asked_to(rig, admin):
    def away(_recipient: str) -> None:
        raise ConnectionError("mail.example.com:587: <b>refused</b>")

    rig.box.mail_trouble = away
    target = admin.post("/admin/mail/test", recipient="anna@example.com").url
    rig.box.calendar.await_quiet()
    page = admin.get(str(target))
    assert "aufgeschoben" in page.text
    assert "&lt;b&gt;refused&lt;/b&gt;" in page.text
    assert "Nächster Versuch: 2026-03-01 09:01:00" in page.text
    rig.box.mail_trouble = lambda _recipient: None
    admin.post("/admin/mail/retry")
    rig.box.calendar.await_quiet()
    assert "versandt" in admin.get(str(target)).text


def test_changed_settings_are_tried_at_once_on_what_waits(rig, admin):
    def away(_recipient: str) -> None:
        raise ConnectionError("away")

    rig.box.mail_trouble = away
    target = admin.post("/admin/mail/test", recipient="anna@example.com").url
    rig.box.calendar.await_quiet()
    rig.box.mail_trouble = lambda _recipient: None
    admin.post("/admin/mail", **FIELDS)
    rig.box.calendar.await_quiet()
    assert "versandt" in admin.get(str(target)).text


def test_test_mail_goes_to_one_address_only(rig, admin):
    page = admin.post("/admin/mail/test", recipient="a@example.com, b@example.com")
    assert page.status_code == 422
    assert 'id="recipient-wrong"' in page.text
    assert rig.run("mail", "list") == {"mails": []}
