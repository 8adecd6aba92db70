"""The table of a sweep: a row a named step, a column a crash, no cell empty."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from scenarios.sweep.cells import Cell, Crash, Place
from scenarios.sweep.sweeping import Swept

COLUMNS = (
    "scenario", "step", "node", "named step", "disk operations", "survivors", *Crash,
)  # fmt: skip


@dataclass
class Row:
    """A named step of a node within a step of the scenario, and all crashes in it.

    Attributes:
        times: how often the named step came.
        operations: disk operations from its beginning to the next one's.
        possible: worlds that power cuts after these operations may leave.
        same: of those, left out because an examined one is the same.
        cells: those that were examined, by crash.
    """

    scenario: str
    step: str
    node: str
    action: str
    times: int = 0
    operations: int = 0
    possible: int = 0
    same: int = 0
    cells: dict[Crash, list[Cell]] = field(default_factory=lambda: {one: [] for one in Crash})

    def add(self, places: Iterable[Place]) -> None:
        """Count some places in."""
        for place in places:
            self.cells[place.crash] += place.cells
            self.times += place.crash is Crash.KILLED_BEFORE
            if place.crash is Crash.POWER_CUT:
                self.operations += 1
                self.possible += place.possible
                self.same += place.same

    def verdict(self, crash: Crash, swept: Swept) -> str:
        """Return what became of the cells of a crash."""
        cells = self.cells[crash]
        failed = sum(cell in swept.failed for cell in cells)
        if failed:
            return f"FAILED {failed} of {len(cells)}"
        if any(cell not in swept.found for cell in cells):
            return "NOT EXAMINED"
        if cells:
            return f"{len(cells)} passed"
        return "the same" if self.same and crash is Crash.POWER_CUT else "no such step"

    def shown(self, swept: Swept) -> tuple[str, ...]:
        """Return the row as the table shows it."""
        examined = len(self.cells[Crash.POWER_CUT])
        counts = f"{examined} of {self.possible}" + (f", {self.same} same" if self.same else "")
        action = f"{self.action or 'before the first'}" + (
            f" x{self.times}" if self.times > 1 else ""
        )
        return (
            self.scenario, self.step, self.node, action, str(self.operations), counts,
            *(self.verdict(crash, swept) for crash in Crash),
        )  # fmt: skip


def rows(swept: Swept) -> list[Row]:
    """Put every place into its row.

    Operations before a node's first named step within a step of the scenario belong to
    that first one: they lead up to it.
    """
    found: dict[tuple[int, str, str], Row] = {}
    ordered = sorted(swept.places, key=lambda one: (one.point.number, one.point.node))
    for (number, node), group in groupby(ordered, lambda one: (one.point.number, one.point.node)):
        places = list(group)
        first = next(
            (one.point.action for one in places if one.crash is Crash.KILLED_BEFORE),
            places[0].point.action,
        )
        begun = False
        for place in places:
            begun |= place.crash is Crash.KILLED_BEFORE
            action = place.point.action if begun else first
            key = (number, node, action)
            row = found.setdefault(key, Row(swept.scenario, place.point.step, node, action))
            row.add([place])
    return list(found.values())


def shown(sweeps: Sequence[Swept]) -> list[tuple[str, ...]]:
    """Return the rows of the table."""
    return [row.shown(swept) for swept in sweeps for row in rows(swept)]


def as_json(sweeps: Sequence[Swept], bound: int) -> list[dict[str, Any]]:
    """Return every cell, as `--format json` shows it."""
    return [
        {
            "cell": str(cell),
            "step": place.point.step,
            "node": place.point.node,
            "named_step": place.point.action,
            "operation": place.point.operation,
            "crash": str(place.crash),
            "possible": place.possible,
            "same": place.same,
            "bound": bound,
            "alike": str(swept.alike[cell]) if cell in swept.alike else None,
            "verdict": _word(swept, cell),
            "evidence": list(swept.found.get(cell, ())),
        }
        for swept in sweeps
        for place in swept.places
        for cell in place.cells
    ]


def totals(sweeps: Sequence[Swept], bound: int) -> str:
    """Return one line that says what was examined, and what was not."""
    places = [place for swept in sweeps for place in swept.places]
    cuts = [place for place in places if place.crash is Crash.POWER_CUT]
    examined = sum(len(place.cells) for place in cuts)
    alike = sum(len(swept.alike) for swept in sweeps)
    left_out = sum(place.left_out for place in cuts)
    kills = sum(len(place.cells) for place in places) - examined
    return (
        f"{len(cuts)} disk operations, {sum(place.possible for place in cuts)} surviving worlds: "
        f"{examined} examined, {sum(place.same for place in cuts)} the same as one of these, "
        f"{left_out} beyond the bound of {bound} a power cut; {kills} kills; "
        f"{alike} crashes were after their boot as another one, whose end is theirs"
    )


def _word(swept: Swept, cell: Cell) -> str:
    if cell not in swept.found:
        return "not-examined"
    return "failed" if swept.found[cell] else "passed"
