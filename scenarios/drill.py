"""A drill under way: the lab, what its administrators know, and what was done so far."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import httpx

from emulator.lab import ApplianceNode, ApplianceSpec, Event, Lab
from scenarios.faulting import Faults
from scenarios.models.lab import LabPlan, Schedule


@dataclass(frozen=True)
class Access:
    """What the administrators of one appliance know.

    Attributes:
        login, password: of the web pages.
        root_password: of SSH.
        server_key: the server licence key.
        licence_keys: all that were bought for it, the redundancy licences among them.
    """

    login: str
    password: str
    root_password: str
    server_key: str
    licence_keys: tuple[str, ...]

    def __repr__(self) -> str:
        """Keep secrets out of tracebacks."""
        return f"Access({self.login})"


@dataclass(frozen=True)
class Spare:
    """A new box, and what its administrators know."""

    spec: ApplianceSpec
    access: Access


@dataclass(frozen=True)
class Entry:
    """A named change: where on the appliance it can be found again."""

    kind: str
    key: str


@dataclass(frozen=True)
class Pair:
    """Two appliances and who may do what on them.

    Attributes:
        lab: where they stand.
        plan: what the scenario (or `up`) says of the lab.
        start: the instant that the schedule is relative to.
        access: what administrators know, by appliance.
    """

    lab: Lab
    plan: LabPlan
    start: datetime
    access: Mapping[str, Access]


@dataclass
class Drill:
    """What steps act on.

    Attributes:
        pair: the lab and its administrators' knowledge.
        entries: the named changes so far.
        tabs: open browsers and the page that each shows, by appliance and person; "" is the
            first administrator.
        off: appliances without power.
        edits: how often each named change was edited.
        saved: the backup on the administrator's computer.
        fields: the module's configuration, as it was saved last, by appliance.
        spares: boxes that stand ready to take another one's place, by appliance.
        logs: what boxes that were replaced had logged, by appliance.
        removed: licence keys that were removed, by appliance and sort.
        faults: what goes wrong on purpose.
    """

    pair: Pair
    entries: dict[str, Entry] = field(default_factory=dict)
    tabs: dict[tuple[str, str], tuple[httpx.Client, httpx.Response]] = field(default_factory=dict)
    off: set[str] = field(default_factory=set)
    edits: dict[str, int] = field(default_factory=dict)
    saved: bytes = b""
    fields: dict[str, dict[str, Any]] = field(default_factory=dict)
    spares: Mapping[str, Spare] = field(default_factory=dict)
    logs: dict[str, bytes] = field(default_factory=dict)
    removed: dict[tuple[str, str], str] = field(default_factory=dict)
    faults: Faults = field(init=False)

    def __post_init__(self) -> None:
        self.faults = Faults(self.pair.lab)

    @property
    def lab(self) -> Lab:
        """The lab."""
        return self.pair.lab

    def node(self, name: str) -> ApplianceNode:
        """Return an appliance."""
        return self.lab.appliance(name)

    def read(self, node: str, moment: str, what: str, answer: Mapping[str, Any]) -> None:
        """Put what was read from an appliance into the history."""
        self.lab.note("read", what, node=node, moment=moment, answer=dict(answer))

    def running(self) -> tuple[str, ...]:
        """Return the appliances that are switched on."""
        return tuple(one.name for one in self.lab.spec.appliances if one.name not in self.off)

    def reach(self, until: timedelta, seen: Callable[[Event], bool]) -> bool:
        """Let the Calendar move until a new event of a kind came, or a time has passed."""
        known = len(self.lab.events())
        end = self.lab.timekeeper.now() + until
        return self.lab.timekeeper.advance(
            end, lambda: any(seen(event) for event in self.lab.events()[known:])
        )


def slot(schedule: Schedule, start: datetime, zone: str) -> dict[str, Any]:
    """Return the schedule as the tab *Einstellungen* takes it (R28 to R31)."""
    first = schedule.first_slot(start, zone)
    return {
        "repeat_unit": schedule.every.unit,
        "repeat_every": schedule.every.every,
        "start_date": first.strftime("%Y-%m-%d"),
        "start_time": first.strftime("%H:%M"),
    }
