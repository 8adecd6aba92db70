"""The engine's memory: intent, act, outcome.

Every line is one record. An intent without an outcome, found at start, becomes *observe*,
never *redo*: only the far side, or the state of this box, knows what became of it.

Where lines cannot be read, nothing before them is believed: what they said of an operation
may have been its end. The journal goes on after a mark, as that of a new appliance would, and
no operation is resumed, none repeated. The file keeps every byte for people to look at. A line
carries the CRC-32 of its record, so that one whose bits have turned is not read as another.
"""

from __future__ import annotations

import contextlib
import json
import threading
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, NamedTuple

from redundancy.errors import DiskFailed
from redundancy.ports import Calendar, Store

FILE = "journal.jsonl"
MARK = "journal.damaged"
SHORTEST = 100  # characters of a record; so many may have stood where there is garbage now


@dataclass(frozen=True)
class Record:
    """One line of the journal.

    Attributes:
        number: rises by one.
        at: the Calendar.
        operation: what it belongs to: `run-3`, `switchover-1`, `initialise-1`.
        event: as in docs/design.md, "Events"; intents are `intent.<action>`.
        cause: a code; "" where nothing went wrong.
        detail: JSON values; never a secret.
    """

    number: int
    at: datetime
    operation: str
    event: str
    cause: str
    detail: Mapping[str, Any]


class _Read(NamedTuple):
    """What the file holds.

    Attributes:
        records: all that can be believed, oldest first.
        garbage: lines that cannot be read and that no mark follows yet.
        newer: one of them is of a newer format.
        highest: number of any operation that was seen.
    """

    records: list[Record]
    garbage: list[str]
    newer: bool
    highest: int


class Journal:
    """Append-only, durable before it returns, read whole at start.

    While the file cannot be read nothing is known: every method raises `DiskFailed`, and the
    next one tries again.

    Args:
        store: where the lines lie.
        calendar: stamps them.
        report: also told of every record that is not an intent.
    """

    def __init__(
        self,
        store: Store,
        calendar: Calendar,
        report: Callable[[str, str, Mapping[str, Any]], None],
    ) -> None:
        self._store = store
        self._calendar = calendar
        self._report = report
        self._reading = threading.Lock()
        self._known: list[Record] | None = None
        with contextlib.suppress(DiskFailed):  # said by whoever asks next
            self._known_records()

    def records(self, operation: str | None = None) -> list[Record]:
        """Return all records, or those of one operation, oldest first."""
        rows = list(self._known_records())
        return rows if operation is None else [one for one in rows if one.operation == operation]

    def last(self, kind: str) -> str | None:
        """Return the newest operation of a kind (`run`, `switchover`), None if there is none."""
        prefix = f"{kind}-"
        for one in reversed(self._known_records()):
            if one.operation.startswith(prefix):
                return one.operation
        return None

    def next_number(self, kind: str) -> int:
        """Return the number for a new operation of a kind; numbers never repeat."""
        last = self.last(kind)
        if last:
            return _number(last) + 1
        marks = [one.detail["highest"] for one in self._known_records() if one.event == MARK]
        return int(max(marks, default=0)) + 1

    def intend(self, operation: str, action: str, /, **detail: Any) -> None:
        """Write down what will be done next.

        Raises:
            DiskFailed: it could not be written down, so it must not be done.
        """
        self._add(operation, f"intent.{action}", "", detail)

    def tell(self, operation: str, event: str, cause: str = "", /, **detail: Any) -> None:
        """Write down what happened, and report it.

        Raises:
            DiskFailed: it happened, and is found out again by whoever resumes.
        """
        self._add(operation, event, cause, detail)
        self._report(event, cause, detail)

    def _add(self, operation: str, event: str, cause: str, detail: Mapping[str, Any]) -> None:
        self._append(self._known_records(), operation, event, cause, detail)

    def _append(
        self,
        records: list[Record],
        operation: str,
        event: str,
        cause: str,
        detail: Mapping[str, Any],
    ) -> None:
        number = records[-1].number + 1 if records else 1
        record = Record(number, self._calendar.now(), operation, event, cause, dict(detail))
        try:
            self._store.append(FILE, line_of(record))
        except OSError as error:
            raise DiskFailed(error) from error
        records.append(record)

    def _known_records(self) -> list[Record]:
        """Return what can be believed, read when it is first asked for.

        Raises:
            DiskFailed: the file cannot be read, or the mark not be written.
        """
        with self._reading:
            if self._known is None:
                self._known = self._read()
            return self._known

    def _read(self) -> list[Record]:
        try:
            read = _believed(self._store.lines(FILE))
        except OSError as error:
            raise DiskFailed(error) from error
        if read.garbage:
            lost = sum(1 + len(line) // SHORTEST for line in read.garbage)
            cause = "newer-format" if read.newer else "unreadable"
            detail = {"file": FILE, "lines": len(read.garbage), "highest": read.highest + lost}
            self._append(read.records, "journal", MARK, cause, detail)
            self._report(MARK, cause, detail)
        return read.records


def _believed(lines: Sequence[str]) -> _Read:
    """Sort lines into what can be believed and what cannot; a mark settles all before it."""
    records: list[Record] = []
    garbage: list[str] = []
    newer, highest = False, 0
    for line in lines:
        try:
            values = json.loads(line)
            newer = newer or (isinstance(values, dict) and not _FIELDS.issuperset(values))
            record = load(_intact(values))
            marked = record.event == MARK
            number = int(record.detail["highest"]) if marked else _number(record.operation)
        except (ValueError, TypeError, KeyError, RecursionError):
            garbage.append(line)
            records.clear()
            continue
        if marked:
            records, garbage, newer = [], [], False
        if not garbage:
            records.append(record)
        highest = max(highest, number)
    return _Read(records, garbage, newer, highest)


def _number(operation: str) -> int:
    """Return the number in an operation's name, 0 if there is none."""
    number = operation.rpartition("-")[2]
    return int(number) if number.isdecimal() and number.isascii() else 0


def row(record: Record) -> dict[str, Any]:
    """Return a record as JSON values, as the journal and a carried record hold it (D18)."""
    return {**record.__dict__, "at": record.at.isoformat()}


def load(values: Mapping[str, Any]) -> Record:
    """Read what `row` made.

    Raises:
        ValueError, TypeError, KeyError: it is none.
    """
    record = Record(**{**values, "at": datetime.fromisoformat(values["at"])})
    texts = (record.operation, record.event, record.cause)
    if not all(isinstance(one, str) for one in texts) or type(record.number) is not int:
        raise TypeError("a record has a number, and names operation, event and cause")
    if not isinstance(record.detail, dict) or record.at.tzinfo is None:
        raise TypeError("a record's detail is an object, and its time has a zone")
    return record


def line_of(record: Record) -> str:
    """Return the line that stands for a record: its row and the CRC-32 of that."""
    values = row(record)
    return json.dumps({**values, _CRC: _crc(values)}, sort_keys=True)


def _intact(values: dict[str, Any]) -> dict[str, Any]:
    """Return a line's row.

    Raises:
        ValueError, TypeError, KeyError: it is not as it was written.
    """
    kept = dict(values)
    if kept.pop(_CRC) != _crc(kept):
        raise ValueError("the line is not as it was written")
    return kept


def _crc(values: Mapping[str, Any]) -> str:
    return f"{zlib.crc32(json.dumps(values, sort_keys=True).encode()):08x}"


_CRC = "crc"
_FIELDS = frozenset({_CRC, *(one.name for one in fields(Record))})
