"""Sweeps the named steps of a scenario on a real backend: many drills, several at once.

Every worker has a lab name and a subnet of its own, and an undisturbed drill there to compare
with: MACs and addresses follow from both. What is known is in a ledger, so that a sweep that
was interrupted goes on where it was.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Lock

from emulator.backends import LabBackend
from emulator.hosted import HostedMaker
from emulator.lab import LabError
from emulator.registry import Registry
from scenarios.blueprint import POWER_ON, Ground, seeded_entropy
from scenarios.evidence import load
from scenarios.hosting import host, lab_registry
from scenarios.making import commit
from scenarios.models.scenario import Scenario
from scenarios.narration import Silence
from scenarios.record import Plan, Record
from scenarios.runner import Order, run
from scenarios.spares import drawn_for
from scenarios.sweep.cells import SweepBroken
from scenarios.sweep.judging import Undisturbed, faults, mixed, undisturbed
from scenarios.sweep.killing import Kill, Killer, kills

SEED = 1
POOL = "198.19.128.0/17"  # other labs come here last, so that a bench keeps its subnet


@dataclass
class Ledger:
    """What is known of each cell, in a file of JSON lines; of other commits nothing counts.

    Attributes:
        path: of the file.
        commit: of the project that is examined.
        known: the faults by cell.
    """

    path: Path
    commit: str
    known: dict[str, tuple[str, ...]] = field(default_factory=dict)
    _writing: Lock = field(default_factory=Lock)

    @classmethod
    def open(cls, path: Path, commit: str) -> Ledger:
        """Read a ledger, if there is one."""
        lines = path.read_text().splitlines() if path.exists() else []
        rows = [json.loads(line) for line in lines if line.endswith("}")]
        known = {row["cell"]: tuple(row["faults"]) for row in rows if row["commit"] == commit}
        return cls(path, commit, known)

    def enter(self, cell: str, found: Sequence[str]) -> None:
        """Write down what became of a cell."""
        with self._writing:
            self.known[cell] = tuple(found)
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("a") as stream:
                row = {"cell": cell, "commit": self.commit, "faults": list(found)}
                stream.write(json.dumps(row, ensure_ascii=False) + "\n")


@dataclass
class Bench:
    """Where one worker runs its drills, one after the other.

    Attributes:
        scenario: a drill that passes.
        backend: who hosts its labs.
        registry: where they are entered.
        name: of its labs.
        subnet: of its labs; claimed as long as it works.
        folder: takes the evidence of what failed.
    """

    scenario: Scenario
    backend: LabBackend
    registry: Registry
    name: str
    subnet: str
    folder: Path

    def survey(self) -> tuple[Undisturbed, tuple[Kill, ...]]:
        """Run the drill without a crash; what to compare with, and where it can be crashed.

        Raises:
            SweepBroken: it does not pass.
        """
        record = self._drill(self._killer(None), "undisturbed")
        # Real boxes draw salts, keys and secrets anew each time: objects compare by name only.
        objects = (read.answer["objects"] for read in record.reads if read.what == "holding")
        without = undisturbed(record, frozenset(name for one in objects for name in one))
        lines = faults(record, 0, without)
        if lines:
            raise SweepBroken(f"{self.scenario.id} does not pass without a crash: {lines[0]}")
        shutil.rmtree(self.folder / "undisturbed")
        return without, tuple(kills(record))

    def crash(self, kill: Kill, without: Undisturbed) -> tuple[str, ...]:
        """Run the drill with one crash; its faults. The evidence stays where there are any.

        Raises:
            LabError: the lab has trouble of its own, before anything was crashed.
        """
        name = str(kill).replace("/", "-").replace(":", "-")
        killer = self._killer(kill)
        try:
            record = self._drill(killer, name)
        except LabError as error:
            if not killer.happened():
                raise  # the lab's own trouble says nothing of the cell
            return (f"the drill broke: {error}",)
        if not any("cell" in one.detail for one in record.select("runner", "fault")):
            return ("the drill never came to that named step",)
        found = (*faults(record, kill.position, without), *mixed(record))
        if not found:
            shutil.rmtree(self.folder / name)
        return found

    def _killer(self, kill: Kill | None) -> Killer:
        maker = HostedMaker(self.backend, self.registry)
        return Killer(maker, kill, len(self.scenario.whole))

    def _drill(self, killer: Killer, name: str) -> Record:
        ground = Ground(self.name, self.subnet, SEED, POWER_ON)
        drawn = drawn_for(self.scenario, ground, seeded_entropy(SEED))
        plan = Plan(
            scenario=self.scenario,
            seed=SEED,
            commit=commit(),
            backend=self.backend.name,
            real_time=False,
            start=POWER_ON,
        )
        folder = self.folder / name
        shutil.rmtree(folder, ignore_errors=True)
        try:
            run(Order(plan, drawn, killer, folder, killer.perform), Silence())
        finally:  # the end of a lab gives its subnet back
            self.registry.free_subnet(self.backend, self.subnet)
        return load(folder)


@dataclass(frozen=True)
class Killed:
    """What the sweep of a scenario on a real backend has found.

    Attributes:
        kills: every crash that was to be made.
        found: the faults by cell; what is missing here was not examined.
    """

    kills: tuple[Kill, ...]
    found: Mapping[str, tuple[str, ...]]


def sweep_really(
    workers: Sequence[Bench],
    ledger: Ledger,
    wanted: Callable[[Kill], bool] = lambda _kill: True,
    progress: Callable[[int, int], None] = lambda _done, _of: None,
) -> Killed:
    """Kill every appliance at its every named step, on a real backend.

    Args:
        workers: all of one scenario.
        ledger: of what is known already.
        wanted: whether a crash is made; the others do not count.
        progress: told how many crashes are examined, and of how many.

    Raises:
        SweepBroken: the drill does not pass without a crash.
        LabError: a lab cannot be made here.
    """
    left: SimpleQueue[Kill] = SimpleQueue()
    with ThreadPoolExecutor(len(workers)) as pool:
        surveys = list(pool.map(Bench.survey, workers))
        chosen = tuple(one for one in surveys[0][1] if wanted(one))
        for one in chosen:
            if str(one) not in ledger.known:
                left.put(one)

        def work(bench: Bench, without: Undisturbed) -> None:
            while True:
                try:
                    kill = left.get_nowait()
                except Empty:
                    return
                ledger.enter(str(kill), bench.crash(kill, without))
                progress(sum(str(one) in ledger.known for one in chosen), len(chosen))

        pairs = zip(workers, surveys, strict=True)
        try:
            for done in [pool.submit(work, bench, survey[0]) for bench, survey in pairs]:
                done.result()
        finally:  # whoever is interrupted ends the drills that are under way, and begins none
            with contextlib.suppress(Empty):
                while True:
                    left.get_nowait()
    return Killed(chosen, {str(one): ledger.known[str(one)] for one in chosen})


def benches(scenario: Scenario, backend: str, jobs: int, folder: Path) -> tuple[Bench, ...]:
    """Prepare so many workers for a scenario.

    Raises:
        LabError: this computer cannot host their labs.
    """
    hosting, registry = host(backend, lambda _line, _done: None), lab_registry()
    made: list[Bench] = []
    for number in range(jobs):
        subnet = str(registry.free_subnet(hosting, pool=POOL))
        name = f"sweep-{os.getpid()}-{number}"
        made.append(Bench(scenario, hosting, registry, name, subnet, folder / str(number)))
    return tuple(made)
