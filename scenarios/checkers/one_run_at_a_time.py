"""Two runs never overlap (D6, O6)."""

from __future__ import annotations

from scenarios.record import Record
from scenarios.verdict import Judgement, judged, not_applicable

_ENDS = ("run.succeeded", "run.failed", "run.refused")


def check(record: Record) -> Judgement:
    """Follow the runs of the whole pair in order."""
    under_way: dict[str, object] = {}
    faults = []
    runs = 0
    for event in record.select("engine", "run.started", *_ENDS):
        if event.event in _ENDS:
            under_way.pop(event.node, None)
            continue
        runs += 1
        faults += [
            f"{event.node}: run {event.detail.get('run')} began beside run {run} of {node}"
            for node, run in under_way.items()
            if _alive(record, node, event.number)
        ]
        under_way[event.node] = event.detail.get("run")
    if not runs:
        return not_applicable("no run was started")
    return judged(faults, f"{runs} run(s), one after the other")


def _alive(record: Record, node: str, number: int) -> bool:
    """Whether a node's run can still act: it was not switched off, nor booted anew, since."""
    last = [
        event
        for event in record.events
        if event.number < number
        and (
            (event.source == "engine" and event.node == node and event.event == "run.started")
            or (event.source == "runner" and event.detail.get("node") == node)
            or (event.source == "appliance" and event.node == node and event.event == "booted")
        )
        and (event.source != "runner" or (event.event, event.cause) == ("fault", "power-off"))
    ]
    return not last or last[-1].event == "run.started"
