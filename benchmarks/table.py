"""One row a figure: what was measured, beside what, and whether it is fast enough."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple


class Figure(NamedTuple):
    """A duration, measured several times, in seconds."""

    name: str
    samples_s: tuple[float, ...]

    @property
    def median_s(self) -> float:
        """The one in the middle."""
        return statistics.median(self.samples_s)


@dataclass(frozen=True)
class Row:
    """One line of the table.

    Attributes:
        measured, reference: what is compared.
        limit_s: the longest it may take; None where only the ratio counts.
        limit_ratio: the largest ratio to the reference; None where only the time counts.
    """

    measured: Figure
    reference: Figure
    limit_s: float | None = None
    limit_ratio: float | None = None

    @property
    def ratio(self) -> float:
        """How many times the reference it takes."""
        return self.measured.median_s / self.reference.median_s

    @property
    def met(self) -> bool:
        """Whether every limit holds."""
        in_time = self.limit_s is None or self.measured.median_s <= self.limit_s
        return in_time and (self.limit_ratio is None or self.ratio <= self.limit_ratio)

    @property
    def limit(self) -> str:
        """What is asked of it."""
        parts = []
        if self.limit_s is not None:
            parts.append(f"{self.limit_s:g} s")
        if self.limit_ratio is not None:
            parts.append(f"x {self.limit_ratio:g}")
        return ", ".join(parts)


def timed(name: str, act: Callable[[], object], times: int) -> Figure:
    """Time an act; one more, before, warms up what is cached."""
    act()
    samples = []
    for _ in range(times):
        started_s = time.monotonic()
        act()
        samples.append(time.monotonic() - started_s)
    return Figure(name, tuple(samples))


def render(rows: list[Row]) -> str:
    """Lay the rows out."""
    head = ("", "measured", "median", "min..max", "reference", "median", "ratio", "limit")
    lines = [head]
    for row in rows:
        low, high = min(row.measured.samples_s), max(row.measured.samples_s)
        lines.append(
            (
                "ok" if row.met else "SLOW",
                row.measured.name,
                f"{row.measured.median_s:.3f} s",
                f"{low:.3f}..{high:.3f}",
                row.reference.name,
                f"{row.reference.median_s:.3f} s",
                f"x {row.ratio:.2f}",
                row.limit,
            )
        )
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    return "\n".join(
        "  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )
