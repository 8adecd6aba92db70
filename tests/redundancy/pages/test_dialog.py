"""The module's dialog: tabs, fields, mistakes at their fields (R19 to R45, R47, D11)."""

from __future__ import annotations

import io
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from page_fakes import KEY, SAVED, Browser, FakeConsole, FakeFrame

from redundancy.agenda import Collision
from redundancy.console import RunRecord
from redundancy.errors import ConnectionLost, Refused
from redundancy.pages import tabs
from redundancy.pages.dialog import fingerprint
from redundancy.sending import Transfer

DIALOG = "/admin/modules/redundanz"
GENERAL = f"{DIALOG}/allgemein"
SETTINGS = f"{DIALOG}/einstellungen"
STANDBY = f"{DIALOG}/standby-einstellungen"
CONFIRM = f"{STANDBY}/bestaetigen"
IMPORT = f"{DIALOG}/standby-import"
OTHER_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPgsZ9WKlrMi5wq5xzUj6ApQRKBYTvAu5Wne1iQ2sVmQ"

TYPED = {
    "licence_key": "aaaaa-bbbbb-ccccc-22222",
    "attempts_max": "5",
    "send_mails": "1",
    "mail_address": "it@example.com",
    "repeat_unit": "week",
    "repeat_every": "2",
    "start_date": "2031-02-28",
    "start_time": "23:15",
}


def wrong_fields(page: str) -> set[str]:
    inputs = re.findall(r"<(?:input|select)[^>]*>", page)
    return {re.findall(r'name="([^"]+)"', one)[0] for one in inputs if 'aria-invalid="true"' in one}


@pytest.mark.covers("R20")
def test_tabs_have_the_chapters_labels() -> None:
    assert [one.label for one in tabs("de")] == [
        "Allgemein",
        "Einstellungen",
        "Standby-Einstellungen",
        "Standby-Import",
        "Redundanz",
    ]


def test_every_tab_is_served(browser: Browser) -> None:
    for one in tabs("de"):
        assert browser.get(one.path).status_code == 200, one.path
    for dialog in (DIALOG, f"{DIALOG}/"):
        answer = browser.client.get(dialog, headers={"Host": "evil.example"})
        assert answer.headers["Location"] == f"{DIALOG}/allgemein"


@pytest.mark.parametrize("language", ["de", "en"])
def test_times_in_the_appliances_zone_are_not_called_utc(
    browser: Browser, frame: FakeFrame, language: Any
) -> None:
    frame.chosen = language
    assert "UTC" not in browser.get(f"{DIALOG}/allgemein").text


@pytest.mark.parametrize("one", tabs("de"), ids=lambda one: one.label)
def test_every_field_has_a_label_and_every_reference_a_target(browser: Browser, one: Any) -> None:
    page = browser.get(one.path).text
    ids = set(re.findall(r'\bid="([^"]+)"', page))
    for name in re.findall(r'<(?:input|select)(?![^>]*type="hidden")[^>]* id="([^"]+)"', page):
        assert f'<label for="{name}">' in page
    for references in re.findall(r'aria-describedby="([^"]+)"', page):
        assert set(references.split()) <= ids


def test_no_tab_opens_for_a_stranger(browser: Browser, frame: FakeFrame) -> None:
    frame.admin = False
    for one in tabs("de"):
        assert browser.get(one.path).status_code == 403
    for path in (SETTINGS, STANDBY, CONFIRM, IMPORT):
        assert browser.post(path).status_code == 403


def test_no_form_works_without_the_token(browser: Browser, console: FakeConsole) -> None:
    for path in (SETTINGS, STANDBY, CONFIRM, IMPORT):
        assert browser.client.post(path, data=TYPED).status_code == 400
    assert console.saves == []


def test_every_tab_of_the_dialog_shows_the_row_of_tabs_and_where_it_is(browser: Browser) -> None:
    for path, label in (
        (f"{DIALOG}/allgemein", "Allgemein"),
        (SETTINGS, "Einstellungen"),
        (STANDBY, "Standby-Einstellungen"),
        (IMPORT, "Standby-Import"),
    ):
        page = browser.get(path).text
        assert page.count(f'<li><a href="{DIALOG}/') == 4
        assert f'<a href="{path}" aria-current="page">{label}</a>' in page


def test_general_lists_the_runs_in_the_appliances_time_zone(
    browser: Browser, console: FakeConsole, run_record: RunRecord
) -> None:
    console.look(runs=(run_record,), next_run=run_record.finished)
    page = browser.get(f"{DIALOG}/allgemein").text
    for shown in ("2030-01-02 03:30:00", "gescheitert", "connection-lost", "2030-01-02 03:37"):
        assert shown in page


