"""What was achieved lies within what was promised: RTA within RTO, RPA within RPO."""

from __future__ import annotations

from scenarios.clients import returns, share_back
from scenarios.models.lab import Objectives, PhonesBack
from scenarios.record import Record
from scenarios.reporting.metrics import measured
from scenarios.verdict import Judgement, judged, not_applicable


def check(record: Record) -> Judgement:
    """Compare the scenario's objectives with what was measured."""
    objectives = record.plan.scenario.objectives
    if objectives == Objectives():
        return not_applicable("the scenario names no objective")
    found = measured(record)
    if not found.switched_over:
        return not_applicable("nobody switched over")
    faults = [f"the {name.upper()} was missed" for name in found.missed]
    faults += _late(objectives.phones, record)
    return judged(faults, "recovery and loss of data are within what was promised")


def _late(wanted: PhonesBack | None, record: Record) -> list[str]:
    """Return what is wrong with when the telephones were back."""
    if wanted is None:
        return []
    found = returns(record)
    share = share_back(found, wanted.within.total_seconds())
    missing = [one.name for one in found if one.took_s is None]
    faults = [f"{name} never came back" for name in missing]
    if share < wanted.share:
        limit_s = wanted.within.total_seconds()
        faults.append(f"{share:.0%} of the telephones were back within {limit_s:g} s")
    return faults
