"""Makes a lab for a scenario, runs it there, and knows where the evidence goes."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from emulator.lab import LabMaker
from scenarios.blueprint import POWER_ON, Ground, blueprint, seeded_entropy
from scenarios.hosting import host, lab_registry
from scenarios.models import Scenario
from scenarios.narration import Narrator
from scenarios.record import Plan
from scenarios.runner import Order, Outcome, run

SIM_SUBNET = "198.18.0.0/24"


def wall_clock() -> datetime:
    """Return the reader's clock: it names folders and starts real-time schedules."""
    return datetime.now(UTC)  # noqa: TID251 - of the person at the terminal, not of a lab


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
    """

    runs: Path
    narrator: Narrator

    def run(
        self, scenario: Scenario, backend: str, *, seed: int, real_time: bool = False
    ) -> Outcome:
        """Run a scenario once.

        Raises:
            LabError: the lab broke or cannot be made here.
        """
        now = wall_clock()
        start = now if real_time else POWER_ON
        maker, subnet = self._maker(backend)
        name = scenario.id if backend == "sim" else f"{scenario.id}-{os.getpid()}"
        entropy = seeded_entropy(seed) if backend == "sim" else os.urandom
        ground = Ground(name, subnet, seed, None if real_time else start)
        drawn = blueprint(ground, scenario.lab, entropy)
        plan = Plan(
            scenario=scenario,
            seed=seed,
            commit=commit(),
            backend=backend,
            real_time=real_time,
            start=start,
        )
        folder = self.runs / scenario.id / f"{now:%Y-%m-%dT%H-%M-%S.%fZ}-{backend}"
        order = Order(plan, drawn, maker, folder)
        return run(order, self.narrator)

    def _maker(self, backend: str) -> tuple[LabMaker, str]:
        if backend == "sim":
            from emulator.sim.lab import SimMaker  # noqa: PLC0415 - imported when it is used

            return SimMaker(), SIM_SUBNET
        from emulator.hosted import HostedMaker  # noqa: PLC0415 - imported when it is used

        hosting = host(backend, lambda line, done: self.narrator.note(f"{done:4.0%} {line}"))
        registry = lab_registry()
        return HostedMaker(hosting, registry), str(registry.free_subnet(hosting))
