"""What a drill achieved, against what was asked for: RTA and RTO, RPA and RPO.

RTO and RPO are objectives and come from the scenario; RTA and RPA are measured, from the wire
and from the appliances' own logs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from scenarios.downtime import measure_downtime
from scenarios.outage import lost_objects, measure
from scenarios.record import Record
from scenarios.reporting.clocks import Clocks, Span
from scenarios.reporting.owners import conflict_s
from scenarios.units import parse_duration


@dataclass(frozen=True)
class Phase:
    """A part of the outage.

    Attributes:
        name: what ends it (`noticed`, `decided`, `claimed`, `announced`, `first-back`,
            `last-back`); the first one, `died`, has no length.
        at_s: its end, in `Event.wall_s`.
        span: how long it took; None for the first.
    """

    name: str
    at_s: float
    span: Span | None


@dataclass(frozen=True)
class Metrics:
    """The figures of a drill.

    Attributes:
        rto_s, rpo_s: the objectives; None where there is none.
        recovery: RTA from the incident to the last client's return; None where nobody switched
            over, or where a client never came back.
        takeover: RTA from the decision.
        data_age: RPA: the age of the data that the new holder had at the incident.
        lost: RPA in objects: named changes that it did not have.
        changes: how many changes were named.
        clients, clients_back: stations that pinged the address, and those that came back.
        conflict_s: how long two boxes answered for the address.
        downtime_s: of a rollback, from step (b) to the last client.
        phases: of the outage, in order; empty where nobody switched over.
    """

    rto_s: float | None
    rpo_s: float | None
    recovery: Span | None
    takeover: Span | None
    data_age: Span | None
    lost: tuple[str, ...]
    changes: int
    clients: int
    clients_back: int
    conflict_s: float
    downtime_s: float | None
    phases: tuple[Phase, ...]

    @property
    def switched_over(self) -> bool:
        """Whether anybody took the address over."""
        return bool(self.phases)

    @property
    def missed(self) -> tuple[str, ...]:
        """The objectives that were not met: `rto`, `rpo`."""
        pairs = (("rto", self.rto_s, self.recovery), ("rpo", self.rpo_s, self.data_age))
        return tuple(
            name
            for name, most_s, got in pairs
            if most_s is not None and self.switched_over and (got is None or got.total_s > most_s)
        )


def measured(record: Record) -> Metrics:
    """Take a drill's figures from its record."""
    clocks = Clocks(record)
    wanted = objectives(record)
    outage = measure(record)
    downtime = measure_downtime(record)
    answers = [] if record.observed is None else list(record.observed.answers)
    marks: list[tuple[str, float]] = []
    if outage is not None:
        began_s = outage.died_s if outage.died_s is not None else outage.lost_s
        known = (
            ("died", began_s),
            ("noticed", outage.noticed_s),
            ("decided", outage.decided_s),
            ("claimed", outage.claimed_s),
            ("announced", outage.announced_s),
            ("first-back", outage.back_s),
            ("last-back", outage.last_back_s),
        )
        marks = [(name, at_s) for name, at_s in known if at_s is not None]
    at_s = dict(marks)
    return Metrics(
        rto_s=wanted.get("rto"),
        rpo_s=wanted.get("rpo"),
        recovery=_span(clocks, at_s, "died", "last-back"),
        takeover=_span(clocks, at_s, "decided", "last-back"),
        data_age=_data_age(record, clocks, at_s),
        lost=lost_objects(record),
        changes=len({event.cause for event in record.select("runner", "change")}),
        clients=len(record.watches),
        clients_back=_back(record),
        conflict_s=conflict_s(answers),
        downtime_s=None if downtime is None else downtime.total_s,
        phases=_phases(clocks, marks),
    )


def objectives(record: Record) -> dict[str, float]:
    """Return the objectives of a scenario in seconds, by name: `rto`, `rpo`."""
    scenario = written(record)["scenario"]
    stated: Mapping[str, Any] = scenario.get("objectives") or {}
    return {
        name: parse_duration(stated[name]).total_seconds()
        for name in ("rto", "rpo")
        if stated.get(name) is not None
    }


def written(record: Record) -> dict[str, Any]:
    """Return the plan as `plan.yaml` has it."""
    return record.plan.model_dump(mode="json", by_alias=True, exclude_defaults=True)


def steps_taken(record: Record) -> list[Any]:
    """Return all steps as a file has them, those first that lead to the state of `start`."""
    return [
        step.model_dump(mode="json", by_alias=True, exclude_defaults=True)
        for step in record.plan.scenario.whole
    ]


def _span(clocks: Clocks, at_s: Mapping[str, float], start: str, end: str) -> Span | None:
    if start not in at_s or end not in at_s:
        return None
    return clocks.between(at_s[start], at_s[end])


def _phases(clocks: Clocks, marks: list[tuple[str, float]]) -> tuple[Phase, ...]:
    found: list[Phase] = []
    for name, at_s in marks:
        span = clocks.between(found[-1].at_s, at_s) if found else None
        found.append(Phase(name, at_s, span))
    return tuple(found)


def _data_age(record: Record, clocks: Clocks, at_s: Mapping[str, float]) -> Span | None:
    """Return how old the new holder's data was at the incident: since its snapshot was taken."""
    claims = tuple(record.select("appliance", "takeover.committed"))
    if not claims or "died" not in at_s:
        return None
    imports = [
        event
        for event in record.select("appliance", "import.committed", node=claims[-1].node)
        if event.number < claims[-1].number and "generation" in event.detail
    ]
    if not imports:
        return None
    lineage = _lineage(imports[-1].detail)
    taken = [
        event.wall_s
        for event in record.select("appliance", "snapshot.created", "backup.finished")
        if _lineage(event.detail) == lineage and event.number < imports[-1].number
    ]
    taken += [  # an event of a finished backup does not name its generation, its beginning does
        event.wall_s
        for event in record.select("appliance", "backup.started")
        if _lineage(event.detail) == lineage and event.number < imports[-1].number
    ]
    return clocks.between(min(taken), at_s["died"]) if taken else None


def _lineage(detail: Mapping[str, Any]) -> tuple[Any, Any]:
    return detail.get("epoch"), detail.get("generation")


def _back(record: Record) -> int:
    claims = tuple(record.select("appliance", "takeover.committed"))
    if not claims:
        return 0
    mac = record.station(claims[-1].node).mac
    return sum(any(one == mac for _, one in watch.answers) for watch in record.watches.values())
