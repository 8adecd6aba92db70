"""The tab *Standby-Einstellungen*: password, address, and the key that is pinned (R33, D11)."""

from __future__ import annotations

import pytest
from page_fakes import KEY, SAVED, Browser, FakeConsole, wrong_fields

from redundancy.errors import ConnectionLost
from redundancy.pages import tabs
from redundancy.pages.dialog import fingerprint

STANDBY = "/admin/modules/redundanz/standby-einstellungen"
CONFIRM = f"{STANDBY}/bestaetigen"
OTHER_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPgsZ9WKlrMi5wq5xzUj6ApQRKBYTvAu5Wne1iQ2sVmQ"


@pytest.mark.covers("R35", "D15")
def test_saved_password_is_on_no_page(browser: Browser) -> None:
    for one in tabs("de"):
        assert "hidden-secret" not in browser.get(one.path).text
    assert 'type="password" value=""' in browser.get(STANDBY).text


def test_typed_password_is_on_no_page(browser: Browser, console: FakeConsole) -> None:
    console.key = OTHER_KEY
    fields = {"standby_user": "root", "standby_password": "new-secret"}
    for server in ("198.18.0.20", "nonsense"):
        assert "new-secret" not in browser.post(STANDBY, **fields, standby_server=server).text


@pytest.mark.covers("R33", "D19")
def test_unchanged_key_is_saved_at_once_and_an_empty_password_keeps_the_old(
    browser: Browser, console: FakeConsole
) -> None:
    answer = browser.post(
        STANDBY, standby_user="backup", standby_password="", standby_server="198.18.0.20:2222"
    )
    assert answer.status_code == 303
    (saved,) = console.saves
    assert (saved.standby_user, saved.standby_server) == ("backup", "198.18.0.20:2222")
    assert saved.standby_password == SAVED.standby_password
    assert saved.standby_host_key == KEY


@pytest.mark.covers("D11")
def test_new_key_is_shown_and_nothing_saved_before_it_is_confirmed(
    browser: Browser, console: FakeConsole
) -> None:
    console.key = OTHER_KEY
    page = browser.post(
        STANDBY, standby_user="root", standby_password="pw 2", standby_server="198.18.0.21"
    ).text
    assert console.saves == []
    assert fingerprint(OTHER_KEY) in page
    assert fingerprint(KEY) in page  # which was valid until now
    assert browser.post(CONFIRM, key=OTHER_KEY).status_code == 303
    (saved,) = console.saves
    assert saved.standby_host_key == OTHER_KEY
    assert saved.standby_password.get_secret_value() == "pw 2"
    assert saved.standby_server == "198.18.0.21"


def test_key_that_changes_before_the_confirmation_is_not_pinned(
    browser: Browser, console: FakeConsole
) -> None:
    console.key = OTHER_KEY
    browser.post(STANDBY, standby_user="root", standby_server="198.18.0.21")
    console.key = KEY
    assert browser.post(CONFIRM, key=OTHER_KEY).status_code == 409
    assert console.saves == []


def test_confirmation_of_nothing_saves_nothing(browser: Browser, console: FakeConsole) -> None:
    answer = browser.post(CONFIRM, key=KEY)
    assert answer.status_code == 409
    assert "neu speichern" in answer.text
    assert console.saves == []


def test_unreachable_standby_is_told_and_the_fields_stay(
    browser: Browser, console: FakeConsole
) -> None:
    console.error = ConnectionLost("no SSH connection to 198.18.0.77:22")
    answer = browser.post(STANDBY, standby_user="root", standby_server="198.18.0.77")
    assert answer.status_code == 409
    assert "no SSH connection" in answer.text
    assert 'value="198.18.0.77"' in answer.text
    assert console.saves == []


@pytest.mark.parametrize(
    ("name", "typed"),
    [("standby_user", "Root!"), ("standby_server", "pbx2"), ("standby_server", "1.2.3.4:0")],
)
@pytest.mark.covers("R33", "R36", "D19")
def test_mistake_in_the_standby_settings_is_marked(
    browser: Browser, console: FakeConsole, name: str, typed: str
) -> None:
    fields = {"standby_user": "root", "standby_server": "198.18.0.20", name: typed}
    answer = browser.post(STANDBY, **fields)
    assert answer.status_code == 422
    assert wrong_fields(answer.text) == {name}
    assert console.asked == []


def test_standby_without_a_server_is_saved_without_a_pin(
    browser: Browser, console: FakeConsole
) -> None:
    browser.post(STANDBY, standby_user="root", standby_server="")
    assert console.saves[0].standby_host_key == ""
    assert console.asked == []


def test_standby_settings_need_the_settings_first(browser: Browser, console: FakeConsole) -> None:
    console.saved = None
    assert "<form" not in browser.get(STANDBY).text
    assert browser.post(STANDBY, standby_server="198.18.0.20").status_code == 409
