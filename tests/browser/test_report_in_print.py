"""The drill report on paper: an auditor gets it as pages, where nothing can be scrolled."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner
from playwright.sync_api import Browser

from scenarios.cli.drills import run

PAPER_PX = round((210 - 16 - 18) / 25.4 * 96)  # A4 between the margins, in CSS pixels
TOO_WIDE = """() => [...document.querySelectorAll("table, svg")]
  .filter(one => one.getBoundingClientRect().right > document.documentElement.clientWidth + 1)
  .map(one => one.innerText.slice(0, 60))"""

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("name", ["failover-phones", "rollback"])
@pytest.mark.parametrize("file", ["report.html", "report.en.html"])
def test_no_table_of_a_report_is_wider_than_the_paper(
    chromium: Browser, tmp_path: Path, name: str, file: str
) -> None:
    argv = [name, "--backend", "sim", "--runs", str(tmp_path)]
    assert CliRunner().invoke(run, argv).exit_code == 0
    page = chromium.new_page(viewport={"width": PAPER_PX, "height": 900})
    page.emulate_media(media="print")
    page.goto((tmp_path / name / "latest" / file).as_uri())
    assert page.evaluate(TOO_WIDE) == []
    page.close()
