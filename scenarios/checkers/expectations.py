"""The drill's own expectations held: those met on the way, and those at the end."""

from __future__ import annotations

from scenarios.expectations import met
from scenarios.record import Record
from scenarios.verdict import Judgement, Verdict, inconclusive, worst


def check(record: Record) -> Judgement:
    """Judge each expectation of the scenario; the worst verdict wins."""
    judgements = [met(one, record) for one in record.plan.scenario.expect]
    lines = [line for one in judgements for line in one.evidence]
    verdicts = [one.verdict for one in judgements]
    for event in record.select("runner", "expectation"):
        lines.append(str(event.detail["text"]))
        verdicts.append(Verdict(event.cause))
    if not any(record.select("runner", "phase")):
        return inconclusive("the drill did not run")
    return Judgement(worst(verdicts), tuple(lines))
