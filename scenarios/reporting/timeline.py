"""The timeline of a drill as geometry: lanes, bars, marks; `report.html` draws them as SVG."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from scenarios.record import Record, Watch
from scenarios.reporting.clocks import Clocks
from scenarios.reporting.faults import FaultSpan, fault_spans
from scenarios.reporting.owners import Spell, spells

WIDTH, LEFT, RIGHT = 1000.0, 92.0, 14.0
LANE, GAP, TOP = 24.0, 8.0, 44.0
_NEAR = 18.0  # marks that are closer share a lane by standing one above the other
_PATIENCE = 1.2  # of its interval until a telephone that was not answered counts as away
_JUMP_S = 30.0  # smaller moves of the Calendar are not drawn
_TICKS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1800, 3600, 7200, 14400)
_TICKS_MAX = 12
_MARKED = {
    ("engine", "run.succeeded"): "succeeded",
    ("engine", "attempt.failed"): "failed",
    ("engine", "run.failed"): "failed",
    ("appliance", "import.committed"): "imported",
    ("appliance", "takeover.committed"): "claimed",
    ("engine", "switchover.refused"): "failed",
}


@dataclass(frozen=True)
class Bar:
    """Something that lasts: `kind` is its class in the drawing, `label` what it says."""

    x: float
    width: float
    kind: str
    label: str


@dataclass(frozen=True)
class Mark:
    """Something that happens at an instant; `row` 0 or 1 keeps neighbours apart."""

    x: float
    kind: str
    label: str
    row: int = 0


@dataclass(frozen=True)
class Lane:
    """One line of the drawing.

    Attributes:
        name: a node, or `steps`, `address`.
        y: its upper edge.
    """

    name: str
    y: float
    bars: tuple[Bar, ...]
    marks: tuple[Mark, ...]


@dataclass(frozen=True)
class Timeline:
    """The whole drawing; all numbers are units of its view box."""

    height: float
    lanes: tuple[Lane, ...]
    ticks: tuple[tuple[float, float], ...]  # (x, seconds since the begin)
    jumps: tuple[tuple[float, float], ...]  # (x, seconds that the Calendar was moved by)


class _Scale:
    def __init__(self, began_s: float, ended_s: float) -> None:
        self.began_s = began_s
        self.length_s = max(ended_s - began_s, 0.001)

    def x(self, wall_s: float) -> float:
        part = min(max((wall_s - self.began_s) / self.length_s, 0.0), 1.0)
        return round(LEFT + part * (WIDTH - LEFT - RIGHT), 1)

    def bar(self, since_s: float, until_s: float, kind: str, label: str) -> Bar:
        x = self.x(since_s)
        return Bar(x, round(max(self.x(until_s) - x, 2.0), 1), kind, label)


def timeline(record: Record) -> Timeline:
    """Lay a record out."""
    clocks = Clocks(record)
    ends = [watch.answers[-1][0] for watch in _watches(record) if watch.answers]
    scale = _Scale(clocks.began_s, max([clocks.ended_s, *ends]))
    faults = fault_spans(record)
    drawn: list[tuple[str, list[Bar], list[Mark]]] = [("steps", [], list(_steps(record, scale)))]
    for node in record.appliances:
        bars = [*_powered(record, node.name, scale, faults)]
        bars += _broken(node.name, scale, faults)
        drawn.append((node.name, bars, list(_marks(record, node.name, scale))))
    places = sorted({one.node for one in faults} - {one.name for one in record.appliances})
    drawn.extend((place, _broken(place, scale, faults), []) for place in places)
    if record.observed is not None:
        owned = _owned(spells(record.observed.answers, record), scale)
        drawn.append(("address", owned, []))
    for name, watch in sorted(record.pings.items()):
        drawn.append((name, _owned(spells(watch.answers, record), scale), []))
    for name, one in sorted(record.telephones.items()):
        owned = _owned(spells(one.answers, record, _PATIENCE * one.registers_every_s), scale)
        marks = [Mark(scale.x(at_s), "restarted", name) for at_s in one.restarts]
        drawn.append((name, owned, marks))
    lanes = tuple(
        Lane(name, TOP + index * (LANE + GAP), tuple(bars), _spread(marks))
        for index, (name, bars, marks) in enumerate(drawn)
    )
    height = TOP + len(lanes) * (LANE + GAP) + 26
    jumps = tuple((scale.x(at_s), by_s) for at_s, by_s in clocks.jumps(_JUMP_S))
    return Timeline(height, lanes, _ticks(scale), jumps)


def _broken(place: str, scale: _Scale, faults: Sequence[FaultSpan]) -> list[Bar]:
    """Return when something was wrong with a box, the LAN, or the mail server."""
    return [
        scale.bar(one.since_s, one.until_s, "fault", one.name)
        for one in faults
        if one.node == place
    ]


def _watches(record: Record) -> Iterator[Watch]:
    if record.observed is not None:
        yield record.observed
    yield from record.watches.values()


def _steps(record: Record, scale: _Scale) -> Iterator[Mark]:
    """Yield a mark for each step; steps that begin close together share one: `4-6`."""
    groups: list[tuple[float, list[str]]] = []
    for event in record.select("runner", "step"):
        x, number = scale.x(event.wall_s), str(event.detail.get("position", ""))
        if groups and x - groups[-1][0] < _NEAR:
            groups[-1][1].append(number)
        else:
            groups.append((x, [number]))
    for x, numbers in groups:
        yield Mark(
            x, "step", numbers[0] if len(numbers) == 1 else f"{numbers[0]}\u2013{numbers[-1]}"
        )


def _marks(record: Record, node: str, scale: _Scale) -> Iterator[Mark]:
    for event in record.events:
        kind = _MARKED.get((event.source, event.event))
        if kind is not None and event.node == node:
            yield Mark(scale.x(event.wall_s), kind, event.event)


def _powered(
    record: Record, node: str, scale: _Scale, faults: Sequence[FaultSpan]
) -> Iterator[Bar]:
    """Yield when a box was on: from each boot to the next power cut or stop."""
    boots = [event.wall_s for event in record.select("appliance", "booted", node=node)]
    ends = [event.wall_s for event in record.select("appliance", "stopped", node=node)]
    ends += [one.since_s for one in faults if (one.node, one.name) == (node, "power-off")]
    last_s = scale.began_s + scale.length_s
    for boot_s, next_s in pairwise([*boots, last_s]):
        end_s = min((one for one in ends if one > boot_s), default=next_s)
        yield scale.bar(boot_s, min(end_s, next_s), "on", "")


def _owned(found: Iterable[Spell], scale: _Scale) -> list[Bar]:
    return [scale.bar(one.since_s, one.until_s, _colour(one.owner), one.owner) for one in found]


def _colour(owner: str) -> str:
    return owner if owner in {"pbx1", "pbx2"} else "stranger"


def _spread(marks: Sequence[Mark]) -> tuple[Mark, ...]:
    """Put every second one of marks that are close to each other into the other row."""
    placed: list[Mark] = []
    for mark in marks:
        last = placed[-1] if placed else None
        near = last is not None and mark.x - last.x < _NEAR
        row = 1 - last.row if last is not None and near else 0
        placed.append(Mark(mark.x, mark.kind, mark.label, row))
    return tuple(placed)


def _ticks(scale: _Scale) -> tuple[tuple[float, float], ...]:
    every = next((one for one in _TICKS if scale.length_s / one <= _TICKS_MAX), _TICKS[-1])
    count = int(scale.length_s / every)
    return tuple((scale.x(scale.began_s + n * every), n * every) for n in range(count + 1))
