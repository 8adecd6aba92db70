"""Pictures of pages, and what axe-core says about them."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

FOLDER = "runs/pages"  # covered by .gitignore
WIDTHS = (1200, 390)
HEIGHT = 900
RULES = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice")


@dataclass
class Gallery:
    """Keeps a picture of every page in both widths, and every violation.

    Attributes:
        folder: LANGUAGE-WIDTH-NAME.png.
        violations: one line each: page, rule, element.
    """

    folder: Path
    violations: list[str] = field(default_factory=list)

    def keep(self, page: Page, name: str) -> None:
        """Take pictures of what is shown."""
        self.folder.mkdir(parents=True, exist_ok=True)
        language = page.locator("html").get_attribute("lang")
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": HEIGHT})
            page.screenshot(path=self.folder / f"{language}-{width}-{name}.png", full_page=True)
            self._fits(page, f"{language} {width} {name}")
        page.set_viewport_size({"width": WIDTHS[0], "height": HEIGHT})

    def judge(self, page: Page, name: str) -> None:
        """Note what axe-core finds."""
        found = Axe().run(page, options={"runOnly": list(RULES)}).response["violations"]
        self.violations += [
            f"{name}: {one['id']}: {node['html'][:160]} {node['failureSummary'][:200]}"
            for one in found
            for node in one["nodes"]
        ]

    def _fits(self, page: Page, name: str) -> None:
        """Note a page that must be scrolled sideways (WCAG 2.1, 1.4.10)."""
        wide = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        if wide > 0:
            self.violations.append(f"{name}: {wide} px wider than the screen")
