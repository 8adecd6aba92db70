"""One row a figure: what was measured, beside what, and whether it is fast enough."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple


class Figure(NamedTuple):
    """Something measured, once or several times.

    Attributes:
        name: what.
        samples: in the unit.
        unit: seconds unless said otherwise.
    """

    name: str
    samples: tuple[float, ...]
    unit: str = "s"

    @property
    def median(self) -> float:
        """The one in the middle."""
        return statistics.median(self.samples)


@dataclass(frozen=True)
class Row:
    """One line of the table.

    Attributes:
        measured, reference: what is compared.
        limit: the most it may be, in the unit; None where only the ratio counts.
        limit_ratio: the largest ratio to the reference; None where only the figure counts.
    """

    measured: Figure
    reference: Figure
    limit: float | None = None
    limit_ratio: float | None = None

    @property
    def ratio(self) -> float:
        """How many times the reference it is."""
        return self.measured.median / self.reference.median

    @property
    def met(self) -> bool:
        """Whether every limit holds."""
        within = self.limit is None or self.measured.median <= self.limit
        return within and (self.limit_ratio is None or self.ratio <= self.limit_ratio)

    @property
    def limits(self) -> str:
        """What is asked of it."""
        parts = []
        if self.limit is not None:
            parts.append(f"{self.limit:g} {self.measured.unit}")
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
        low, high = min(row.measured.samples), max(row.measured.samples)
        lines.append(
            (
                "ok" if row.met else "SLOW",
                row.measured.name,
                f"{row.measured.median:.3f} {row.measured.unit}",
                f"{low:.3f}..{high:.3f}",
                row.reference.name,
                f"{row.reference.median:.3f} {row.reference.unit}",
                f"x {row.ratio:.3g}",
                row.limits,
            )
        )
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    return "\n".join(
        "  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )
