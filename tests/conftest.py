"""What all tests share."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from marker_policy import MarkerPolicy

from emulator import image
from emulator.machine import survey

pytest_plugins = ["pytester"]
PICTURES = Path("runs/pages")


def pytest_configure(config: pytest.Config) -> None:
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # behind `&`; children would inherit it
        signal.signal(signal.SIGINT, signal.default_int_handler)
    ci = os.environ.get("CI", "") not in ("", "0", "false")
    config.pluginmanager.register(MarkerPolicy(survey(), ci, image.ensure), "marker-policy")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say where the pictures of the pages are, if some were taken."""
    ran = (one for rows in terminalreporter.stats.values() for one in rows)
    if PICTURES.is_dir() and any("browser/" in getattr(one, "nodeid", "") for one in ran):
        terminalreporter.write_line(f"pictures of the pages: {PICTURES}")


@pytest.fixture(scope="session")
def appliance_image(pytestconfig: pytest.Config) -> str:
    """The tag of the appliance image, up to date; for tests marked docker."""
    policy = pytestconfig.pluginmanager.get_plugin("marker-policy")
    assert isinstance(policy, MarkerPolicy)
    return policy.image
