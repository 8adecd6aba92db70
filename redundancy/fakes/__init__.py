"""Fakes of `redundancy.ports`, shipped with the engine and held to the adapters' own tests."""

from redundancy.fakes.addresses import FakeAddresses
from redundancy.fakes.channel import Call, FakeChannel, FakeTransport
from redundancy.fakes.services import FakeServices, Report
from redundancy.fakes.store import MemoryStore
from redundancy.fakes.time import FakeBell, FakeCalendar, FakeStopwatch

__all__ = [
    "Call",
    "FakeAddresses",
    "FakeBell",
    "FakeCalendar",
    "FakeChannel",
    "FakeServices",
    "FakeStopwatch",
    "FakeTransport",
    "MemoryStore",
    "Report",
]
