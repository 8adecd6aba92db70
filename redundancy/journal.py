"""The engine's memory: intent, act, outcome.

Every line is one record. An intent without an outcome, found at start, becomes *observe*,
never *redo*: only the far side, or the state of this box, knows what became of it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from redundancy.ports import Calendar, Store

FILE = "journal.jsonl"


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


class Journal:
    """Append-only, durable before it returns, read whole at start.

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
        self._records = [load(json.loads(line)) for line in store.lines(FILE)]

    def records(self, operation: str | None = None) -> list[Record]:
        """Return all records, or those of one operation, oldest first."""
        rows = list(self._records)
        return rows if operation is None else [one for one in rows if one.operation == operation]

    def last(self, kind: str) -> str | None:
        """Return the newest operation of a kind (`run`, `switchover`), None if there is none."""
        prefix = f"{kind}-"
        for one in reversed(self._records):
            if one.operation.startswith(prefix):
                return one.operation
        return None

    def next_number(self, kind: str) -> int:
        """Return the number for a new operation of a kind; numbers never repeat."""
        last = self.last(kind)
        return int(last.rpartition("-")[2]) + 1 if last else 1

    def intend(self, operation: str, action: str, /, **detail: Any) -> None:
        """Write down what will be done next."""
        self._add(operation, f"intent.{action}", "", detail)

    def tell(self, operation: str, event: str, cause: str = "", /, **detail: Any) -> None:
        """Write down what happened, and report it."""
        self._add(operation, event, cause, detail)
        self._report(event, cause, detail)

    def _add(self, operation: str, event: str, cause: str, detail: Mapping[str, Any]) -> None:
        record = Record(
            len(self._records) + 1, self._calendar.now(), operation, event, cause, dict(detail)
        )
        self._store.append(FILE, json.dumps(row(record), sort_keys=True))
        self._records.append(record)


def row(record: Record) -> dict[str, Any]:
    """Return a record as JSON values, as the journal and a carried record hold it (D18)."""
    return {**record.__dict__, "at": record.at.isoformat()}


def load(values: Mapping[str, Any]) -> Record:
    """Read what `row` made."""
    return Record(**{**values, "at": datetime.fromisoformat(values["at"])})
