"""A run makes at most `attempts_max` attempts (R23, D1)."""

from __future__ import annotations

from collections import Counter

from scenarios.record import Record
from scenarios.verdict import Judgement, judged, not_applicable


def check(record: Record) -> Judgement:
    """Count the attempts of each run."""
    counts = Counter(
        (event.node, event.detail.get("run"))
        for event in record.select("engine", "attempt.started")
    )
    if not counts:
        return not_applicable("no attempt was made")
    limit = record.plan.scenario.lab.attempts_max
    faults = [
        f"{node}: run {run} made {count} attempts of {limit}"
        for (node, run), count in counts.items()
        if count > limit
    ]
    return judged(faults, f"at most {max(counts.values())} attempts of {limit}")
