"""Drills in simulation, as tests order them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from emulator.lab import Event, Lab, LabSpec
from emulator.sim.lab import SimMaker
from scenarios.blueprint import POWER_ON, Ground, seeded_entropy
from scenarios.loading import find, load, read
from scenarios.models.scenario import Scenario
from scenarios.record import Plan
from scenarios.runner import Order
from scenarios.spares import drawn_for

SMALL = """
id: small
title: A box loses power
covers: [R9]
lab: {users: 2, schedule: {every: 1 day, first in: 2 min}}
steps:
  - wait: 1 s
  - power off: pbx2
expect:
  - answers: {for: pbx1, only: pbx1}
"""


def small(old: str = "", new: str = "") -> Scenario:
    """A scenario that needs no pair, with a part of its text replaced."""
    return read(SMALL.replace(old, new) if old else SMALL, "small.yaml")


def of_library(name: str) -> Scenario:
    return load(find(name))


class Wrapped:
    """A lab with some of its methods replaced."""

    def __init__(self, lab: Lab, **own: Any) -> None:
        self._lab = lab
        self._own = own

    def __getattr__(self, name: str) -> Any:
        return self._own.get(name) or getattr(self._lab, name)


class Maker:
    """Makes simulated labs, changed by `wrap`, and remembers them."""

    def __init__(self, wrap: Callable[[Lab], Any] = lambda lab: lab) -> None:
        self._wrap = wrap
        self.made: list[Any] = []

    def make(self, spec: LabSpec, workdir: Path) -> Any:
        self.made.append(self._wrap(SimMaker().make(spec, workdir)))
        return self.made[-1]


def altering(name: str, **fields: Any) -> Callable[[Lab], Any]:
    """Wrap a lab so that its events of a name read differently."""

    def wrap(lab: Lab) -> Any:
        def events() -> Sequence[Event]:
            return [replace(one, **fields) if one.event == name else one for one in lab.events()]

        return Wrapped(lab, events=events)

    return wrap


def order(scenario: Scenario, folder: Path, maker: Any = None) -> Order:
    """Everything that `runner.run` needs for a simulated drill."""
    start = scenario.lab.power_on(POWER_ON)
    ground = Ground(scenario.id, "198.18.0.0/24", 1, start)
    plan = Plan(
        scenario=scenario,
        seed=1,
        commit="unknown",
        backend="sim",
        real_time=False,
        start=start,
    )
    drawn = drawn_for(scenario, ground, seeded_entropy(1))
    return Order(plan, drawn, maker or Maker(), folder)
