"""What all tests share."""

from __future__ import annotations

import os

import pytest
from marker_policy import MarkerPolicy

from emulator import image
from emulator.machine import survey

pytest_plugins = ["pytester"]


def pytest_configure(config: pytest.Config) -> None:
    ci = os.environ.get("CI", "") not in ("", "0", "false")
    config.pluginmanager.register(MarkerPolicy(survey(), ci, image.ensure), "marker-policy")


@pytest.fixture(scope="session")
def appliance_image(pytestconfig: pytest.Config) -> str:
    """The tag of the appliance image, up to date; for tests marked docker."""
    policy = pytestconfig.pluginmanager.get_plugin("marker-policy")
    assert isinstance(policy, MarkerPolicy)
    return policy.image
