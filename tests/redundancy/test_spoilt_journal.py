"""What the engine believes of a journal that its disk has spoilt (T12)."""

from __future__ import annotations

import errno
import json
from datetime import timedelta
from pathlib import Path

import pytest
from pair import Pair, configuration, status, stored
from test_overlap import HOUR, Daemon

from redundancy import history
from redundancy.adapters.store import FileStore
from redundancy.engine import Engine
from redundancy.errors import DiskFailed
from redundancy.fakes import FakeServices, MemoryStore
from redundancy.journal import FILE, MARK, Journal, Record, line_of, load

GARBAGE = "\0" * 300
NEWER = '{"at": "2026-03-01T02:00:00+00:00", "operation": "run-9", "sealed_by": "x"}'


def reopened(services: FakeServices) -> Journal:
    return Journal(services.store, services.calendar, services.report)


def spoilt(lines: list[str], services: FakeServices) -> Journal:
    services.store = MemoryStore()
    for line in lines:
        services.store.append(FILE, line)
    return reopened(services)


def told(services: FakeServices) -> list[tuple[str, str]]:
    return [(one.event, one.cause) for one in services.reports if one.event == MARK]


def runs(services: FakeServices, count: int) -> list[str]:
    journal = reopened(services)
    for number in range(1, count + 1):
        journal.tell(f"run-{number}", "run.started", run=number)
    return services.store.lines(FILE)


@pytest.mark.covers("T12")
def test_nothing_before_a_line_that_cannot_be_read_is_believed() -> None:
    services = FakeServices()
    first, second, third = runs(services, 3)
    journal = spoilt([first, GARBAGE, third], services)
    assert [(one.event, one.detail["lines"]) for one in journal.records()] == [(MARK, 1)]
    assert journal.last("run") is None
    assert told(services) == [(MARK, "unreadable")]
    assert services.store.lines(FILE)[:3] == [first, GARBAGE, third]  # kept for people
    assert second not in services.store.lines(FILE)


