"""What became of every drill, for good: one line each, written at once, never changed.

A line is whole or it is none: the last one may be torn by the end of whoever wrote it, and
counts as not written. So a campaign that was killed goes on where it was.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple


class Key(NamedTuple):
    """What makes a drill the same one: which program, which kind, which seed, which plan."""

    commit: str
    scenario: str
    seed: int
    plan: str


@dataclass(frozen=True)
class Line:
    """What is kept of a drill that has ended.

    Attributes:
        commit, scenario, seed, plan: its key; `plan` is the hash of what it does.
        verdict: passed, failed, inconclusive, or broken.
        failures: (invariant, cause) of each violation.
        evidence: of each of them.
        trace_hash: of its trace.
        reached: the rare states that it saw.
    """

    commit: str
    scenario: str
    seed: int
    plan: str
    verdict: str
    failures: tuple[tuple[str, str], ...]
    evidence: tuple[str, ...]
    trace_hash: str
    reached: tuple[str, ...]

    @property
    def key(self) -> Key:
        """What makes it the same drill."""
        return Key(self.commit, self.scenario, self.seed, self.plan)


class Store:
    """The lines of one file; several writers at once are fine.

    Args:
        path: of the file; it is made with the first line.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def lines(self) -> Iterator[Line]:
        """Yield every line that is whole, each drill once."""
        if not self._path.is_file():
            return
        known: set[Key] = set()
        for text in self._path.read_text(encoding="utf-8").split("\n"):
            line = _read(text)
            if line is not None and line.key not in known:
                known.add(line.key)
                yield line

    def append(self, line: Line) -> None:
        """Write a line, durable when this returns."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        data = (json.dumps(asdict(line), ensure_ascii=False) + "\n").encode()
        file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
        try:
            os.write(file, data if _ends_well(file) else b"\n" + data)
            os.fdatasync(file)
        finally:
            os.close(file)


def _ends_well(file: int) -> bool:
    """Say whether the file ends with a whole line; a torn one is left alone."""
    size = os.fstat(file).st_size
    return not size or os.pread(file, 1, size - 1) == b"\n"


def _read(text: str) -> Line | None:
    try:
        row: dict[str, Any] = json.loads(text)
        return Line(
            **{
                **row,
                "failures": tuple((one[0], one[1]) for one in row["failures"]),
                "evidence": tuple(row["evidence"]),
                "reached": tuple(row["reached"]),
            }
        )
    except (ValueError, TypeError, KeyError, IndexError):
        return None
