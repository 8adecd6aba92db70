"""Every page that a link leads to, in German and English, as administrator and as user."""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from desk import Desk, Pair
from playwright.sync_api import Page, expect

OBJECT = re.compile(r"/(users|phones|redirects|jobs)/(?!new$)[^/]+")
DOWNLOADS = re.compile(r"\.sar$|/zip$|/protokoll$")
LINKS = "all => all.filter(one => one.host === location.host).map(one => one.pathname + one.search)"
# Nobody may be led astray by what people are called.
NAME = "<b>Dr. Anneliese-Friederike von Hohenstein-Schwarzenberg</b> 🎺 \u202egnp"
LOGIN, PASSWORD = "4712", "correct horse battery"
# Pages that stand on the other appliance too, and look different there.
ON_THE_STANDBY = (
    "/admin/setup",
    "/admin/advanced/redundancy",
    "/admin/modules/redundanz/standby-einstellungen",
    "/admin/modules/redundanz/standby-import",
)
# A page, what is typed there, and the button.
MISTAKES = (
    ("users/new", {"login": "x1", "name": "", "email": "nobody", "password": "short"}, "Anlegen"),
    ("redirects", {"user": "999", "target": "<i>"}, "Anlegen"),
    ("phones/new", {"mac": "02:50", "vendor": "", "model": "", "user": "999"}, "Anlegen"),
    ("mail", {"host": "mail server", "port": "0", "sender": "a@b@c"}, "Speichern"),
    ("network", {"address": "198.18.0", "gateway": "gateway", "dns": "dns"}, "Übernehmen"),
    ("backups/jobs", {"name": "../x", "every": "0", "keep": "-1"}, "Anlegen"),
)


@dataclass
class Tour:
    """A person who follows every link once.

    Attributes:
        who: stands in the names of the pictures.
        seen: the kinds of pages.
    """

    desk: Desk
    page: Page
    address: str
    who: str
    seen: set[str] = field(default_factory=set)

    def follow(self, start: str) -> None:
        """Look at a page, and at all that can be reached from it."""
        waiting, followed = deque([start]), set[str]()
        while waiting:
            path = waiting.popleft()
            kind = _kind(path)
            if kind in followed or DOWNLOADS.search(kind):
                continue
            followed.add(kind)
            self.desk.open(self.page, self.address, path)
            kind = _kind(self.page.url)  # some lead on to another
            if kind in self.seen:
                continue
            self.seen.add(kind)
            name = f"{self.who}{kind.replace('/', '-')}"
            self.desk.look_in_both_languages(self.page, self.address, path, name)
            waiting.extend(self.page.locator("a[href]").evaluate_all(LINKS))


def _kind(path: str) -> str:
    """Return the page, whichever object it shows."""
    parts = urlsplit(path)
    inside = "/look" if parts.query.startswith("file=") else ""
    return OBJECT.sub(r"/\1/one", parts.path) + inside


def every_page(desk: Desk, pair: Pair) -> None:
    """Visit the active as administrator and as user, and what differs on the standby."""
    address, page = pair.address("pbx1"), desk.browser()
    _somebody_with_an_odd_name(desk, page, address)
    active = Tour(desk, page, address, "active")
    active.follow("/admin/status")
    assert len(active.seen) > 30, sorted(active.seen)
    _mistakes(desk, page, address)
    standby, there = desk.browser(), pair.address("pbx2")
    for path in ON_THE_STANDBY:
        name = f"standby{path.replace('/', '-')}"
        desk.look_in_both_languages(standby, there, path, name)
    _a_user(desk, address)


def _somebody_with_an_odd_name(desk: Desk, page: Page, address: str) -> None:
    desk.open(page, address, "/admin/users/new")
    page.get_by_label("Login").fill(LOGIN)
    page.get_by_label("Name", exact=True).fill(NAME)
    page.get_by_label("E-Mail").fill("anneliese@example.com")
    page.get_by_label("Neues Passwort").fill(PASSWORD)
    page.get_by_label("Wiederholung").fill(PASSWORD)
    with page.expect_navigation():
        page.get_by_role("button", name="Anlegen").click()
    desk.open(page, address, f"/admin/users/{LOGIN}")
    expect(page.locator("h1 bdi")).to_have_text(NAME)
    assert page.locator("main b").count() == 0


def _mistakes(desk: Desk, page: Page, address: str) -> None:
    """Send forms with mistakes: the fields are marked, and what was typed is still there."""
    for path, typed, button in MISTAKES:
        desk.open(page, address, f"/admin/{path}")
        form = page.locator("form", has=page.get_by_role("button", name=button, exact=True)).first
        form.evaluate("form => { form.noValidate = true }")
        for name, text in typed.items():
            form.locator(f"[name={name}]").fill(text)
        with page.expect_navigation():
            form.get_by_role("button", name=button, exact=True).click()
        for name, text in typed.items():
            one = page.locator(f"main form [name={name}]").last
            expect(one).to_have_attribute("aria-invalid", "true")
            expect(one).to_have_value("" if name == "password" else text)
        desk.look(page, f"wrong-{path.replace('/', '-')}")


def _a_user(desk: Desk, address: str) -> None:
    """Log in as somebody who is no administrator; the administration is closed to him."""
    page = desk.browser()
    page.goto(f"http://{address}/login")
    desk.enter(page, LOGIN, PASSWORD)
    mine = Tour(desk, page, address, "user")
    mine.follow("/account")
    assert not any(one.startswith("/admin") for one in mine.seen)
    assert page.goto(f"http://{address}/admin/status").status == 403
    desk.look(page, "user-forbidden")
