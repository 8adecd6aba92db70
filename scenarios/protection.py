"""Whether a pair is protected at the end: the last run after all faults has succeeded (T9)."""

from __future__ import annotations

from collections.abc import Iterator

from emulator.lab import Event
from scenarios.record import Record
from scenarios.verdict import Judgement, failed, passed

_ARMED = {"cut-armed", "flip-armed"}  # nothing is broken until they act
_SUDDEN = {"kill", "power-off", "host-key-changed"}  # their formal end mends nothing
_ENDS = ("run.succeeded", "run.failed", "run.refused")


def protected(record: Record) -> Judgement:
    """Judge the last run of the active of a pair that is whole, begun after the last fault.

    No pair is whole where a box is off, both are active, or the standby follows another one;
    nor is the module at work that never was configured.
    """
    active, standby = _pair(record)
    if not active or not standby:
        return passed("there is no pair of an active and a standby at the end")
    healed = max((one.number for one in _troubles(record)), default=0)
    starts = [
        one
        for one in record.select("engine", "run.started", "run.refused", node=active)
        if one.number > healed
    ]
    if not starts and _ordered(record, active, healed):
        return failed(f"{active}: a run was ordered after everything was healed, and none began")
    if not starts:
        return passed(f"{active}: nobody ordered a run since everything was healed")
    end = _end(record, starts[-1])
    told = f"{active}: run {starts[-1].detail.get('run')}"
    if end is None:
        return failed(f"{told}, the last one, never ended")
    if end.event == "run.succeeded":
        return passed(f"{told} brought the content across after everything was healed")
    return failed(f"{told}, the last one, ended as {end.event} ({end.cause})")


def _pair(record: Record) -> tuple[str, str]:
    """Return the active and the standby that holds content of its epoch, "" for none."""
    answers = {one.name: record.answer(one.name, "status") for one in record.appliances}
    read = {name: one for name, one in answers.items() if one is not None}
    active = [name for name, one in read.items() if one["role"] == "active"]
    if len(active) != 1:
        return "", ""
    epoch = read[active[0]]["lineage"]["epoch"]
    standby = [
        name
        for name, one in read.items()
        if one["role"] == "standby" and (one["origin"] or {}).get("epoch") == epoch
    ]
    return active[0], "".join(standby)


def _troubles(record: Record) -> Iterator[Event]:
    """Yield when something broke all at once, and when what lasted was over."""
    for one in record.select("runner", "fault", "fault.ended"):
        if one.cause not in _ARMED and (one.event == "fault") == (one.cause in _SUDDEN):
            yield one


def _ordered(record: Record, node: str, since: int) -> bool:
    """Say whether the last step that orders a run there was taken after an event, and granted."""
    steps = record.plan.scenario.whole
    taken = [
        one.number
        for one in record.select("runner", "step")
        if getattr(steps[int(one.detail["position"]) - 1], "run_now", None) == node
    ]
    refusals = {one.number - 1 for one in record.select("runner", "declined", "passed-over")}
    return bool(taken) and taken[-1] > since and taken[-1] not in refusals


def _end(record: Record, start: Event) -> Event | None:
    run = start.detail.get("run")
    ends = (
        one
        for one in record.select("engine", *_ENDS, node=start.node)
        if one.number >= start.number and one.detail.get("run") == run
    )
    return next(ends, None)
