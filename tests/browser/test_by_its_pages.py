"""A pair is set up, fails over and is rolled back, by its pages alone, in a real browser.

It is one test, because it is one story: each chapter begins where the one before has ended.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from chapter_failover import a_refused_click, a_run_is_seen, the_failover_by_keyboard
from chapter_leaving import the_standby_leaves
from chapter_rollback import the_rollback
from chapter_set_up import the_active_by_keyboard, the_standby_without_script
from chapter_tour import every_page
from desk import Desk, Pair
from playwright.sync_api import Page, expect

from emulator.appliance.web.sessions import FAILURES_MAX

pytestmark = [pytest.mark.browser, pytest.mark.netns, pytest.mark.timeout(900)]


@pytest.mark.covers("R48")
def test_wrong_passwords_are_refused_and_then_slowed_down(desk: Desk, pair: Pair) -> None:
    page = desk.browser()
    page.goto(f"http://{pair.address('pbx2')}/admin/status")
    _try(page, "4711", "wrong", FAILURES_MAX)
    expect(page.get_by_role("alert")).to_have_text("Benutzer oder Passwort ist falsch.")
    expect(page.get_by_label("Benutzer")).to_have_value("4711")
    expect(page.get_by_label("Passwort")).to_be_focused()
    desk.look(page, "login-refused")
    _try(page, "4711", "wrong", 1)
    expect(page.get_by_role("alert")).to_have_text(re.compile(r"Zu viele Fehlversuche. .* warten"))
    desk.look(page, "login-slowed-down")
    _try(page, pair.access["pbx2"].login, pair.access["pbx2"].password, 1)
    expect(page.locator("h1")).to_have_text("Status")
    assert not desk.gallery.violations, "\n".join(desk.gallery.violations)


def _try(page: Page, login: str, password: str, times: int) -> None:
    for _ in range(times):
        page.get_by_label("Benutzer").fill(login)
        page.get_by_label("Passwort").fill(password)
        with page.expect_navigation():
            page.get_by_role("button", name="Anmelden").click()


@pytest.mark.covers("R5", "R16", "R17", "R20", "R22", "R37", "R38", "R40", "R48", "R49")
@pytest.mark.covers("R57", "D17")
def test_a_pair_is_set_up_fails_over_and_is_rolled_back_by_its_pages(
    desk: Desk, pair: Pair, tmp_path: Path
) -> None:
    file = the_active_by_keyboard(desk, pair, tmp_path)
    the_standby_without_script(desk, pair, file)
    a_run_is_seen(desk, pair)
    every_page(desk, pair)
    a_refused_click(desk, pair)
    the_failover_by_keyboard(desk, pair)
    the_rollback(desk, pair, tmp_path)
    the_standby_leaves(desk, pair)
    assert not desk.gallery.violations, "\n".join(desk.gallery.violations)