def test_general_shows_how_far_the_transfer_is_and_looks_again(
    browser: Browser, console: FakeConsole
) -> None:
    assert "refresh" not in browser.get(f"{DIALOG}/allgemein").text
    console.look(transfer=Transfer(1_500_000, 9_000_000, 500_000.0, 75.0))
    page = browser.get(f"{DIALOG}/allgemein").text
    assert "1.5 von 9.0 MB, 0.5 MB/s, noch 1:15 min" in page
    assert 'http-equiv="refresh"' in page


@pytest.mark.covers("R21")
def test_settings_show_the_chapters_labels(browser: Browser) -> None:
    page = browser.get(SETTINGS).text
    for label in (
        "Lizenzschlüssel",
        "Anzahl Versuche",
        "E-Mails senden",
        "E-Mail-Adresse",
        "Timer-Intervall",
        "Wiederhole alle",
        "Start",
        "Zeit",
    ):
        assert f">{label}</label>" in page


def test_settings_are_saved_and_the_standby_kept(browser: Browser, console: FakeConsole) -> None:
    answer = browser.post(SETTINGS, **TYPED)
    assert answer.status_code == 303
    (saved,) = console.saves
    assert saved.licence_key == "AAAAA-BBBBB-CCCCC-22222"
    assert (saved.attempts_max, saved.repeat_unit, saved.repeat_every) == (5, "week", 2)
    assert (saved.start_date, saved.start_time) == ("2031-02-28", "23:15")
    assert saved.standby_password == SAVED.standby_password
    assert saved.standby_host_key == KEY
    assert "Gespeichert." in browser.get(answer.headers["Location"]).text


def test_first_settings_are_saved(browser: Browser, console: FakeConsole) -> None:
    console.saved = None
    assert browser.get(SETTINGS).status_code == 200
    assert browser.post(SETTINGS, **TYPED).status_code == 303
    assert console.saves[0].standby_user == "root"


@pytest.mark.parametrize(
    ("name", "typed"),
    [
        ("licence_key", "AAAA-1"),
        ("attempts_max", "0"),
        ("attempts_max", "many"),
        ("mail_address", "a@b, c@d"),
        ("mail_address", ""),
        ("repeat_unit", "century"),
        ("repeat_every", ""),
        ("start_date", "2031-02-30"),
        ("start_date", "soon"),
        ("start_time", "24:61"),
    ],
)
@pytest.mark.covers("R13", "R21", "R27")
def test_mistake_is_marked_at_its_field_and_what_was_typed_stays(
    browser: Browser, console: FakeConsole, name: str, typed: str
) -> None:
    answer = browser.post(SETTINGS, **{**TYPED, name: typed})
    assert answer.status_code == 422
    assert wrong_fields(answer.text) == {name}
    assert f'id="{name}-wrong"' in answer.text
    assert console.saves == []
    if name != "repeat_unit":
        assert f'name="{name}" type=' in answer.text
        assert f'value="{typed.upper() if name == "licence_key" else typed}"' in answer.text


def test_all_mistakes_are_marked_at_once(browser: Browser) -> None:
    page = browser.post(SETTINGS, licence_key="x").text
    assert {"licence_key", "attempts_max", "start_date", "start_time"} <= wrong_fields(page)


def test_address_is_not_needed_without_mails(browser: Browser, console: FakeConsole) -> None:
    typed = {name: value for name, value in TYPED.items() if name != "send_mails"}
    assert browser.post(SETTINGS, **{**typed, "mail_address": ""}).status_code == 303
    assert not console.saves[0].send_mails


@pytest.mark.covers("R47")
def test_refused_settings_say_why_and_what_to_do(browser: Browser, console: FakeConsole) -> None:
    console.error = Refused("module-licence-missing", "no licence", remedy="install it")
    answer = browser.post(SETTINGS, **TYPED)
    assert answer.status_code == 409
    assert "fehlt die Lizenz" in answer.text
    assert "Modullizenz einspielen" in answer.text
    assert 'value="AAAAA-BBBBB-CCCCC-22222"' in answer.text


def test_refusal_without_translation_speaks_for_itself(
    browser: Browser, console: FakeConsole
) -> None:
    console.error = Refused("brand-new", "something <odd>", remedy="do that")
    page = browser.post(SETTINGS, **TYPED).text
    assert "something &lt;odd&gt;" in page
    assert "do that" in page


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


