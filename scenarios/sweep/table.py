"""The table of a sweep: a row a named step, a column a crash, no cell empty."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from scenarios.sweep.cells import Cell, Crash, Place
from scenarios.sweep.killing import Kill
from scenarios.sweep.sweeping import Swept
from scenarios.sweep.workers import Killed

COLUMNS = (
    "scenario", "step", "node", "named step", "disk operations", "survivors", *Crash,
)  # fmt: skip

KILLED_COLUMNS = (
    "scenario", "step", "node", "named step", Crash.KILLED_BEFORE, Crash.KILLED_AFTER,
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
    """Return some lines that say what was examined, what stood for what, and what was not."""
    places = [place for swept in sweeps for place in swept.places]
    cuts = [place for place in places if place.crash is Crash.POWER_CUT]
    crashes = sum(len(place.cells) for place in places)
    cut = sum(len(place.cells) for place in cuts)
    possible, same = (sum(getattr(one, what) for one in cuts) for what in ("possible", "same"))
    missing = sum(place.left_out for place in cuts)
    alike = sum(len(swept.alike) for swept in sweeps)
    rest = f"{missing} BEYOND THE BOUND of {bound} a cut" if missing else "none was left out"
    return (
        f"{len(cuts)} disk operations, {possible} surviving worlds: the power was cut in {cut}, "
        f"{same} left the same disk at the same instant as one of these, {rest}\n"
        f"{crashes} crashes with {crashes - cut} kills: {crashes - alike} drills went to their "
        f"end; {alike} were after their boot as one of these in disk, record and instant, so that "
        "what follows is the same"
    )


def _word(swept: Swept, cell: Cell) -> str:
    if cell not in swept.found:
        return "not-examined"
    return "failed" if swept.found[cell] else "passed"


def killed_shown(sweeps: Sequence[Killed]) -> list[tuple[str, ...]]:
    """Return the rows of the table of a real backend: one a named step of an appliance."""
    rows = []
    for swept in sweeps:
        places: dict[tuple[int, str, str], list[Kill]] = defaultdict(list)
        for kill in swept.kills:
            action = f"{kill.stop.source} {kill.stop.event}"
            places[kill.position, kill.node, action].append(kill)
        for (_, node, action), kills in places.items():
            told = (_killed(swept, kills, crash) for crash in KILLED_COLUMNS[-2:])
            rows.append((kills[0].scenario, kills[0].step, node, action, *told))
    return rows


def _killed(swept: Killed, kills: Sequence[Kill], crash: str) -> str:
    cells = [str(one) for one in kills if one.crash == crash]
    failed = sum(bool(swept.found.get(one)) for one in cells)
    if failed:
        return f"FAILED {failed} of {len(cells)}"
    if not cells or any(one not in swept.found for one in cells):
        return "NOT EXAMINED"
    return f"{len(cells)} passed"


def killed_as_json(sweeps: Sequence[Killed]) -> list[dict[str, Any]]:
    """Return every cell of a real backend, as `--format json` shows it."""
    return [
        {
            "cell": str(kill),
            "step": kill.step,
            "node": kill.node,
            "named_step": f"{kill.stop.source} {kill.stop.event}",
            "crash": str(kill.crash),
            "verdict": "failed" if swept.found[str(kill)] else "passed",
            "evidence": list(swept.found[str(kill)]),
        }
        for swept in sweeps
        for kill in swept.kills
    ]
