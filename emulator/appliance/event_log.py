"""The appliance's log: one JSON object a line, in at most three files of 10 MB."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from itertools import pairwise
from typing import Any, Literal
from zoneinfo import ZoneInfo

from emulator.ports import Disk

NEWEST = "log/events.jsonl"
FILES = (NEWEST, "log/events.1.jsonl", "log/events.2.jsonl")  # newest first
LARGEST = 10_000_000  # bytes of a file

Level = Literal["error", "warning", "info", "debug"]
LEVELS: tuple[Level, ...] = ("error", "warning", "info", "debug")

_ERRORS = frozenset({"defect", "address.conflict", "run.refused", "data.aged"})
_WARNINGS = frozenset({"deferred", "fenced", "attempt.indefinite", "run.waiting"})
_DEBUG_SOURCES = frozenset({"address", "wire"})


class EventLog:
    """Takes lines; the oldest ones go when a fourth file would be needed."""

    def __init__(self, disk: Disk) -> None:
        self._disk = disk
        self._file = disk.append(NEWEST)
        self._size = disk.size(NEWEST)

    def write(self, line: bytes) -> None:
        """Append a line; OSError when the disk is full."""
        if self._size and self._size + len(line) > LARGEST:
            self._turn()
        self._file.write(line)
        self._size += len(line)

    def _turn(self) -> None:
        self._file.close()
        for newer, older in reversed(tuple(pairwise(FILES))):
            with contextlib.suppress(FileNotFoundError):
                self._disk.rename(newer, older)
        self._file, self._size = self._disk.append(NEWEST), 0


def rows(disk: Disk, file: str) -> Iterator[Mapping[str, Any]]:
    """Give the events of a file, oldest first; lines that a power cut has torn are left out."""
    try:
        with disk.open(file) as source:
            for line in source:
                row = _row(line)
                if row is not None:
                    yield row
    except FileNotFoundError:
        return


def _row(line: bytes) -> Mapping[str, Any] | None:
    try:
        row = json.loads(line)
    except ValueError:
        return None
    return row if isinstance(row, dict) and {"served", "source", "event"} <= row.keys() else None


def level(row: Mapping[str, Any]) -> Level:
    """Return how grave an event is."""
    event = str(row["event"])
    if event in _ERRORS or event.endswith((".failed", ".step-failed")):
        return "error"
    denied = event == "login" and row.get("cause") != "accepted"
    if denied or event in _WARNINGS or event.endswith((".refused", ".delayed", ".skipped")):
        return "warning"
    if event == "progress" or row["source"] in _DEBUG_SOURCES:
        return "debug"
    return "info"


def shown(row: Mapping[str, Any], upto: Level) -> bool:
    """Whether a level shows an event: levels are cumulative, graver ones are in it (R19)."""
    return LEVELS.index(level(row)) <= LEVELS.index(upto)


def words(row: Mapping[str, Any], zone: str) -> str:
    """Render an event in one line: when, how grave, what, with which result, on what."""
    stamp = datetime.fromisoformat(row["served"]).astimezone(ZoneInfo(zone))
    cause = f" [{row['cause']}]" if row.get("cause") else ""
    detail = " ".join(f"{name}={value}" for name, value in (row.get("detail") or {}).items())
    grave = level(row).upper()
    line = f"{stamp:%Y-%m-%d %H:%M:%S} {grave:<7} {row['source']} {row['event']}{cause} {detail}"
    return "".join(sign if sign.isprintable() else " " for sign in line).rstrip()
