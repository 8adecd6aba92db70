"""Once everything that was broken is healed, the next run succeeds (T9, T11)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from emulator.lab import Event
from scenarios.record import Record
from scenarios.standing import mistyped, stayed_off
from scenarios.verdict import Judgement, judged, not_applicable

_ENDS = ("run.succeeded", "run.failed", "run.refused")
_COUNTED = {"cut-armed": "cut", "flip-armed": "flipped"}  # over when the last of them has acted
_RESTARTED = {"kill", "power-off"}
# Rightly refused, however healthy: an isolated former active (D14), and one whose standby is none.
_REFUSED = {"epoch", "not-standby"}


@dataclass(frozen=True)
class _Fault:
    began: int
    ended: float


def check(record: Record) -> Judgement:
    """Look at each run that began after a fault had ended, and while none was under way.

    A run that is refused tells of a precondition that a person has to see to: no verdict. Nor
    is there one on a box that cannot or must not reach the other.
    """
    faults = [_Fault(one.number, _ended(record, one)) for one in record.select("runner", "fault")]
    runs = [
        (start, end)
        for start, end in _runs(record)
        if _follows(faults, start, end)
        and not (stayed_off(record, start) or mistyped(record, start))
    ]
    if not runs:
        return not_applicable("no run began after everything was healed")
    failed = [
        f"{start.node}: run {start.detail.get('run')} failed ({end.cause}), and nothing was broken"
        for start, end in runs
        if end.event == "run.failed"
    ]
    return judged(failed, f"{len(runs)} run(s) after everything was healed")


def _runs(record: Record) -> Iterator[tuple[Event, Event]]:
    for start in record.select("engine", "run.started"):
        for end in record.select("engine", *_ENDS, node=start.node):
            if end.detail.get("run") == start.detail.get("run") and end.number > start.number:
                if end.event != "run.refused" and not _outdated(record, end):
                    yield start, end
                break


def _outdated(record: Record, end: Event) -> bool:
    """Whether the other box had taken over: then a run of the former active has no standby (D14).

    A rollback gives it its part back, and opens an epoch for that.
    """
    if end.cause in _REFUSED:
        return True
    turns = [
        one.node
        for one in record.select("appliance", "takeover.committed", "epoch.opened")
        if one.number < end.number
    ]
    return bool(turns) and turns[-1] != end.node


def _follows(faults: list[_Fault], start: Event, end: Event) -> bool:
    healed = any(one.ended < start.number for one in faults)
    return healed and not any(one.began < end.number and one.ended > start.number for one in faults)


def _ended(record: Record, fault: Event) -> float:
    node = str(fault.detail["node"])
    if fault.cause in _COUNTED:
        done = record.select("wire", _COUNTED[fault.cause], node=node)
        acts = [one.number for one in done if one.number > fault.number]
        count = int(fault.detail.get("count", 1))
        return acts[count - 1] if len(acts) >= count else float("inf")
    if fault.cause in _RESTARTED:
        ends = record.select("appliance", "booted", node=node)
    else:
        name = fault.detail.get("name")
        ended = record.select("runner", "fault.ended")
        ends = (one for one in ended if one.detail.get("name") == name)
    return next((one.number for one in ends if one.number > fault.number), float("inf"))
