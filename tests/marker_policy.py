"""When a test with a marker that needs something runs, is skipped aloud, or fails."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from emulator.lab import LabError
from emulator.machine import Survey

MARKERS = ("docker", "netns", "syscalls", "browser", "rootless")  # each a purpose of the survey


@dataclass(eq=False)
class MarkerPolicy:
    """A pytest plugin: what cannot run here is skipped with the remedy, in CI it fails.

    Attributes:
        survey: what this computer can host.
        ci: whether nothing may be skipped for want of an engine, of rights, of a browser.
        ensure_image: builds the appliance image when it is stale, and returns its tag; it is
            called once, before the first test, if tests marked docker were selected.
    """

    survey: Survey
    ci: bool
    ensure_image: Callable[[Callable[[str, float], None]], str]
    image: str = ""
    image_failure: str = ""

    def obstacle(self, marker: str) -> str:
        """Return why tests with a marker cannot run here, "" if they can."""
        lacks = [f"{one.name}: {one.detail} -> {one.remedy}" for one in self.survey.lacks(marker)]
        if marker == "docker" and self.image_failure:
            lacks.append(self.image_failure)
        return "; ".join(lacks)

    def pytest_report_header(self) -> list[str]:
        """Say at the top what will not run."""
        verb = "will FAIL" if self.ci else "will be SKIPPED"
        return [
            f"tests marked {marker} {verb}: {self.obstacle(marker)}"
            for marker in MARKERS
            if self.obstacle(marker)
        ]

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Have the image ready before the first test that needs it, outside of its time limit."""
        wanted = any(item.get_closest_marker("docker") for item in session.items)
        if not wanted or session.config.option.collectonly or self.obstacle("docker"):
            return
        terminal = session.config.pluginmanager.get_plugin("terminalreporter")
        try:
            self.image = self.ensure_image(
                lambda line, fraction: (
                    terminal.write_line(f"image {fraction:4.0%} {line}") if terminal else None
                )
            )
        except LabError as failure:
            self.image_failure = f"{failure.message} -> {failure.remedy}"

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """Skip or fail what cannot run here."""
        for marker in MARKERS:
            if item.get_closest_marker(marker) is None:
                continue
            obstacle = self.obstacle(marker)
            if obstacle and self.ci:
                pytest.fail(f"must run in CI, but {marker} cannot: {obstacle}", pytrace=False)
            if obstacle:
                pytest.skip(f"{marker}: {obstacle}")
