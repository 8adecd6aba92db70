"""Every fault that the drill set up has fired; else the drill showed nothing."""

from __future__ import annotations

from scenarios.models import CutTransfer
from scenarios.record import Record
from scenarios.verdict import Judgement, inconclusive, not_applicable, passed


def check(record: Record) -> Judgement:
    """Compare the transfers that were to be cut with those that were."""
    planned = sum(
        step.cut_transfer.count
        for step in record.plan.scenario.steps
        if isinstance(step, CutTransfer)
    )
    if not planned:
        return not_applicable("the drill sets no fault up that fires later")
    cuts = tuple(record.select("wire", "cut"))
    if len(cuts) != planned:
        return inconclusive(f"{len(cuts)} of {planned} cuts fired")
    where = ", ".join(f"byte {event.detail.get('byte', '?')}" for event in cuts)
    return passed(f"{planned} cut(s) fired at {where}")
