"""What an auditor must know besides the figures: everything missed, tolerated, or unproved."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from scenarios.record import Record
from scenarios.reporting.log import as_written
from scenarios.reporting.metrics import Metrics, measured, written
from scenarios.verdict import Judgement, Verdict, worst


class Grade(StrEnum):
    """Whether the drill reached its objectives, as a report says it."""

    MET = "met"
    WITH_FINDINGS = "met-with-findings"
    NOT_MET = "not-met"
    INCONCLUSIVE = "inconclusive"


@dataclass(frozen=True)
class Finding:
    """One finding.

    Attributes:
        kind: `failed`, `inconclusive`, `tolerated`, `rto`, `rpo`, `engine`, `dirty`.
        subject: the checker, or what was tolerated as the scenario says it.
        evidence: the lines that prove it.
    """

    kind: str
    subject: str
    evidence: tuple[str, ...]

    @property
    def is_deviation(self) -> bool:
        """Whether it lowers the grade; the others are remarks."""
        return self.kind not in {"engine", "dirty"}


def findings(
    record: Record, judgements: Mapping[str, Judgement], metrics: Metrics
) -> list[Finding]:
    """Collect the findings of a drill, the gravest first."""
    return [
        *_judged(judgements, Verdict.FAILED),
        *(Finding(name, "", ()) for name in metrics.missed),
        *_judged(judgements, Verdict.INCONCLUSIVE),
        *_tolerated(written(record)["scenario"]),
        *_remarks(record),
    ]


def graded(record: Record, judgements: Mapping[str, Judgement]) -> Grade:
    """Return the grade that the report of a drill gives."""
    verdict = worst(one.verdict for one in judgements.values())
    return grade(verdict, findings(record, judgements, measured(record)))


def grade(verdict: Verdict, found: list[Finding]) -> Grade:
    """Grade a drill; evidence that does not suffice outweighs what it seems to say."""
    kinds = {one.kind for one in found}
    if verdict is Verdict.FAILED:
        return Grade.NOT_MET
    if verdict is Verdict.INCONCLUSIVE:
        return Grade.INCONCLUSIVE
    if kinds & {"rto", "rpo"}:
        return Grade.NOT_MET
    return Grade.WITH_FINDINGS if any(one.is_deviation for one in found) else Grade.MET


def _judged(judgements: Mapping[str, Judgement], verdict: Verdict) -> Iterator[Finding]:
    for name, one in judgements.items():
        if one.verdict is verdict:
            yield Finding(verdict.value, name, one.evidence)


def _tolerated(scenario: Mapping[str, Any]) -> Iterator[Finding]:
    for one in scenario.get("tolerate") or ():
        yield Finding("tolerated", as_written(one), ())


def _remarks(record: Record) -> Iterator[Finding]:
    if record.plan.engine is not None:
        yield Finding("engine", record.plan.engine.path, (record.plan.engine.sha256,))
    if record.plan.commit.endswith("-dirty"):
        yield Finding("dirty", record.plan.commit, ())
