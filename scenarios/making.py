"""Makes a lab for a scenario, runs it there, and knows where the evidence goes."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from emulator.lab import Lab
from scenarios.blueprint import POWER_ON, Ground, blueprint, seeded_entropy
from scenarios.clock import wall_clock
from scenarios.drill import Pair
from scenarios.engine_build import StagedEngine
from scenarios.models.lab import LabPlan
from scenarios.models.scenario import Scenario
from scenarios.narration import Narrator
from scenarios.places import Places
from scenarios.record import Asked, Plan
from scenarios.runner import Order, Outcome, leave, run
from scenarios.setup import initialise
from scenarios.spares import drawn_for
from scenarios.venturing import performer


@cache
def commit(folder: Path = Path(__file__).parent) -> str:
    """Return the commit of the project that runs, "unknown" outside of a work tree."""
    argv = ["git", "-C", str(folder), "describe", "--always", "--dirty", "--abbrev=12"]
    try:
        done = subprocess.run(argv, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return "unknown"
    return done.stdout.strip() or "unknown"


@dataclass
class Workshop:
    """Makes a lab for each scenario and runs it there.

    Attributes:
        runs: where evidence goes.
        narrator: told what happens.
        places: where labs are made.
    """

    runs: Path
    narrator: Narrator
    places: Places

    def run(  # noqa: PLR0913 - what tells one run from another
        self,
        scenario: Scenario,
        backend: str,
        *,
        seed: int,
        real_time: bool = False,
        engine: StagedEngine | None = None,
        asked: Asked | None = None,
        linger: Callable[[Lab], None] = leave,
    ) -> Outcome:
        """Run a scenario once.

        Args:
            scenario: what to run.
            backend: where its lab is made.
            seed: of everything that is generated; a plan that was drawn has its own.
            real_time: whether no time is served.
            engine: another build of the module for the appliances.
            asked: how the scenario was asked for, if not by its id alone.
            linger: called with the lab before it is removed.

        Raises:
            LabError: the lab broke or cannot be made here.
        """
        seed = seed if scenario.drawn is None else scenario.drawn.seed
        now = wall_clock()
        start = now if real_time else scenario.lab.power_on(POWER_ON)
        place = self.places.find(backend, scenario.id)
        entropy = seeded_entropy(seed) if backend == "sim" else os.urandom
        ground = Ground(place.name, place.subnet, seed, None if real_time else start)
        drawn = drawn_for(scenario, ground, entropy)
        plan = Plan(
            scenario=scenario,
            seed=seed,
            commit=commit(),
            backend=backend,
            real_time=real_time,
            start=start,
            engine=None if engine is None else engine.build,
            asked=asked,
        )
        if engine is not None:
            drawn = replace(drawn, spec=replace(drawn.spec, engine=str(engine.folder)))
        folder = self.runs / scenario.id / f"{now:%Y-%m-%dT%H-%M-%S.%fZ}-{backend}"
        order = Order(plan, drawn, place.maker, folder, performer(scenario), linger=linger)
        return run(order, self.narrator)

    def pair(self, name: str, backend: str, plan: LabPlan, seed: int) -> Pair:
        """Make a lab for a test in Python, and set it up: `pbx1` active, `pbx2` standby.

        Args:
            name: of the lab.
            backend: where it is made.
            plan: what it looks like.
            seed: of everything that is generated.

        Raises:
            LabError: it cannot be made here; nothing is left behind.
        """
        place = self.places.find(backend, name)
        entropy = seeded_entropy(seed) if backend == "sim" else os.urandom
        drawn = blueprint(Ground(place.name, place.subnet, seed, POWER_ON), plan, entropy)
        lab = place.maker.make(drawn.spec, self.runs)
        pair = Pair(lab, plan, POWER_ON, drawn.access)
        try:
            lab.timekeeper.settle()
            initialise(pair, "pbx2", lambda _text: None)
            lab.timekeeper.settle()
        except BaseException:
            lab.down()
            raise
        return pair
