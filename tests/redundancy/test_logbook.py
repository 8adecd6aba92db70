"""The module's log for people."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from redundancy import logbook
from redundancy.journal import Record
from redundancy.logbook import LogLevel

AT = datetime(2030, 1, 7, 1, 30, tzinfo=UTC)


def record(event: str, cause: str = "", **detail: object) -> Record:
    return Record(1, AT, "run-1", event, cause, detail)


RECORDS = [
    record("run.started"),
    record("intent.send"),
    record("attempt.failed", "connection-lost", message="reset\nby peer"),
    record("run.failed", "connection-lost"),
]


@pytest.mark.covers("R19")
@pytest.mark.parametrize(
    ("level", "count"), [("error", 1), ("warning", 2), ("info", 3), ("debug", 4)]
)
def test_each_level_shows_its_own_records_and_all_graver_ones(level: LogLevel, count: int) -> None:
    assert len(logbook.lines(RECORDS, level, "UTC")) == count


def test_a_line_tells_local_time_level_operation_cause_and_detail_on_one_line() -> None:
    (line,) = logbook.lines([RECORDS[2]], "debug", "Europe/Berlin")
    assert line == (
        "2030-01-07 02:30:00 WARNING run-1 attempt.failed [connection-lost] message=reset by peer"
    )
