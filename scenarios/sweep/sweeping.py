"""Runs the sweep of a scenario, or one cell of it."""

from __future__ import annotations

import gc
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any, Protocol

from emulator.lab import LabSpec
from emulator.sim.lab import SimLab, SimMaker
from scenarios.blueprint import POWER_ON, Ground, seeded_entropy
from scenarios.evidence import load
from scenarios.making import commit
from scenarios.models.scenario import Scenario
from scenarios.narration import Silence
from scenarios.places import SIM_SUBNET
from scenarios.record import Plan, Record
from scenarios.rehearsing import rehearse
from scenarios.runner import Order, run
from scenarios.spares import drawn_for
from scenarios.sweep.branching import Branches
from scenarios.sweep.cells import Cell, Place, SweepBroken
from scenarios.sweep.crashing import Saboteur
from scenarios.sweep.judging import Undisturbed, faults, undisturbed

SEED = 1
_MAKER = SimMaker()


@dataclass
class Swept:
    """What a sweep has found.

    Attributes:
        scenario: its id.
        places: every place that the drill offered, in order.
        found: the faults of every cell that was examined.
        alike: cells that after their boot were as another one was after its own: same disk,
            same events, same instant of the crash; that one's end is theirs.
    """

    scenario: str
    places: list[Place] = field(default_factory=list)
    found: dict[Cell, tuple[str, ...]] = field(default_factory=dict)
    alike: dict[Cell, Cell] = field(default_factory=dict)

    @property
    def failed(self) -> dict[Cell, tuple[str, ...]]:
        """The cells with faults."""
        return {cell: lines for cell, lines in self.found.items() if lines}

    @property
    def complete(self) -> bool:
        """Whether no world was left out for the bound, and of every cell something is known."""
        return not self.unexamined and not any(place.left_out for place in self.places)

    @property
    def unexamined(self) -> list[Cell]:
        """Cells that were offered and about which nothing is known; there should be none."""
        return [cell for place in self.places for cell in place.cells if cell not in self.found]


class SimLabMaker(Protocol):
    """Makes simulated labs."""

    def make(self, spec: LabSpec, workdir: Path) -> SimLab:
        """Build and boot."""


@dataclass
class _Maker:
    """Makes simulated labs with a saboteur in them (`emulator.lab.LabMaker`)."""

    maker: SimLabMaker
    saboteur: Saboteur

    def make(self, spec: LabSpec, workdir: Path) -> SimLab:
        lab = self.maker.make(spec, workdir)
        self.saboteur.watch(lab)
        return lab


def sweep(  # noqa: PLR0913 - what is crashed, where, how much of it at once, who is told
    scenario: Scenario,
    *,
    jobs: int,
    bound: int,
    wanted: Callable[[Cell], bool] = lambda _: True,
    maker: SimLabMaker = _MAKER,
    first: int = 1,
    progress: Callable[[int, int], None] = lambda _done, _of: None,
) -> Swept:
    """Crash a scenario's appliances wherever they can be crashed.

    Args:
        scenario: a drill that passes.
        jobs: how many processes work at once.
        bound: how many worlds of one power cut are examined at most.
        wanted: which cells are examined; the others are not even counted.
        maker: makes the labs, perhaps with another engine in them.
        first: the number of the first step in which anything is crashed.
        progress: told how many cells are done, and of how many.

    Raises:
        SweepBroken: the drill does not pass without a crash.
    """
    swept = Swept(scenario.id)
    idle = Saboteur(scenario.id, lambda _cell: False, bound, first=first)
    without = baseline(scenario, maker, idle)
    total = sum(wanted(cell) for place in idle.places for cell in place.cells)

    def take(key: str, result: Mapping[str, Any] | None) -> None:
        lines = ["the drill ended without a verdict"] if result is None else result["faults"]
        swept.found[Cell.parse(key)] = tuple(lines)
        progress(len(swept.found) + len(swept.alike), total)

    known: dict[str, Cell] = {}

    def admit(key: str, state: str) -> bool:
        cell = Cell.parse(key)
        first = known.setdefault(state, cell)
        if first != cell:
            swept.alike[cell] = first
        return first == cell

    branches = Branches(jobs, admit, take)
    saboteur = Saboteur(
        scenario.id,
        lambda cell: wanted(cell) and branches.branch(str(cell)),
        bound,
        lambda state: branches.ask(sha256(state.encode()).hexdigest()),
        first=first,
    )
    gc.collect()
    gc.disable()  # a collection in a branch would touch, and so copy, all memory of the trunk
    try:
        record = _rehearse(scenario, saboteur, maker)
        if branches.inside:
            branches.deliver({"faults": _judged(saboteur, record, without)})
        branches.wait()
    except BaseException as error:  # a branch must not go on as if it were the trunk
        if branches.inside:
            branches.deliver({"faults": [f"the drill broke: {type(error).__name__}: {error}"]})
        branches.abandon()
        raise
    finally:
        gc.enable()
    swept.found |= {cell: swept.found[first] for cell, first in swept.alike.items()}
    swept.places = [
        place for place in saboteur.places if not place.cells or any(map(wanted, place.cells))
    ]
    return swept


def baseline(
    scenario: Scenario, maker: SimLabMaker = _MAKER, idle: Saboteur | None = None
) -> Undisturbed:
    """Run the drill without a crash.

    Args:
        scenario: a drill that passes.
        maker: makes the labs.
        idle: looks on, and crashes nothing.

    Raises:
        SweepBroken: it does not pass.
    """
    looks_on = idle or Saboteur(scenario.id, lambda _cell: False, bound=1)
    record = _rehearse(scenario, looks_on, maker)
    without = undisturbed(record)
    lines = faults(record, 0, without)
    if lines:
        raise SweepBroken(f"{scenario.id} does not pass without a crash: {lines[0]}")
    return without


def repeat(scenario: Scenario, cell: Cell, *, folder: Path) -> tuple[str, ...]:
    """Run one cell alone, with its evidence; the faults.

    Raises:
        SweepBroken: the drill never came to that place.
    """
    without = baseline(scenario)
    saboteur = Saboteur(scenario.id, lambda one: one == cell, cell.survivor + 1)
    run(_order(scenario, saboteur, _MAKER, folder), Silence())
    return tuple(_judged(saboteur, load(folder), without))


def _judged(saboteur: Saboteur, record: Record, without: Undisturbed) -> list[str]:
    if saboteur.crashed is None:
        raise SweepBroken("the drill never came to the place of that cell")
    return faults(record, saboteur.crashed[1].number, without)


def _rehearse(scenario: Scenario, saboteur: Saboteur, maker: SimLabMaker) -> Record:
    """Run the drill, watched, its record in memory only."""
    return rehearse(_order(scenario, saboteur, maker, Path("unused")))


def _order(scenario: Scenario, saboteur: Saboteur, maker: SimLabMaker, folder: Path) -> Order:
    ground = Ground(scenario.id, SIM_SUBNET, SEED, POWER_ON)
    drawn = drawn_for(scenario, ground, seeded_entropy(SEED))
    plan = Plan(
        scenario=scenario,
        seed=SEED,
        commit=commit(),
        backend="sim",
        real_time=False,
        start=POWER_ON,
    )
    return Order(plan, drawn, _Maker(maker, saboteur), folder, saboteur.perform)
