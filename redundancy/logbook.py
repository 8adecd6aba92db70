"""The module's log for people: the journal in lines, by level (R19): pure.

Levels are cumulative: whoever asks for `warning` gets errors too. Nothing secret can stand in
it, for the journal holds none.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal
from zoneinfo import ZoneInfo

from redundancy.journal import Record

LogLevel = Literal["error", "warning", "info", "debug"]
LEVELS: tuple[LogLevel, ...] = ("error", "warning", "info", "debug")

_ERRORS = frozenset(
    {
        "run.failed",
        "run.refused",
        "switchover.step-failed",
        "switchover.overridden",
        "data.aged",
        "configuration.malformed",
        "journal.damaged",
        "address.contested",
    }
)
_WARNINGS = frozenset(
    {
        "attempt.failed",
        "attempt.indefinite",
        "run.backup-awaited",
        "slot.delayed",
        "slot.skipped",
        "switchover.refused",
    }
)


def level(record: Record) -> LogLevel:
    """Return how grave a record is."""
    if record.event.startswith("intent."):
        return "debug"
    if record.event in _ERRORS:
        return "error"
    return "warning" if record.event in _WARNINGS else "info"


def lines(records: Iterable[Record], upto: LogLevel, zone: str) -> list[str]:
    """Return the records of a level and of all graver ones, oldest first, in local time."""
    shown = LEVELS[: LEVELS.index(upto) + 1]
    local = ZoneInfo(zone)
    return [_line(one, local) for one in records if level(one) in shown]


def _line(record: Record, zone: ZoneInfo) -> str:
    stamp = record.at.astimezone(zone).strftime("%Y-%m-%d %H:%M:%S")
    cause = f" [{record.cause}]" if record.cause else ""
    detail = " ".join(f"{name}={value}" for name, value in sorted(record.detail.items()))
    words = f"{stamp} {level(record).upper():<7} {record.operation} {record.event}{cause} {detail}"
    return "".join(one if one.isprintable() else " " for one in words).rstrip()
