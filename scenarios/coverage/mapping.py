"""Puts stored runs on the coverage map."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from emulator.lab import Event
from scenarios.checkers import CHECKERS, judge
from scenarios.coverage.cells import VERBS, Cell, possible
from scenarios.coverage.states import Machines, State
from scenarios.evidence import NotARun, load
from scenarios.record import Record
from scenarios.verdict import Verdict

JUDGES: Mapping[str, frozenset[str]] = {  # which invariants judge a machine; "": a pair at rest
    "": frozenset({"one-holder", "standby-identity", "licences-disjoint", "next-run-succeeds"}),
    "run": frozenset({
        "attempts-bounded", "attempt-spacing", "one-run-at-a-time", "older-attempts-rest",
        "import-after-hash", "content-is-a-generation", "content-arrives-whole",
        "last-good-outlives", "generations-rise", "notices-sent", "next-run-succeeds",
    }),
    "switchover": frozenset({
        "one-holder", "claim-needs-click", "claim-after-silence", "takeover-is-kept",
        "network-taken-over", "old-address-goes", "modules-follow", "epoch-never-falls",
    }),
    "rollback": frozenset({
        "one-holder", "epoch-never-falls", "module-enabled-once", "licences-disjoint",
        "takeover-is-kept", "modules-follow",
    }),
}  # fmt: skip
_MOMENTARY = frozenset({"kill", "flap", "cut transfer", "flip bit"})  # over before they are undone
_JUDGED = frozenset({Verdict.PASSED, Verdict.FAILED})


@dataclass
class Coverage:
    """What a set of runs has exercised.

    Attributes:
        runs: how many were read.
        left_out: folders that are no intact run, and why.
        drills: the scenarios that exercised a cell, by cell; those that none has are missing.
    """

    runs: int = 0
    left_out: dict[str, str] = field(default_factory=dict)
    drills: dict[Cell, set[str]] = field(default_factory=dict)

    @property
    def missing(self) -> tuple[Cell, ...]:
        """The cells that could be exercised, and were not."""
        return tuple(cell for cell in possible() if cell not in self.drills)

    @property
    def percent(self) -> float:
        """How much of what can be exercised was."""
        return 100 * len(self.drills) / len(possible())

    def add(self, record: Record) -> None:
        """Put a run on the map."""
        self.runs += 1
        for cell in covered(record):
            self.drills.setdefault(cell, set()).add(record.plan.scenario.id)


def covered(record: Record) -> frozenset[Cell]:
    """Return the cells that a run exercised, and whose machine an invariant judged there."""
    acted = exercised(record.events) & set(possible())
    wanted = frozenset().union(*(JUDGES[cell.state.machine] for cell in acted))
    checkers = {name: one for name, one in CHECKERS.items() if name in wanted}
    verdicts = judge(record, checkers) if checkers else {}
    judged = {name for name, one in verdicts.items() if one.verdict in _JUDGED}
    return frozenset(cell for cell in acted if JUDGES[cell.state.machine] & judged)


def exercised(events: Iterable[Event]) -> frozenset[Cell]:
    """Return the states in which faults of a drill have acted.

    A fault that lasts acts in every state until it ends; one that met nothing acts in none.
    """
    machines = Machines()
    lasting: dict[str, tuple[str, set[State]]] = {}
    met: set[str] = set()
    found: set[Cell] = set()
    for event in events:
        verb = VERBS.get(event.cause if event.source == "runner" else event.event, "")
        name = str(event.detail.get("name", ""))
        if event.source == "wire" and verb:
            found |= {Cell(state, verb) for state in machines.now()}
        elif (event.source, event.event) == ("runner", "fault") and verb:
            lasting[name] = verb, set(machines.now())
        elif (event.source, event.event) == ("runner", "fault.fired"):
            met.add(name)
        machines.take(event)
        for lasts, states in lasting.values():
            if lasts not in _MOMENTARY:
                states.update(machines.now())
        if (event.source, event.event) == ("runner", "fault.ended") and name in lasting:
            found |= _cells(lasting.pop(name), acted=name in met or event.detail["fired"] > 0)
    for name, one in lasting.items():  # a plug that stays out
        found |= _cells(one, acted=name in met)
    return frozenset(found)


def _cells(fault: tuple[str, set[State]], *, acted: bool) -> set[Cell]:
    verb, states = fault
    return {Cell(state, verb) for state in states} if acted else set()


def run_folders(runs: Path) -> list[Path]:
    """Return the folders of stored runs below a folder, in order of their names."""
    found = (plan.parent for plan in runs.glob("*/*/plan.yaml"))
    return sorted(folder for folder in found if not folder.is_symlink())  # `latest` is one


def cover(
    folders: Sequence[Path], progress: Callable[[int, int], None] = lambda _done, _of: None
) -> Coverage:
    """Put runs on a map.

    A run that is broken, or that is not as it was sealed, is left out and named.

    Args:
        folders: of the runs.
        progress: told how many are read, and of how many.
    """
    found = Coverage()
    for number, folder in enumerate(folders, 1):
        try:
            record = load(folder)
        except NotARun as error:
            found.left_out[str(folder)] = str(error)
        else:
            if record.sealed is None or record.sealed.broken:
                found.left_out[str(folder)] = "the evidence is not as the run wrote it"
            else:
                found.add(record)
        progress(number, len(folders))
    return found
