"""The page of the rollback as an administrator sees it (R57, D16)."""

from __future__ import annotations

import pytest
from page_fakes import Browser, FakeConsole, FakeFrame, rollback_view

from redundancy import rollback_steps, rollback_texts
from redundancy.console import StepDecision
from redundancy.errors import Refused

PAGE = "/admin/advanced/redundancy/rollback"


def test_the_tab_leads_to_the_page(browser: Browser) -> None:
    assert f'href="{PAGE}"' in browser.get("/admin/advanced/redundancy").text


@pytest.mark.parametrize(
    ("part", "done", "button"),
    [
        ("acting", 0, "Sicherung erstellen"),
        ("acting", 1, "Adresse wechseln"),
        ("acting", 2, "Herunterfahren"),
        ("original", 3, "Prüfen"),
        ("original", 4, "Wieder aktive Anlage werden"),
        ("original", 5, "Telefone sind neu gestartet"),
        ("standby", 6, "Prüfen"),
    ],
)
def test_the_due_step_has_its_one_button_where_it_belongs(
    browser: Browser, console: FakeConsole, part: str, done: int, button: str
) -> None:
    console.rolls = rollback_view(part, done)
    page = browser.get(PAGE).text
    assert f">{button}</button>" in page
    assert page.count('name="step"') == (2 if part == "acting" and done else 1)
    assert page.count('aria-current="step"') == 1
    assert "<script" not in page


def test_a_step_of_the_other_appliance_has_no_button(
    browser: Browser, console: FakeConsole
) -> None:
    console.rolls = rollback_view("original", 6, protected=False)
    console.rolls = rollback_view("standby", 4)
    page = browser.get(PAGE).text
    assert "auf der anderen Anlage" in page
    assert "<form" not in page


def test_what_will_be_lost_is_said_before_and_what_was_lost_afterwards(
    browser: Browser, console: FakeConsole
) -> None:
    console.rolls = rollback_view("acting", 1, unsaved=("users/7", "phones/8"))
    page = browser.get(PAGE).text
    assert "verloren: 2. users/7, phones/8" in " ".join(page.split())
    console.rolls = rollback_view("acting", 2, unsaved=None, lost=("users/7",))
    assert "verloren: 1. users/7" in " ".join(browser.get(PAGE).text.split())


def test_many_lost_objects_are_counted_but_not_all_named(
    browser: Browser, console: FakeConsole
) -> None:
    console.rolls = rollback_view("acting", 1, unsaved=tuple(f"users/{n}" for n in range(50)))
    page = browser.get(PAGE).text
    assert "verloren: 50." in page
    assert "users/19 …" in page


def test_the_button_orders_the_step(browser: Browser, console: FakeConsole) -> None:
    answer = browser.post(PAGE, step="backup")
    assert answer.status_code == 200
    assert console.steps == [("backup", "admin")]


def test_the_browser_follows_to_the_new_address(browser: Browser, console: FakeConsole) -> None:
    console.step = StepDecision("accepted", "readdress")
    page = browser.post(PAGE, step="readdress").text
    assert f"content='5; url=http://198.18.0.20{PAGE}'" in page


def test_a_shutdown_says_where_to_go_on(browser: Browser, console: FakeConsole) -> None:
    console.step = StepDecision("accepted", "shutdown")
    page = browser.post(PAGE, step="shutdown").text
    assert "ursprüngliche einschalten" in page
    assert "http-equiv" not in page


def test_a_refusal_says_why_and_what_to_do(browser: Browser, console: FakeConsole) -> None:
    reasons = (("mac", "02:00:00:00:00:0a"),)
    console.step = StepDecision("refused", "address-answers", reasons)
    answer = browser.post(PAGE, step="identity")
    assert answer.status_code == 409
    for words in ("antwortet unter der Adresse", "02:00:00:00:00:0a", "umadressieren"):
        assert words in answer.text


def test_an_order_that_the_engine_does_not_know_is_told(
    browser: Browser, console: FakeConsole
) -> None:
    console.error = Refused("usage", "there is no step '<b>'", remedy="one of …")
    answer = browser.post(PAGE, step="<b>")
    assert answer.status_code == 409
    assert "&lt;b&gt;" in answer.text


def test_the_last_refusal_stays_visible(browser: Browser, console: FakeConsole) -> None:
    console.rolls = rollback_view("original", 4, refused=("identity", "licences-missing", ()))
    answer = browser.get(PAGE)
    assert answer.status_code == 200
    assert "ihre eigenen Lizenzen" in answer.text


def test_the_end_says_that_the_pair_is_protected(browser: Browser, console: FakeConsole) -> None:
    console.rolls = rollback_view("original", 7, protected=True)
    page = browser.get(PAGE).text
    assert "wieder geschützt" in page
    assert "<form" not in page


def test_the_last_step_is_awaited_by_the_page_itself(
    browser: Browser, console: FakeConsole
) -> None:
    console.rolls = rollback_view("original", 6)
    assert "http-equiv='refresh'" in browser.get(PAGE).text
    console.rolls = rollback_view("original", 5)
    assert "http-equiv" not in browser.get(PAGE).text


def test_where_nothing_is_to_be_rolled_back_the_page_says_so(
    browser: Browser, console: FakeConsole
) -> None:
    console.rolls = rollback_view(None, 0)
    page = browser.get(PAGE).text
    assert "nichts zurückzuführen" in page
    assert "<form" not in page


def test_only_the_acting_active_can_abandon(browser: Browser, console: FakeConsole) -> None:
    console.rolls = rollback_view("acting", 3)
    assert 'value="abandon"' in browser.get(PAGE).text
    console.rolls = rollback_view("acting", 0)
    assert 'value="abandon"' not in browser.get(PAGE).text


def test_strangers_and_forged_orders_change_nothing(
    browser: Browser, console: FakeConsole, frame: FakeFrame
) -> None:
    assert browser.client.post(PAGE, data={"step": "backup"}).status_code == 400
    frame.admin = False
    assert browser.get(PAGE).status_code == 403
    assert browser.post(PAGE, step="backup").status_code == 403
    assert console.steps == []


def test_english_pages_are_english(
    browser: Browser, console: FakeConsole, frame: FakeFrame
) -> None:
    frame.chosen = "en"
    assert ">Change the address</button>" in browser.get(PAGE).text


def test_every_step_and_every_check_has_its_sentence_in_both_languages() -> None:
    every = [*rollback_steps.BEFORE.values(), *rollback_steps.AFTER.values()]
    codes = {code for checks in every for code, _ in checks}
    codes |= {"out-of-order", "wrong-appliance", "nothing-to-abandon", "nothing-to-roll-back"}
    for language in ("de", "en"):
        assert set(rollback_texts.STEPS[language]) == {*rollback_steps.ORDER, "abandon"}
        for code in codes:
            assert rollback_texts.advice(language, code, ()).why != code
