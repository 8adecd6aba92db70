"""Chromium before a pair that nobody has set up yet."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from desk import PATIENCE_MS, Desk, Pair
from gallery import FOLDER, Gallery
from playwright.sync_api import Browser, expect, sync_playwright

from emulator.backends.netns import NetnsBackend
from emulator.hosted import HostedMaker
from emulator.machine import BROWSERS, survey
from emulator.registry import Registry
from scenarios.blueprint import Ground, before_set_up, blueprint
from scenarios.models.lab import LabPlan, Schedule
from scenarios.units import Interval

QUIET = (
    "--no-sandbox",  # the suite runs as root
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--no-default-browser-check",
)
PLAN = LabPlan(users=3, schedule=Schedule(every=Interval(1, "day"), first_in=timedelta(hours=12)))


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    found = next(one for one in survey().findings if one.name == BROWSERS[0])
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found.detail, args=list(QUIET))
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """Two appliances as `up --bare` leaves them."""
    registry = Registry(tmp_path_factory.mktemp("state"))
    backend = NetnsBackend(registry.labs_folder)
    subnet = str(registry.free_subnet(backend))
    name = f"browser-{subnet.split('.')[2]}"
    drawn = blueprint(Ground(name, subnet, 1, None), PLAN, secrets.token_bytes)
    maker = HostedMaker(backend, registry)
    lab = maker.make(before_set_up(drawn.spec), tmp_path_factory.mktemp("work"))
    try:
        yield Pair(lab, drawn.access)
    finally:
        lab.down()


@pytest.fixture
def gallery() -> Gallery:
    return Gallery(Path(FOLDER))


@pytest.fixture
def desk(chromium: Browser, pair: Pair, gallery: Gallery) -> Iterator[Desk]:
    """An administrator's desk."""
    made = Desk(chromium, pair, gallery)
    yield made
    made.close()
