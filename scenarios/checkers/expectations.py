"""The drill's own expectations held: those met on the way, and those at the end."""

from __future__ import annotations

from scenarios.expectations import met
from scenarios.record import Record
from scenarios.verdict import Judgement, Verdict, inconclusive, worst


def check(record: Record) -> Judgement:
    """Judge each expectation of the scenario; the worst verdict wins and is what is told."""
    if not any(record.select("runner", "phase")):
        return inconclusive("the drill did not run")
    judgements = [met(one, record) for one in record.plan.scenario.expect]
    judgements += [
        Judgement(Verdict(event.cause), (str(event.detail["text"]),))
        for event in record.select("runner", "expectation")
    ]
    verdict = worst(one.verdict for one in judgements)
    told = [line for one in judgements if one.verdict is verdict for line in one.evidence]
    return Judgement(verdict, tuple(told))
