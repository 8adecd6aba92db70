"""A minimal frame and a console that answers from attributes."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import wraps
from typing import Any, BinaryIO

from flask import abort, request
from flask.testing import FlaskClient

from redundancy import rollback_steps
from redundancy.agenda import Collision
from redundancy.configuration import ModuleConfiguration
from redundancy.console import Decision, Overview, RollbackStep, RollbackView, StepDecision
from redundancy.contract import Imported, NetworkSettings
from redundancy.errors import RedundancyError

FRAME = (
    "<html lang='{{ lang }}'><head><title>{% block title %}{% endblock %}</title>"
    "{% if refresh_s %}<meta http-equiv='refresh' content='{{ refresh_s }}"
    "{% if refresh_to %}; url={{ refresh_to }}{% endif %}'>{% endif %}</head>"
    "<body>{% block content %}{% endblock %}</body></html>"
)
TOKEN = "token-of-this-session"
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIE6Q5mDEVH6pJvV5kqvSLGkFFlhGRzVYMyBwhBnNlfRN"
NETWORK = NetworkSettings(
    address="198.18.0.10", prefix=24, gateway="198.18.0.1", dns=("198.18.0.1", "198.18.0.2")
)
OWN = NetworkSettings(address="198.18.0.20", prefix=25, gateway="198.18.0.3", dns=())
SAVED = ModuleConfiguration(
    licence_key="AAAAA-BBBBB-CCCCC-11111",
    mail_address="office@example.com",
    start_date="2030-01-01",
    start_time="02:30",
    standby_user="root",
    standby_password="hidden-secret",
    standby_server="198.18.0.20",
    standby_host_key=KEY,
)


def wrong_fields(page: str) -> set[str]:
    """Return the fields that a page marks as wrong."""
    inputs = re.findall(r"<(?:input|select)[^>]*>", page)
    return {re.findall(r'name="([^"]+)"', one)[0] for one in inputs if 'aria-invalid="true"' in one}


@dataclass
class FakeFrame:
    """Lets in whom the test says."""

    admin: bool = True
    chosen: str = "de"

    def require_admin(self, view: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(view)
        def guarded() -> Any:
            return view() if self.admin else abort(403)

        return guarded

    def csrf_token(self) -> str:
        return TOKEN

    def check_csrf(self) -> None:
        if request.form.get("csrf_token") != TOKEN:
            abort(400)

    def language(self) -> Any:
        return self.chosen

    def elsewhere(self, address: str, path: str) -> str:
        return f"http://{address}{path}"

    def user(self) -> str:
        return "admin"


def rollback_view(part: str | None, done: int, **changes: Any) -> RollbackView:
    """Return a rollback of which so many steps are done."""
    stands = ["done"] * done + ["next"] * (done < 7) + ["later"] * (6 - done)
    steps = tuple(
        RollbackStep(name, rollback_steps.PARTS[name], stand)
        for name, stand in zip(rollback_steps.ORDER, stands, strict=True)
    )
    view = RollbackView(
        part=part,
        operation="rollback-1",
        steps=steps,
        address="198.18.0.10",
        moves_to="198.18.0.20",
        file="pbx2-000001.sar",
        unsaved=(),
        lost=None,
        protected=False,
        refused=None,
    )
    return replace(view, **changes)


@dataclass
class FakeConsole:
    """An engine whose answers are attributes, and that records what was ordered."""

    seen: Overview = field(
        default_factory=lambda: Overview(
            role="standby",
            designated="standby",
            origin_age=timedelta(hours=5, minutes=10),
            origin_stale=False,
            adopts=NETWORK,
            own=OWN,
            lines_to_replug=(),
            watch=None,
            switchover=None,
            runs=(),
            next_run=None,
            zone="Europe/Berlin",
        )
    )
    saved: ModuleConfiguration | None = SAVED
    decision: Decision = field(
        default_factory=lambda: Decision("claimed", "claimed", (), "198.18.0.10")
    )
    rolls: RollbackView = field(default_factory=lambda: rollback_view("acting", 1))
    step: StepDecision = field(default_factory=lambda: StepDecision("done", "backup"))
    steps: list[tuple[str, str]] = field(default_factory=list)
    key: str = KEY
    error: RedundancyError | None = None
    expected_user: str = "admin"
    watches: int = 0
    meets: tuple[Collision, ...] = ()
    clicks: list[tuple[str, bool]] = field(default_factory=list)
    saves: list[ModuleConfiguration] = field(default_factory=list)
    asked: list[ModuleConfiguration] = field(default_factory=list)
    uploads: list[tuple[bytes, int, str]] = field(default_factory=list)

    def look(self, **changes: Any) -> None:
        """Change the overview."""
        self.seen = replace(self.seen, **changes)

    def overview(self) -> Overview:
        return self.seen

    def last_switchover(self) -> str | None:
        return self.seen.switchover

    def open_watch(self) -> None:
        self.watches += 1

    def switch_over(self, by: str, *, confirmed: bool) -> Decision:
        self.clicks.append((by, confirmed))
        return self.decision

    def rollback(self) -> RollbackView:
        return self.rolls

    def roll_back(self, step: str, by: str) -> StepDecision:
        if self.error:
            raise self.error
        self.steps.append((step, by))
        return self.step

    def run_now(self, by: str) -> int:
        raise AssertionError(f"no page starts a run, not even for {by}")

    def initialise(self, stream: BinaryIO, size: int, by: str) -> Imported:
        if self.error:
            raise self.error
        self.uploads.append((stream.read(), size, by))
        return Imported(epoch=1, generation=7, objects=42)

    def configuration(self) -> ModuleConfiguration | None:
        return self.saved

    def save_configuration(self, configuration: ModuleConfiguration, by: str) -> None:
        if self.error:
            raise self.error
        assert by == self.expected_user
        self.saves.append(configuration)
        self.saved = configuration

    def log_lines(self) -> list[str]:
        return ["2030-01-02 03:30:00 INFO    run-1 run.started"]

    def collisions(self) -> tuple[Collision, ...]:
        return self.meets

    def standby_host_key(self, configuration: ModuleConfiguration) -> str:
        self.asked.append(configuration)
        if self.error:
            raise self.error
        return self.key


@dataclass
class Browser:
    """A person at the pages; every form goes with the session's token."""

    client: FlaskClient

    def get(self, path: str) -> Any:
        return self.client.get(path)

    def post(self, path: str, **fields: Any) -> Any:
        return self.client.post(path, data={"csrf_token": TOKEN, **fields})
