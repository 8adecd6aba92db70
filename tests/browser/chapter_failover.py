"""A run that is watched, a click that is refused, and the failover."""

from __future__ import annotations

import json
import re
import secrets
from concurrent.futures import ThreadPoolExecutor
from threading import Event

from desk import Desk, Keyboard, Pair
from playwright.sync_api import Page, expect

from emulator.levers import Moment
from scenarios.operating import sync_now

TAB = "/admin/advanced/redundancy"
GENERAL = "/admin/modules/redundanz/allgemein"
LOAD_BYTES = 400_000
STANDSTILL_MAX_S = 50
LOOKS = 100


def a_run_is_seen(desk: Desk, pair: Pair) -> None:
    """Watch a run that stands still in the midst of its transfer, until it may go on."""
    page, active, seen = desk.browser(), pair.lab.appliance("pbx1"), Event()
    desk.open(page, pair.address("pbx1"), GENERAL)
    load = json.dumps({"load": secrets.token_hex(LOAD_BYTES)}).encode()
    active.ctl(["record", "put", "load"], stdin=load)
    pair.lab.levers.when("pbx2", Moment(fraction=0.6), lambda: seen.wait(STANDSTILL_MAX_S))
    with ThreadPoolExecutor(1) as aside:
        run = aside.submit(sync_now, pair.lab)
        try:
            _while_it_moves(page)
        finally:
            seen.set()
        expect(page.locator("[data-live=runs]")).to_contain_text("erfolgreich")
        assert run.result()["outcome"] == "succeeded"
    desk.look(page, "run-has-ended")


def _until_under_way(page: Page) -> None:
    """Load the page again until a run is there; from then on it looks by itself."""
    for _ in range(LOOKS):
        if page.locator("[data-live=runs] table").count():
            return
        page.reload()
    raise AssertionError("no run begins")


def _while_it_moves(page: Page) -> None:
    """Write into a field meanwhile: the progress is told, focus and text stay."""
    told, field = page.locator("[data-live=transfer]"), page.get_by_label("Beschreibung")
    expect(page.locator("[data-live=transfer]")).to_have_attribute("role", "status")
    _until_under_way(page)
    field.fill("noch nicht gespeichert")
    expect(told).to_contain_text(re.compile(r"\d [kM]B/s, noch \d+:\d\d min"))
    first = told.inner_text()
    expect(told).not_to_have_text(first)
    expect(field).to_be_focused()
    expect(field).to_have_value("noch nicht gespeichert")


def a_refused_click(desk: Desk, pair: Pair) -> None:
    """Click while the active serves: refused, with its MAC, in both languages (R50, D9)."""
    page = desk.browser()
    mac = next(one.mac for one in pair.lab.describe() if one.name == "pbx1")
    for language, button in (
        ("en", "Switch over to this appliance"),
        ("de", "Auf diese Anlage umschalten"),
    ):
        desk.open(page, pair.address("pbx2"), f"{TAB}?lang={language}")
        expect(page.locator("[data-live=watch]")).to_contain_text(mac)
        page.get_by_role("button", name=button).click()
        expect(page.get_by_role("alert")).to_contain_text(mac)
        desk.look(page, "refused")


def the_failover_by_keyboard(desk: Desk, pair: Pair) -> None:
    """The active dies; the tab shows the silence, keeps the focus, and follows the address."""
    page, address = desk.browser(), pair.address("pbx1")
    keys = Keyboard(page)
    desk.open(page, pair.address("pbx2"), TAB)
    keys.reach("Auf diese Anlage umschalten")
    pair.lab.appliance("pbx1").power_off()
    watch = page.locator("[data-live=watch]")
    expect(watch).to_contain_text("Die Umschaltung ist möglich")
    expect(page.get_by_role("button", name="Auf diese Anlage umschalten")).to_be_focused()
    desk.look(page, "silence")
    keys.enter_key()
    expect(page.locator("h1")).to_have_text("Diese Anlage ist jetzt die aktive")
    desk.look_at_leaving(page, "claimed")
    page.wait_for_url(f"http://{address}/login?**")
    desk.log_in(page)
    assert page.url == f"http://{address}{TAB}"
    expect(page.locator("main")).to_contain_text("abgeschlossen")
