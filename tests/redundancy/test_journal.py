"""The journal: what is written stands, in order, and is found again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from redundancy.fakes.services import FakeServices
from redundancy.fakes.time import START
from redundancy.journal import FILE, Journal, Record, load, row


class Desk:
    """A journal and whoever is told of its records."""

    def __init__(self) -> None:
        self.services = FakeServices()
        self.told: list[tuple[str, str, Mapping[str, Any]]] = []
        self.journal = self.open()

    def open(self) -> Journal:
        def report(event: str, cause: str, detail: Mapping[str, Any]) -> None:
            self.told.append((event, cause, detail))

        return Journal(self.services.store, self.services.calendar, report)


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_a_record_holds_number_time_operation_event_cause_and_detail(desk: Desk) -> None:
    desk.journal.tell("run-1", "run.started", "why", run=1)
    assert desk.journal.records() == [Record(1, START, "run-1", "run.started", "why", {"run": 1})]
    assert desk.told == [("run.started", "why", {"run": 1})]


def test_without_a_cause_there_is_none(desk: Desk) -> None:
    desk.journal.tell("run-1", "run.succeeded")
    assert desk.journal.records()[0].cause == ""
    assert desk.told == [("run.succeeded", "", {})]


def test_an_intent_is_written_and_not_reported(desk: Desk) -> None:
    desk.journal.intend("run-1", "import", token="1.1.1")
    assert desk.journal.records() == [
        Record(1, START, "run-1", "intent.import", "", {"token": "1.1.1"})
    ]
    assert desk.told == []


def test_what_was_written_is_read_again_and_goes_on_with_the_next_number(desk: Desk) -> None:
    desk.journal.tell("run-1", "run.started", slot=None)
    again = desk.open()
    assert again.records() == desk.journal.records()
    again.tell("run-1", "run.failed")
    assert [one.number for one in again.records()] == [1, 2]


def test_lines_are_json_with_sorted_keys(desk: Desk) -> None:
    desk.journal.tell("run-1", "run.started", "", b=1, a=2)
    (line,) = desk.services.store.lines(FILE)
    assert line == json.dumps(json.loads(line), sort_keys=True)
    assert json.loads(line)["detail"] == {"a": 2, "b": 1}
    assert desk.services.store.lines("journal.jsonl") == [line]


def test_records_of_one_operation_come_oldest_first(desk: Desk) -> None:
    for operation, event in (("run-1", "a"), ("run-10", "b"), ("run-1", "c")):
        desk.journal.tell(operation, event)
    assert [one.event for one in desk.journal.records("run-1")] == ["a", "c"]
    assert [one.event for one in desk.journal.records()] == ["a", "b", "c"]
    desk.journal.records().clear()
    assert len(desk.journal.records()) == 3


def test_the_newest_operation_of_a_kind_gives_the_next_number(desk: Desk) -> None:
    assert desk.journal.last("run") is None
    assert desk.journal.next_number("run") == 1
    for operation in ("run-9", "runner-40", "run-10", "switchover-3"):
        desk.journal.tell(operation, "x")
    assert desk.journal.last("run") == "run-10"
    assert desk.journal.next_number("run") == 11
    assert desk.journal.next_number("switchover") == 4
    desk.journal.tell("a-b-7", "x")
    assert desk.journal.next_number("a-b") == 8


def test_a_row_is_json_and_loads_as_it_was() -> None:
    record = Record(3, START, "rollback-1", "rollback.step", "backup", {"file": "x"})
    assert row(record)["at"] == START.isoformat()
    assert load(json.loads(json.dumps(row(record)))) == record
