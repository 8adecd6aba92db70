"""All fakes together, as a module host hands them to the module."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from redundancy.fakes.addresses import FakeAddresses
from redundancy.fakes.channel import FakeChannel, FakeTransport
from redundancy.fakes.store import MemoryStore
from redundancy.fakes.time import FakeCalendar, FakeStopwatch


@dataclass(frozen=True)
class Report:
    """One event that the module reported."""

    event: str
    cause: str
    detail: Mapping[str, Any]


@dataclass
class FakeServices:
    """The services of one appliance; every part can be replaced and looked at.

    Attributes:
        remote: the channel to the other appliance that `transport` hands out.
        threads: what was started and not yet run, by name.
        reports: all events, in order.
        secrets: of the module's configuration, by field.
    """

    calendar: FakeCalendar = field(default_factory=FakeCalendar)
    stopwatch: FakeStopwatch = field(default_factory=FakeStopwatch)
    local: FakeChannel = field(default_factory=FakeChannel)
    remote: FakeChannel = field(default_factory=FakeChannel)
    store: MemoryStore = field(default_factory=MemoryStore)
    threads: dict[str, Callable[[], None]] = field(default_factory=dict)
    reports: list[Report] = field(default_factory=list)
    secrets: dict[str, str] = field(default_factory=dict)
    transport: FakeTransport = field(init=False)
    addresses: FakeAddresses = field(init=False)

    def __post_init__(self) -> None:
        """Join the parts that know each other."""
        self.transport = FakeTransport(self.remote)
        self.addresses = FakeAddresses(self.stopwatch)

    def start(self, name: str, body: Callable[[], None]) -> None:
        """Remember a thread; the test runs it with `run`."""
        self.threads[name] = body

    def secret(self, field: str) -> str:
        """Return a secret."""
        return self.secrets.get(field, "")

    def run(self, name: str) -> None:
        """Run a started thread's body in the calling thread."""
        self.threads.pop(name)()

    def report(self, event: str, cause: str, detail: Mapping[str, Any]) -> None:
        """Record an event."""
        self.reports.append(Report(event, cause, dict(detail)))

    def events(self) -> list[str]:
        """Return the names of all reported events."""
        return [one.event for one in self.reports]
