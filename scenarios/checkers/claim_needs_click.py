"""Nobody claims the active's address without a person's click (R46, R5)."""

from __future__ import annotations

from collections.abc import Iterator

from scenarios.models.steps import SwitchOver
from scenarios.record import Record
from scenarios.verdict import Judgement, judged, not_applicable


def check(record: Record) -> Judgement:
    """Each takeover, by event or by announcement, follows an order, and the drill's click."""
    claims = [*_takeovers(record), *_announcements(record)]
    if not claims:
        return not_applicable("nobody claimed another's address")
    faults = [
        f"{node}: {how} at {at_s:.3f} s, and nobody had asked for it"
        for node, how, at_s in claims
        if not _asked(record, node, at_s)
    ]
    return judged(faults, f"{len(claims)} claims, each after a person's click")


def _takeovers(record: Record) -> Iterator[tuple[str, str, float]]:
    for event in record.select("appliance", "takeover.committed"):
        yield event.node, "a takeover was committed", event.wall_s


def _announcements(record: Record) -> Iterator[tuple[str, str, float]]:
    known = {station.address for station in record.appliances}
    home = {(station.name, station.address) for station in record.appliances}
    home |= {
        (one.detail["node"], one.detail["address"]) for one in record.select("runner", "replaced")
    }
    for frame in record.frames:
        node = record.name_of(frame.mac)
        if frame.gratuitous and frame.address in known and (node, frame.address) not in home:
            yield node, f"{frame.address} was announced", frame.at_s


def _asked(record: Record, node: str, before_s: float) -> bool:
    """Whether the module says who ordered it, and the drill did: its word alone is none."""
    return _clicked(record, node, before_s) and any(
        event.wall_s <= before_s and event.detail.get("by")
        for event in record.select("engine", "switchover.asked", node=node)
    )


def _clicked(record: Record, node: str, before_s: float) -> bool:
    steps = record.plan.scenario.whole
    taken = [
        steps[int(event.detail["position"]) - 1]
        for event in record.select("runner", "step")
        if event.wall_s <= before_s
    ]
    return any(isinstance(step, SwitchOver) and step.click.on == node for step in taken)
