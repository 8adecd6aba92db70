"""Runs a plan in memory, and says how it failed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from emulator.lab import LabError
from scenarios.blueprint import POWER_ON, Ground, seeded_entropy
from scenarios.checkers import CHECKERS, judge
from scenarios.models.scenario import Scenario
from scenarios.places import SIM_SUBNET
from scenarios.record import Plan, Record
from scenarios.rehearsing import rehearse
from scenarios.runner import Order
from scenarios.seeded.reach import reached
from scenarios.spares import drawn_for
from scenarios.trace import trace_hash, trace_of
from scenarios.venturing import performer
from scenarios.verdict import Judgement, Verdict, worst

# What is judged in memory has no files: no seal, no logs of the appliances' own.
_OF_FILES = {"evidence-intact", "history-is-complete"}
_CHECKERS = {name: one for name, one in CHECKERS.items() if name not in _OF_FILES}
_TROUBLE = {Verdict.FAILED, Verdict.INCONCLUSIVE}
_VARYING = re.compile(r"[0-9a-f]{2}(?::[0-9a-f]{2}){5}|\b[0-9a-f]{8,}\b|<[^>]*>|\d[\d.:,-]*")
BROKEN = "the-lab"  # stands where an invariant would, if the lab broke
SEED = 1  # of the content, where a plan names none


@dataclass(frozen=True)
class Failure:
    """How a drill failed: the same for all drills that fail for the same reason.

    Attributes:
        invariant: the checker that says so.
        cause: its evidence without what varies: numbers, times, MACs, names of changes.
    """

    invariant: str
    cause: str

    def __str__(self) -> str:
        """Show it in one line."""
        return f"{self.invariant}: {self.cause}"


@dataclass(frozen=True)
class Tried:
    """What became of a plan.

    Attributes:
        verdict: of all invariants together; `broken` where the lab broke.
        failures: what was violated or could not be told.
        evidence: the first line of each, as the checker wrote it.
        trace_hash: "" where the lab broke.
        reached: the rare states that the drill saw.
    """

    verdict: str
    failures: tuple[Failure, ...]
    evidence: tuple[str, ...]
    trace_hash: str
    reached: tuple[str, ...]

    def as_row(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return {
            "verdict": self.verdict,
            "failures": [[one.invariant, one.cause] for one in self.failures],
            "evidence": list(self.evidence),
            "trace_hash": self.trace_hash,
            "reached": list(self.reached),
        }

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Tried:
        """Read what `as_row` returned."""
        return cls(
            verdict=row["verdict"],
            failures=tuple(Failure(*one) for one in row["failures"]),
            evidence=tuple(row["evidence"]),
            trace_hash=row["trace_hash"],
            reached=tuple(row["reached"]),
        )


def try_out(scenario: Scenario, commit: str) -> Tried:
    """Run a plan in simulation, in this process, and judge it."""
    try:
        record = rehearse(_order(scenario, commit))
    except LabError as error:
        failure = Failure(BROKEN, general(error.message))
        return Tried("broken", (failure,), (error.message,), "", ())
    judgements = judge(record, _CHECKERS)
    found = dict(_failures(judgements, record))
    return Tried(
        verdict=worst(one.verdict for one in judgements.values()).value,
        failures=tuple(found),
        evidence=tuple(found.values()),
        trace_hash=trace_hash(trace_of(record.events)),
        reached=tuple(reached(record)),
    )


def general(evidence: str) -> str:
    """Return a line of evidence without what varies from drill to drill."""
    return " ".join(_VARYING.sub("#", evidence).split())[:160]


def _failures(judgements: Mapping[str, Judgement], record: Record) -> Iterator[tuple[Failure, str]]:
    named = sorted({str(one.cause) for one in record.select("runner", "change")}, key=len)
    names = re.compile("|".join(rf"\b{re.escape(one)}\b" for one in reversed(named)) or r"(?!)")
    for invariant, one in judgements.items():
        if one.verdict in _TROUBLE and one.evidence:
            line = one.evidence[0]
            yield Failure(invariant, general(names.sub("#", line))), line


def _order(scenario: Scenario, commit: str) -> Order:
    seed = SEED if scenario.drawn is None else scenario.drawn.seed
    start = scenario.lab.power_on(POWER_ON)
    from emulator.sim.lab import SimMaker  # noqa: PLC0415 - the engine loads with it

    ground = Ground(scenario.id, SIM_SUBNET, seed, start)
    drawn = drawn_for(scenario, ground, seeded_entropy(seed))
    plan = Plan(
        scenario=scenario,
        seed=seed,
        commit=commit,
        backend="sim",
        real_time=False,
        start=start,
    )
    return Order(plan, drawn, SimMaker(), Path("unused"), performer(scenario))
