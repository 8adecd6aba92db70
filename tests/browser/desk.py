"""An administrator at a desk: a browser, two appliances, the paper with keys and passwords."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from gallery import Gallery
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from emulator.appliance import web
from emulator.hosted import HostedLab
from scenarios.drill import Access

MOST_TABS = 90
STYLE = Path(web.__file__).parent / "static" / "style.css"
REFRESH = re.compile(r"<script[^>]*></script>")
PATIENCE_MS = 30_000
# What a screen reader would call the element that has the focus, and whether it can be seen.
FOCUSED = """() => {
  const one = document.activeElement;
  const style = getComputedStyle(one);
  const label = one.getAttribute("aria-label") || (one.labels && one.labels[0]
    ? one.labels[0].innerText : one.innerText) || "";
  const seen = style.outlineStyle !== "none" && one.matches(":focus-visible");
  return { name: label.trim(), seen };
}"""


@dataclass(frozen=True)
class Pair:
    """A lab, and what administrators know of it."""

    lab: HostedLab
    access: Mapping[str, Access]

    def address(self, node: str) -> str:
        """Return the address that a box has from the factory."""
        return self.lab.appliance(node).address

    def licence(self, node: str, place: int) -> str:
        """Return a key of the paper: server, user, module."""
        return self.access[node].licence_keys[place]


class Keyboard:
    """A person without a mouse."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def reach(self, name: str) -> None:
        """Press Tab until an element has the focus; it must be seen that it has."""
        for _ in range(MOST_TABS):
            self.page.keyboard.press("Tab")
            found = self.page.evaluate(FOCUSED)
            if found["name"] == name:
                assert found["seen"], f"nobody sees that {name} has the focus"
                return
        raise AssertionError(f"Tab does not lead to {name} on {self.page.url}")

    def fill(self, name: str, text: str) -> None:
        """Write into a field."""
        self.reach(name)
        self.page.keyboard.press("Control+a")
        self.type(text)

    def type(self, text: str) -> None:
        """Write to where the focus is."""
        self.page.keyboard.type(text)

    def press(self, name: str) -> None:
        """Press a button or follow a link, and wait for the page that it leads to."""
        self.reach(name)
        self.enter_key()

    def enter_key(self) -> None:
        """Press Enter where the focus is, and wait for the page that it leads to."""
        with self.page.expect_navigation():
            self.page.keyboard.press("Enter")


class Desk:
    """What is done there. One context is one browser with its own cookies."""

    def __init__(self, chromium: Browser, pair: Pair, gallery: Gallery) -> None:
        self._chromium = chromium
        self._contexts: list[BrowserContext] = []
        self._without_script: list[Page] = []
        self.pair = pair
        self.gallery = gallery

    def browser(self, *, script: bool = True, locale: str = "de-DE") -> Page:
        """Open a browser."""
        context = self._chromium.new_context(java_script_enabled=script, locale=locale)
        context.set_default_timeout(PATIENCE_MS)
        self._contexts.append(context)
        page = context.new_page()
        if not script:
            self._without_script.append(page)
        return page

    def close(self) -> None:
        """Close all browsers."""
        for one in self._contexts:
            one.close()

    def open(self, page: Page, address: str, path: str = "/") -> None:
        """Open a page of the appliance at an address; log in if it asks for that."""
        page.goto(f"http://{address}{path}")
        if page.url.startswith(f"http://{address}/login"):
            self.log_in(page)

    def log_in(self, page: Page) -> None:
        """Log in as the administrator."""
        known = self.pair.access["pbx1"]
        self.enter(page, known.login, known.password)

    def enter(self, page: Page, login: str, password: str) -> None:
        """Fill in the login page that is shown."""
        page.locator("[name=login]").fill(login)
        page.locator("[name=password]").fill(password)
        page.locator("main form button").click()
        expect(page.locator(".menu")).to_be_attached()

    def download(self, page: Page, link: Locator, folder: Path) -> Path:
        """Follow a link to a file, and keep that."""
        with page.expect_download() as coming:
            link.click()
        file = folder / coming.value.suggested_filename
        coming.value.save_as(file)
        return file

    def look(self, page: Page, name: str) -> None:
        """Keep pictures of a page as it is, and have it judged."""
        self.gallery.keep(page, name)
        if page not in self._without_script:
            self.gallery.judge(page, name)
            return
        copy = self._copy(page)  # axe is a script
        self.gallery.judge(copy, name)
        copy.close()

    def look_at_leaving(self, page: Page, name: str) -> None:
        """Have a page looked at that leads elsewhere in a moment: a copy of it stays."""
        copy = self._copy(page)
        self.gallery.keep(copy, name)
        self.gallery.judge(copy, name)
        copy.close()

    def _copy(self, page: Page) -> Page:
        """Show the same page in another browser, where it does not refresh itself."""
        content, copy = REFRESH.sub("", page.content()), self.browser()
        copy.route(page.url, lambda route: route.fulfill(body=content, content_type="text/html"))
        # The appliance may be dark by now.
        copy.route(
            "**/style.css*", lambda route: route.fulfill(path=STYLE, content_type="text/css")
        )
        copy.goto(page.url)
        return copy

    def look_in_both_languages(self, page: Page, address: str, path: str, name: str) -> None:
        """Have a page looked at in German and English."""
        mark = "&" if "?" in path else "?"
        for language in ("en", "de"):
            self.open(page, address, f"{path}{mark}lang={language}")
            expect(page.locator("html")).to_have_attribute("lang", language)
            assert page.locator("h1").count() == 1, path
            self.look(page, name)
