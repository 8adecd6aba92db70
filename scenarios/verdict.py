"""Verdicts, and what becomes of several."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """What a checker says of a record."""

    PASSED = "passed"
    FAILED = "failed"
    INCONCLUSIVE = "inconclusive"
    NOT_APPLICABLE = "not-applicable"


@dataclass(frozen=True)
class Judgement:
    """A verdict and the lines of evidence for it.

    Attributes:
        verdict: see there.
        evidence: what was seen; for `not-applicable` the precondition that was not met.
        extent_s: how long the worst violation lasted, where it has a length.
    """

    verdict: Verdict
    evidence: tuple[str, ...]
    extent_s: float | None = None


def passed(*evidence: str) -> Judgement:
    """The invariant held, and something in the record could have broken it."""
    return Judgement(Verdict.PASSED, evidence)


def failed(*evidence: str) -> Judgement:
    """The invariant was broken."""
    return Judgement(Verdict.FAILED, evidence)


def inconclusive(*evidence: str) -> Judgement:
    """The record does not allow to tell."""
    return Judgement(Verdict.INCONCLUSIVE, evidence)


def not_applicable(precondition: str) -> Judgement:
    """Nothing in the record could have broken the invariant."""
    return Judgement(Verdict.NOT_APPLICABLE, (precondition,))


def judged(faults: Iterable[str], held: str) -> Judgement:
    """Failed with all faults found, or passed with one line on what held."""
    found = tuple(faults)
    return failed(*found) if found else passed(held)


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """Sum up: one failure fails; nothing that could be judged is inconclusive."""
    seen = set(verdicts)
    for verdict in (Verdict.FAILED, Verdict.INCONCLUSIVE, Verdict.PASSED):
        if verdict in seen:
            return verdict
    return Verdict.INCONCLUSIVE
