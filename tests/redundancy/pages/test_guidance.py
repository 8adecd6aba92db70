"""What the pages say of the set-up: where each step is done, and in which order."""

from __future__ import annotations

import re

import pytest
from page_fakes import Browser, FakeConsole, FakeFrame

from redundancy.pages import tabs

IMPORT = "/admin/modules/redundanz/standby-import"


@pytest.mark.covers("R49")
@pytest.mark.parametrize("language", ["de", "en"])
def test_the_tab_redundanz_alone_stands_in_the_advanced_settings(language: str) -> None:
    advanced = [one for one in tabs(language) if one.place == "advanced"]  # type: ignore[arg-type]
    assert [one.path for one in advanced] == ["/admin/advanced/redundancy"]
    assert [one.label for one in advanced] == [{"de": "Redundanz", "en": "Redundancy"}[language]]


@pytest.mark.covers("R16", "R41")
@pytest.mark.parametrize(
    ("language", "places"),
    [
        ("de", ["Auf der aktiven Anlage", "Auf der Standby-Anlage", "Auf der Standby-Anlage"]),
        ("en", ["On the active", "On the standby", "On the standby"]),
    ],
)
def test_every_step_of_the_set_up_names_its_appliance_in_the_order_of_the_work(
    browser: Browser, frame: FakeFrame, language: str, places: list[str]
) -> None:
    frame.chosen = language
    steps = re.findall(r"<li>([^<]*)</li>", _list_of_steps(browser.get(IMPORT).text))
    assert [one.partition(":")[0] for one in steps] == places


@pytest.mark.covers("R18")
def test_without_settings_nothing_can_be_uploaded_and_the_page_says_what_comes_first(
    browser: Browser, console: FakeConsole
) -> None:
    console.look(designated="unconfigured")
    page = browser.get(IMPORT).text
    assert 'type="file"' not in page
    assert "zuerst" in page


def _list_of_steps(page: str) -> str:
    return page[page.index("<ol>") : page.index("</ol>")]
