"""The module's pages in a minimal frame."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from jinja2 import DictLoader
from page_fakes import FRAME, Browser, FakeConsole, FakeFrame

from redundancy.console import RunRecord, Watch
from redundancy.pages import blueprint


@pytest.fixture
def console() -> FakeConsole:
    return FakeConsole()


@pytest.fixture
def frame() -> FakeFrame:
    return FakeFrame()


@pytest.fixture
def browser(console: FakeConsole, frame: FakeFrame) -> Browser:
    app = Flask("frame")
    app.jinja_loader = DictLoader({"frame.html": FRAME})
    app.register_blueprint(blueprint(console, frame))
    return Browser(app.test_client())


@pytest.fixture
def run_record() -> RunRecord:
    start = datetime(2030, 1, 2, 2, 30, tzinfo=UTC)
    return RunRecord(3, start, start + timedelta(minutes=7), "failed", ("connection-lost",))


@pytest.fixture
def silence() -> Watch:
    return Watch("198.18.0.10", 2.0, 3.0, ())
