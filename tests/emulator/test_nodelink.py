"""The runner's end of a control channel whose node ends at any moment."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from emulator.hosted_appliance import Site
from emulator.lab import NodeDown
from emulator.nodelink import NodeLink
from emulator.timekeeper import ServedTimekeeper

START = datetime(2026, 3, 2, 8, tzinfo=UTC)
LIMIT_S = 10.0


class Broken:
    """The pipe of a node that has ended: what it said can be read, and it hears nothing."""

    def __init__(self, *said: Mapping[str, Any]) -> None:
        self._said = said
        self._heard = 0

    def send(self, line: bytes) -> None:
        del line
        self._heard += 1
        if self._heard > 1:  # the welcome was taken
            raise BrokenPipeError(32, "Broken pipe")

    def lines(self) -> Iterator[bytes]:
        for one in self._said:
            yield json.dumps(one).encode() + b"\n"

    def close(self) -> None:
        """Nothing is open."""


def test_a_node_that_ends_while_it_asks_for_time_is_read_to_its_end_and_holds_nothing() -> None:
    keeper = ServedTimekeeper(START, watchdog_s=LIMIT_S)
    told: list[str] = []
    said = {"type": "hold", "seq": 1, "why": "work"}, {"type": "event", "event": "crashed"}

    link = NodeLink("pbx1", Broken(*said), keeper, lambda _node, event: told.append(event["event"]))

    with pytest.raises(NodeDown):
        link.await_ready(LIMIT_S)
    assert link.gone
    assert told == ["crashed"]
    keeper.settle()


class Silent(Broken):
    """The pipe of a node that takes everything and says nothing."""

    def __init__(self) -> None:
        super().__init__()
        self._closed = threading.Event()

    def send(self, line: bytes) -> None:
        del line

    def lines(self) -> Iterator[bytes]:
        self._closed.wait(LIMIT_S)
        yield from ()

    def close(self) -> None:
        self._closed.set()


def test_a_call_that_nobody_answers_ends_with_its_limit() -> None:
    link = NodeLink("pbx1", Silent(), None, lambda _node, _event: None)
    link.call_limit_s = 0.01
    with pytest.raises(NodeDown, match="did not answer `backup create`"):
        link.call(["backup", "create"])
    link.close()


def test_who_holds_gigabytes_is_given_the_time_to_go_through_them() -> None:
    site = Site(None, None, None, None, None, {}, None, volume=20_000_000_000)
    assert site.patience_s(60) == 60 + 4000