@pytest.mark.covers("T12")
def test_no_bit_of_a_line_can_turn_without_being_noticed() -> None:
    services = FakeServices()
    first, second = runs(services, 2)
    whole = second.encode()
    for bit in range(8 * len(whole)):
        turned = bytearray(whole)
        turned[bit // 8] ^= 1 << (bit % 8)
        journal = spoilt([first, turned.decode("utf-8", "replace")], services)
        assert [one.event for one in journal.records()] == [MARK], turned


@pytest.mark.covers("T12")
def test_a_line_without_its_checksum_is_not_believed() -> None:
    services = FakeServices()
    (line,) = runs(services, 1)
    bare = {name: value for name, value in json.loads(line).items() if name != "crc"}

    journal = spoilt([json.dumps(bare, sort_keys=True)], services)

    assert [one.event for one in journal.records()] == [MARK]


@pytest.mark.covers("T12")
def test_numbers_go_on_beyond_everything_that_may_have_been_lost() -> None:
    services = FakeServices()
    first, *_ = runs(services, 6)
    records = [json.loads(line) for line in services.store.lines(FILE)]
    lost = sum(len(json.dumps(one)) for one in records[1:])
    journal = spoilt([first, "\0" * lost], services)
    assert journal.next_number("run") > 6
    journal.tell(f"run-{journal.next_number('run')}", "run.started", "", run=8)
    again = journal.next_number("run")
    assert reopened(services).next_number("run") == again
    assert journal.next_number("switchover") > 6


@pytest.mark.covers("T12")
def test_damage_is_told_once_and_what_follows_it_is_believed() -> None:
    services = FakeServices()
    journal = spoilt([*runs(services, 2), GARBAGE], services)
    number = journal.next_number("run")
    journal.tell(f"run-{number}", "run.started", "", run=number)
    after = reopened(services)
    assert [one.event for one in after.records()] == [MARK, "run.started"]
    assert told(services) == [(MARK, "unreadable")]
    later = spoilt([*services.store.lines(FILE), GARBAGE], services)
    assert [one.event for one in later.records()] == [MARK]
    assert later.next_number("run") > number
    assert len(told(services)) == 2


@pytest.mark.parametrize(
    "line",
    [
        "null",
        "[]",
        "{}",
        '"text"',
        "[" * 100_000,
        '{"number": 1}',
        json.dumps({**json.loads(NEWER), "at": 5}),
        '{"at":"2026-03-01T02:00:00","operation":"a","event":"b","cause":"","detail":{},"number":1}',
        '{"at":"2026-03-01T02:00:00+00:00","operation":7,"event":"b","cause":"","detail":{},"number":1}',
        '{"at":"2026-03-01T02:00:00+00:00","operation":"a","event":"b","cause":"","detail":[],"number":1}',
        '{"at":"2026-03-01T02:00:00+00:00","operation":"a","event":"journal.damaged","cause":"","detail":{},"number":1}',
    ],
)
def test_whatever_a_line_holds_the_engine_comes_up(line: str) -> None:
    services = FakeServices()
    assert [one.event for one in spoilt([line], services).records()] == [MARK]


def test_a_line_of_a_newer_format_is_named_as_such() -> None:
    services = FakeServices()
    spoilt([NEWER], services)
    assert told(services) == [(MARK, "newer-format")]


@pytest.mark.covers("T12", "F6")
def test_a_switchover_whose_end_is_lost_is_never_driven_again() -> None:
    services = Pair("pbx2").services
    taken = {"operation": "switchover-1", "epoch": 2, "settled": True}
    services.local.answer("status", status("pbx2", takeover=taken))
    services.local.answer("module get", {"values": stored(configuration())})
    local, calendar = services.local, services.calendar
    asked = Record(
        1,
        calendar.now(),
        "switchover-1",
        "switchover.asked",
        "",
        {"operation": "switchover-1", "by": "admin", "confirmed": True},
    )
    claimed = Record(2, calendar.now(), "switchover-1", "switchover.silent", "", {"epoch": 2})
    services.store.append(FILE, line_of(asked))
    services.store.append(FILE, line_of(claimed))
    services.store.append(FILE, GARBAGE)  # "switchover.finished", once
    engine = Engine(services)
    engine._resume_switchover()
    assert services.addresses.announced == []
    assert not [one for one in local.calls if one.argv[0] in {"settle", "takeover", "modules"}]


@pytest.mark.covers("T12", "T11")
def test_nothing_is_done_while_the_journal_cannot_be_read_and_all_goes_on_when_it_can() -> None:
    daemon = Daemon(attempts_max=1)
    services = daemon.services
    services.store.unreadable = OSError(errno.EIO, "Input/output error")
    daemon.engine = Engine(services)
    with pytest.raises(DiskFailed):
        daemon.engine.journal.records()
    with pytest.raises(DiskFailed):
        daemon.engine.journal.tell("run-1", "run.started")

    def heal() -> None:
        services.store.unreadable = None

    daemon.at(timedelta(minutes=5), heal)
    daemon.until(HOUR + timedelta(minutes=30))
    assert {one.cause for one in services.reports if one.event == "trouble"} == {"disk-error"}
    assert daemon.engine.journal.records("run-1")[-1].event == "run.succeeded"


def test_runs_that_were_lost_are_left_out_of_the_history() -> None:
    services = FakeServices()
    journal = spoilt([*runs(services, 3), GARBAGE], services)
    number = journal.next_number("run")
    journal.tell(
        f"run-{number}",
        "run.started",
        run=number,
        epoch=1,
        attempts_max=1,
        after_failure=False,
    )
    assert [one.run for one in history.runs(journal)] == [number]


def test_bytes_that_are_no_text_are_a_line_that_cannot_be_read(tmp_path: Path) -> None:
    services = FakeServices()
    (line,) = runs(services, 1)
    (tmp_path / FILE).write_bytes(line.replace("run.started", "\xff").encode("latin-1") + b"\n")
    journal = Journal(FileStore(tmp_path), services.calendar, services.report)
    assert [one.event for one in journal.records()] == [MARK]


def marks(journal: Journal) -> list[tuple[str, dict[str, object]]]:
    return [(one.operation, dict(one.detail)) for one in journal.records() if one.event == MARK]


@pytest.mark.covers("T12")
def test_the_mark_says_how_many_lines_and_which_number_may_be_lost() -> None:
    services = FakeServices()
    first, _, third = runs(services, 3)
    journal = spoilt([first, "\0" * 250, third], services)
    detail = {"file": FILE, "lines": 1, "highest": 3 + 1 + 2}  # 250 signs may be 3 records
    assert marks(journal) == [("journal", detail)]
    assert [dict(one.detail) for one in services.reports if one.event == MARK] == [detail]


def test_each_line_that_cannot_be_read_may_be_one_record_at_least() -> None:
    journal = spoilt(["x", "y"], FakeServices())
    assert [detail["highest"] for _, detail in marks(journal)] == [2]


def test_a_later_mark_counts_on_from_an_earlier_one() -> None:
    services = FakeServices()
    spoilt(["\0" * 1000], services)
    later = spoilt([*services.store.lines(FILE), "x"], services)
    assert [detail["highest"] for _, detail in marks(later)] == [11 + 1]


def test_a_newer_format_that_was_told_of_explains_no_later_damage() -> None:
    services = FakeServices()
    spoilt([NEWER], services)
    spoilt([*services.store.lines(FILE), GARBAGE], services)
    assert told(services) == [(MARK, "newer-format"), (MARK, "unreadable")]


@pytest.mark.parametrize("operation", ["journal", "run-x", "run-\u0663", "run-\u00b2"])
def test_an_operation_without_an_ascii_number_counts_as_none(operation: str) -> None:
    services = FakeServices()
    services.store = MemoryStore()
    reopened(services).tell(operation, "told")
    journal = spoilt([*services.store.lines(FILE), "x"], services)
    assert [(one["lines"], one["highest"]) for _, one in marks(journal)] == [(1, 1)]


def test_a_mark_that_a_full_disk_refuses_names_the_full_disk() -> None:
    services = FakeServices()
    services.store.append(FILE, GARBAGE)
    services.store.failing = [OSError(errno.ENOSPC, "No space left on device")] * 2
    journal = reopened(services)
    with pytest.raises(DiskFailed, match="No space left on device") as failed:
        journal.records()
    assert failed.value.code == "disk-full"


def test_what_is_no_record_is_said_in_words() -> None:
    services = FakeServices()
    (line,) = runs(services, 1)
    values = {name: value for name, value in json.loads(line).items() if name != "crc"}
    names = r"^a record has a number, and names operation, event and cause$"
    for wrong in ({"number": "1"}, {"operation": 7}, {"event": None}, {"cause": 0}):
        with pytest.raises(TypeError, match=names):
            load({**values, **wrong})
    for wrong in ({"detail": []}, {"at": "2026-03-01T02:00:00"}):
        with pytest.raises(
            TypeError, match=r"^a record's detail is an object, and its time has a zone$"
        ):
            load({**values, **wrong})