@pytest.mark.covers("R42")
def test_import_warns_before_it_offers_the_upload(browser: Browser) -> None:
    page = browser.get(IMPORT).text
    assert page.index("ersetzt alle Daten dieser Anlage") < page.index('type="file"')


@pytest.mark.parametrize("role", ["active", "unconfigured"])
@pytest.mark.covers("R40")
def test_import_offers_nothing_elsewhere(browser: Browser, console: FakeConsole, role: Any) -> None:
    console.look(designated=role)
    assert "<form" not in browser.get(IMPORT).text


@pytest.mark.parametrize("size", [0, 10, 2_000_000])
@pytest.mark.covers("R41")
def test_upload_reaches_the_engine_whole(browser: Browser, console: FakeConsole, size: int) -> None:
    answer = browser.post(IMPORT, backup=(io.BytesIO(b"s" * size), "full.sar"))
    assert console.uploads == [(b"s" * size, size, "admin")]
    assert "Stand 1.7 mit 42 Objekten" in answer.text


def test_refused_upload_says_why(browser: Browser, console: FakeConsole) -> None:
    console.error = Refused("not-a-backup", "no ZIP")
    answer = browser.post(IMPORT, backup=(io.BytesIO(b"x"), "holiday.jpg"))
    assert answer.status_code == 409
    assert "keine Sicherung" in answer.text


def test_upload_without_a_file_is_marked(browser: Browser, console: FakeConsole) -> None:
    answer = browser.post(IMPORT)
    assert answer.status_code == 422
    assert wrong_fields(answer.text) == {"backup"}
    assert console.uploads == []


def test_fingerprint_is_what_ssh_keygen_shows() -> None:
    # ssh-keygen -lf on this key
    assert fingerprint(KEY) == "ssh-ed25519 SHA256:DT0hciG4LTtNKrE3a0py0BIekZzsDeYRj7SqTQqplng"


@pytest.mark.covers("R19")
def test_general_holds_name_description_and_log_level_and_marks_mistakes(
    browser: Browser, console: FakeConsole
) -> None:
    page = browser.get(GENERAL).text
    for label in ("Name", "Beschreibung", "Log-Level"):
        assert f">{label}</label>" in page
    typed = {"name": "Ersatz", "description": "im Keller", "log_level": "debug"}
    assert browser.post(GENERAL, **typed).status_code == 303
    (saved,) = console.saves
    assert (saved.name, saved.description, saved.log_level) == ("Ersatz", "im Keller", "debug")
    assert saved.standby_password == SAVED.standby_password
    wrong = browser.post(GENERAL, name="", description="x" * 501, log_level="loud")
    assert wrong.status_code == 422
    assert wrong_fields(wrong.text) == {"name", "description", "log_level"}


@pytest.mark.covers("R19")
def test_the_log_is_downloaded_as_a_file(browser: Browser) -> None:
    answer = browser.get(f"{GENERAL}/protokoll")
    assert answer.headers["Content-Disposition"] == 'attachment; filename="redundanz.log"'
    assert answer.text.splitlines() == ["2030-01-02 03:30:00 INFO    run-1 run.started"]


def test_general_asks_for_the_settings_first(browser: Browser, console: FakeConsole) -> None:
    console.saved = None
    assert "Einstellungen ausfüllen" in browser.get(GENERAL).text
    assert browser.post(GENERAL, name="x").status_code == 409


@pytest.mark.covers("R32")
def test_settings_that_meet_a_backup_job_are_warned_of(
    browser: Browser, console: FakeConsole
) -> None:
    at = datetime(2030, 1, 2, 1, 30, tzinfo=UTC)
    console.meets = (Collision("nightly", at, at + timedelta(minutes=5)),)
    page = browser.get(SETTINGS).text
    assert "Der Auftrag nightly schreibt ab 2030-01-02 02:30" in page


@pytest.mark.covers("D3", "D5")
@pytest.mark.parametrize(
    ("name", "typed", "right"),
    [
        ("backup_source", "oldest", "latest"),
        ("backup_age_max_h", "0", "12"),
        ("backup_wait_limit_min", "1441", "90"),
        ("stale_after_h", "never", "72"),
        ("language", "fr", "en"),
    ],
)
def test_further_settings_are_saved_or_marked(
    browser: Browser, console: FakeConsole, name: str, typed: str, right: str
) -> None:
    wrong = browser.post(SETTINGS, **{**TYPED, name: typed})
    assert wrong.status_code == 422
    assert wrong_fields(wrong.text) == {name}
    assert browser.post(SETTINGS, **{**TYPED, name: right}).status_code == 303
    assert str(getattr(console.saves[0], name)).removesuffix(".0") == right
