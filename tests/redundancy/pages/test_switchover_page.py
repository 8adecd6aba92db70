"""The tab "Redundanz" as an administrator sees it (R48 to R53, D9, D17)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from page_fakes import Browser, FakeConsole, FakeFrame

from redundancy.console import Decision, Watch
from redundancy.pages import texts

TAB = "/admin/advanced/redundancy"
SWITCH = f"{TAB}/switchover"
MAC = "02:00:00:00:00:0a"


def test_opening_the_tab_opens_the_close_watch(browser: Browser, console: FakeConsole) -> None:
    browser.get(TAB)
    assert console.watches == 1


@pytest.mark.covers("R51", "R52")
def test_standby_sees_role_settings_and_one_button(browser: Browser) -> None:
    page = browser.get(TAB).text
    assert "Standby-Anlage" in page
    assert page.count("<button") == 1
    assert "Auf diese Anlage umschalten" in page
    assert "Manche Telefone" in page
    for shown in ("198.18.0.10", "198.18.0.20", "255.255.255.0 (/24)", "198.18.0.1, 198.18.0.2"):
        assert shown in page
    assert "5 h 10 min" in page


def test_tab_refreshes_itself_without_script(browser: Browser) -> None:
    page = browser.get(TAB).text
    assert "<meta http-equiv='refresh' content='3'>" in page
    assert "<script" not in page


@pytest.mark.parametrize("event", ["switchover.asked", "switchover.silent"])
def test_tab_looks_more_often_while_a_click_is_decided(
    browser: Browser, console: FakeConsole, event: str
) -> None:
    console.look(switchover=event)
    assert "<meta http-equiv='refresh' content='1'>" in browser.get(TAB).text


@pytest.mark.parametrize("role", ["active", "unconfigured"])
def test_only_a_standby_has_the_button(browser: Browser, console: FakeConsole, role: Any) -> None:
    console.look(role=role)
    page = browser.get(TAB).text
    assert "<form" not in page
    assert "http-equiv='refresh'" not in page


@pytest.mark.parametrize(
    ("silent_s", "words"),
    [(2.9, "schweigt seit 2 s von nötigen 3 s"), (3.0, "möglich"), (9.0, "mindestens 3 s")],
)
def test_silence_that_is_long_enough_says_so_and_counts_no_further(
    browser: Browser, console: FakeConsole, silent_s: float, words: str
) -> None:
    console.look(watch=Watch("198.18.0.10", silent_s, 3.0, ()))
    assert words in browser.get(TAB).text


def test_answering_active_is_named_by_mac(browser: Browser, console: FakeConsole) -> None:
    console.look(watch=Watch("198.18.0.10", 0.0, 3.0, (MAC,)))
    page = browser.get(TAB).text
    assert f"198.18.0.10 antwortet noch, von {MAC}" in page


def test_silence_is_told_against_what_is_needed(
    browser: Browser, console: FakeConsole, silence: Watch
) -> None:
    console.look(watch=silence)
    page = browser.get(TAB).text
    assert "198.18.0.10 schweigt seit 2 s von nötigen 3 s" in page
    assert 'class="good"' not in page


def test_enough_silence_is_shown_as_good(browser: Browser, console: FakeConsole) -> None:
    console.look(watch=Watch("198.18.0.10", 3.1, 3.0, ()))
    assert 'class="good"' in browser.get(TAB).text


def test_stale_data_are_warned_of(browser: Browser, console: FakeConsole) -> None:
    console.look(origin_age=timedelta(days=3, hours=4), origin_stale=True)
    page = browser.get(TAB).text
    assert "3 Tage 4 Stunden" in page
    assert "älter als vorgesehen" in page


def test_never_initialised_is_said(browser: Browser, console: FakeConsole) -> None:
    console.look(origin_age=None, adopts=None)
    page = browser.get(TAB).text
    assert "noch nie Daten eingespielt" in page
    assert "<table" not in page


@pytest.mark.covers("R53")
def test_lines_to_replug_are_listed(browser: Browser, console: FakeConsole) -> None:
    console.look(lines_to_replug=("isdn", "analogue"))
    page = browser.get(TAB).text
    assert "ISDN-Leitungen" in page
    assert "analoge Leitungen" in page


@pytest.mark.parametrize(
    ("event", "words"),
    [("switchover.finished", "abgeschlossen"), ("switchover.new-word", "new-word")],
)
def test_last_switchover_is_told(
    browser: Browser, console: FakeConsole, event: str, words: str
) -> None:
    console.look(switchover=event)
    assert words in browser.get(TAB).text


@pytest.mark.covers("R5", "D17")
def test_one_click_switches(browser: Browser, console: FakeConsole) -> None:
    answer = browser.post(SWITCH)
    assert console.clicks == [("admin", False)]
    assert answer.status_code == 200
    target = "http://198.18.0.10/admin/advanced/redundancy"
    assert f"<meta http-equiv='refresh' content='3; url={target}'>" in answer.text
    assert f'href="{target}"' in answer.text


def test_second_click_is_answered_at_once_and_orders_nothing(
    browser: Browser, console: FakeConsole, monkeypatch: pytest.MonkeyPatch
) -> None:
    pages: list[Any] = []

    def slow(by: str, *, confirmed: bool) -> Decision:
        pages.append(browser.post(SWITCH))
        return FakeConsole.switch_over(console, by, confirmed=confirmed)

    monkeypatch.setattr(console, "switch_over", slow)
    first = browser.post(SWITCH)
    assert "jetzt die aktive" in first.text
    assert [one.status_code for one in pages] == [202]
    assert f"<meta http-equiv='refresh' content='1; url={TAB}'>" in pages[0].text
    assert console.clicks == [("admin", False)]
    monkeypatch.undo()
    assert browser.post(SWITCH).status_code == 200
    assert len(console.clicks) == 2


@pytest.mark.parametrize("event", ["switchover.claimed", "switchover.announced"])
def test_while_the_address_moves_every_tab_and_click_follows_it(
    browser: Browser, console: FakeConsole, event: str
) -> None:
    moved = console.seen.own.model_copy(update={"address": "198.18.0.10"})
    console.look(role="active", switchover=event, own=moved)
    for answer in (browser.get(TAB), browser.post(SWITCH)):
        assert f"url=http://198.18.0.10{TAB}'>" in answer.text
    assert console.clicks == []


def test_refusal_names_reason_mac_and_remedy(browser: Browser, console: FakeConsole) -> None:
    reasons = (("address", "198.18.0.10"), ("mac", MAC))
    console.decision = Decision("refused", "active-answers", reasons, "198.18.0.20")
    answer = browser.post(SWITCH)
    assert answer.status_code == 409
    for words in ("wird noch benutzt", MAC, "198.18.0.10", "Es wurde nichts geändert", "trennen"):
        assert words in answer.text


def test_refusal_of_an_unknown_kind_is_still_told(browser: Browser, console: FakeConsole) -> None:
    console.decision = Decision("refused", "brand-new", (("thing", "<b>7</b>"),), "198.18.0.20")
    answer = browser.post(SWITCH)
    assert answer.status_code == 409
    assert "thing: &lt;b&gt;7&lt;/b&gt;" in answer.text
    assert "Protokoll" in answer.text


@pytest.mark.covers("D17")
def test_doubts_ask_for_a_confirmation(browser: Browser, console: FakeConsole) -> None:
    doubts = (("data-stale", "72"), ("lines", "isdn"))
    console.decision = Decision("confirm", "data-stale", doubts, "198.18.0.20")
    page = browser.post(SWITCH).text
    assert "72 Stunden alt" in page
    assert "ISDN-Leitungen" in page
    assert 'type="checkbox"' in page


def test_confirmed_click_is_passed_on_as_such(browser: Browser, console: FakeConsole) -> None:
    browser.post(SWITCH, asked="1", confirmed="1")
    assert console.clicks == [("admin", True)]


def test_confirmation_without_the_tick_orders_nothing(
    browser: Browser, console: FakeConsole
) -> None:
    console.look(lines_to_replug=("isdn",), origin_age=timedelta(days=4), origin_stale=True)
    answer = browser.post(SWITCH, asked="1")
    assert console.clicks == []
    assert answer.status_code == 422
    for words in ("aria-invalid", "ISDN-Leitungen", "96 Stunden alt"):
        assert words in answer.text


def test_forged_click_orders_nothing(browser: Browser, console: FakeConsole) -> None:
    assert browser.client.post(SWITCH).status_code == 400
    assert console.clicks == []


@pytest.mark.covers("R48", "F10")
def test_stranger_sees_and_orders_nothing(
    browser: Browser, console: FakeConsole, frame: FakeFrame
) -> None:
    frame.admin = False
    assert browser.get(TAB).status_code == 403
    assert browser.post(SWITCH).status_code == 403
    assert (console.watches, console.clicks) == (0, [])


def test_click_needs_a_post(browser: Browser, console: FakeConsole) -> None:
    assert browser.get(SWITCH).status_code == 405
    assert console.clicks == []


def test_english_pages_are_english(browser: Browser, frame: FakeFrame) -> None:
    frame.chosen = "en"
    page = browser.get(TAB).text
    assert "Switch over to this appliance" in page
    assert "umschalten" not in page


def test_both_languages_have_the_same_sentences() -> None:
    german, english = texts.TABLES["de"], texts.TABLES["en"]
    assert german.keys() == english.keys()
    for key, sentence in german.items():
        assert sorted(_places(sentence)) == sorted(_places(english[key])), key


def _places(sentence: str) -> list[str]:
    return [part.partition("}")[0] for part in sentence.split("{")[1:]]


@pytest.mark.parametrize(
    ("duration", "words"),
    [
        (timedelta(minutes=3, seconds=59), "3 min"),
        (timedelta(hours=47, minutes=1), "47 h 1 min"),
        (timedelta(hours=49), "2 days 1 hours"),
    ],
)
def test_age_is_said_as_people_do(duration: timedelta, words: str) -> None:
    assert texts.age("en", duration) == words


@pytest.mark.covers("F6", "T11")
def test_a_claim_whose_rest_waits_for_space_is_no_refusal_and_says_what_remains(
    browser: Browser, console: FakeConsole
) -> None:
    reasons = (("why", "disk-full"), ("message", "no space left"))
    console.decision = Decision("claimed", "unfinished", reasons, "198.18.0.10")

    answer = browser.post(SWITCH)

    assert answer.status_code == 200
    for said in ("198.18.0.10 übernommen", "Ankündigungen", "Speicher dieser Anlage ist voll"):
        assert said in answer.text
    assert "nichts geändert" not in answer.text
