"""The module's dialog: tabs, fields, mistakes at their fields (R19 to R45, R47, D11)."""

from __future__ import annotations

import io
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from page_fakes import KEY, SAVED, Browser, FakeConsole, FakeFrame, wrong_fields

from redundancy.agenda import Collision
from redundancy.console import RunRecord
from redundancy.errors import Refused
from redundancy.pages import tabs
from redundancy.pages.dialog import fingerprint
from redundancy.sending import Transfer

DIALOG = "/admin/modules/redundanz"
GENERAL = f"{DIALOG}/allgemein"
SETTINGS = f"{DIALOG}/einstellungen"
STANDBY = f"{DIALOG}/standby-einstellungen"
CONFIRM = f"{STANDBY}/bestaetigen"
IMPORT = f"{DIALOG}/standby-import"

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
    assert "1,5 von 9,0 MB, 0,5 MB/s, noch 1:15 min" in page
    assert "http-equiv='refresh'" in page


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


def test_whole_hours_are_written_as_people_write_them(browser: Browser) -> None:
    page = browser.get(SETTINGS).text
    assert re.search(
        r'name="stale_after_h"[^>]*value="48"|value="48"[^>]*name="stale_after_h"', page
    )


@pytest.mark.covers("R21", "R28", "R29", "R30", "R31")
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


@pytest.mark.covers("R34")
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
