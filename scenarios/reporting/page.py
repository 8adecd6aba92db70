"""The drill report: one HTML file that needs nothing else, neither network nor script.

Every value passes through Jinja's escaping: names in a record may be hostile.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup

from scenarios.checkers import judge
from scenarios.clients import crowd_returns, returns
from scenarios.expectations import met
from scenarios.models.lab import LabPlan
from scenarios.record import Record
from scenarios.replaying import replay_command
from scenarios.reporting.clocks import Clocks
from scenarios.reporting.cover import Cover
from scenarios.reporting.findings import findings, grade
from scenarios.reporting.log import as_written, log_lines, verb_of
from scenarios.reporting.metrics import Metrics, measured, steps_taken, written
from scenarios.reporting.previous import Previous
from scenarios.reporting.timeline import LANE, LEFT, RIGHT, TOP, WIDTH, timeline
from scenarios.reporting.wording import WORDINGS, Wording
from scenarios.verdict import Judgement, worst

_HERE = Path(__file__).parent
SECTIONS = (
    "cover",
    "type",
    "trigger",
    "participants",
    "object",
    "scenario",
    "log",
    "metrics",
    "verdict",
    "findings",
    "actions",
    "comparison",
    "evidence",
    "sign-off",
)


@dataclass(frozen=True)
class Reported:
    """What a report is made from.

    Attributes:
        record: of the drill.
        judgements: by checker.
        folder: of the run; its name is the report's identifier.
        files: SHA-256 of each sealed file.
        seal: SHA-256 of the seal, "" where there is none.
        previous: the run that this one is compared with.
        cover: what only the operator knows.
    """

    record: Record
    judgements: Mapping[str, Judgement]
    folder: Path
    files: Mapping[str, str]
    seal: str
    previous: Previous | None
    cover: Cover


def render(given: Reported, language: str) -> str:
    """Write the report.

    Args:
        given: what it is made from.
        language: `de` or `en`.
    """
    style = Markup((_HERE / "report.css").read_text(encoding="utf-8"))  # noqa: S704 - our own file
    return _template().render(style=style, **_values(given, WORDINGS[language]))


@cache
def _template() -> Template:
    environment = Environment(
        loader=FileSystemLoader(_HERE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("report.html")


def _wanted(record: Record, expected: Sequence[Any]) -> list[tuple[str, Judgement]]:
    """Return each expectation as it was written, and what was found of it."""
    checkers = {
        str(number): partial(met, one) for number, one in enumerate(record.plan.scenario.expect)
    }
    found = judge(record, checkers).values()
    return [(as_written(one), each) for one, each in zip(expected, found, strict=True)]


def _settings(lab: LabPlan, written: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return each setting that the scenario names; one named without values has the usual ones."""
    usual = lab.model_dump(mode="json", by_alias=True)
    return [(key, as_written(value or usual[key])) for key, value in written.items()]


def _values(given: Reported, words: Wording) -> dict[str, Any]:
    record = given.record
    metrics = measured(record)
    found = findings(record, given.judgements, metrics)
    verdict = worst(one.verdict for one in given.judgements.values())
    scenario = written(record)["scenario"]
    steps = steps_taken(record)
    return {
        "words": words,
        "text": words.text,
        "sections": SECTIONS,
        "given": given,
        "cover": given.cover,
        "record": record,
        "plan": record.plan,
        "scenario": scenario,
        "settings": _settings(record.plan.scenario.lab, scenario["lab"]),
        "steps": [(verb_of(step), as_written(step)) for step in steps],
        "wanted": _wanted(record, scenario.get("expect") or []),
        "identifier": f"{record.plan.scenario.id}/{given.folder.name}",
        "appliances": _appliances(record),
        "mode": _mode(record),
        "log": log_lines(record, steps),
        "metrics": metrics,
        "rows": _metric_rows(metrics, words),
        "reaction": _reaction(record, metrics),
        "began_s": Clocks(record).began_s,
        "clients": returns(record),
        "crowd": _crowd(record, words),
        "grade": grade(verdict, found),
        "findings": found,
        "timeline": timeline(record),
        "geometry": {"lane": LANE, "left": LEFT, "right": RIGHT, "width": WIDTH, "top": TOP},
        "changed": _changed(given),
        "replay": replay_command(record.plan),
        "verify": f"standby-lab verify {given.folder.name}",
        "again": f"standby-lab report {given.folder.name} --language {words.language}",
        "verdict": verdict.value,
    }


def _mode(record: Record) -> str:
    """Return whose time a drill ran on: `served`, `simulated`, `real`."""
    if record.plan.real_time:
        return "real"
    return "simulated" if record.plan.backend == "sim" else "served"


def _appliances(record: Record) -> list[tuple[str, str, str, str, str]]:
    """Return name, hardware id, version, address and MAC of each appliance."""
    rows = []
    for one in record.appliances:
        status = record.answer(one.name, "status", "steady") or {}
        serial = str(status.get("hardware_id", ""))
        rows.append((one.name, serial, one.version, one.address, one.mac))
    return rows


def _metric_rows(metrics: Metrics, words: Wording) -> list[tuple[str, str, str, str]]:
    """Return (metric, objective, achieved, assessment) of each metric, as text."""
    text, none = words.text, words.text("none")

    def assessed(name: str, objective_s: float | None) -> str:
        if objective_s is None or not metrics.switched_over:
            return none
        return text("objective.missed" if name in metrics.missed else "objective.met")

    def wanted(objective_s: float | None) -> str:
        return text("no-objective") if objective_s is None else words.seconds(objective_s)

    rows = [
        (
            text("metric.rta"),
            wanted(metrics.rto_s),
            words.span(metrics.recovery),
            assessed("rto", metrics.rto_s),
        ),
        (text("metric.rta-decision"), none, words.span(metrics.takeover), none),
        (
            text("metric.rpa"),
            wanted(metrics.rpo_s),
            words.span(metrics.data_age),
            assessed("rpo", metrics.rpo_s),
        ),
        (text("metric.rpa-objects"), none, _objects(metrics, words), none),
        (text("metric.phones"), none, _phones(metrics, words), none),
        (text("metric.conflict"), none, words.seconds(metrics.conflict_s), none),
    ]
    if metrics.downtime_s is not None:
        rows.append((text("metric.downtime"), none, words.seconds(metrics.downtime_s), none))
    return rows


def _crowd(record: Record, words: Wording) -> str:
    found = crowd_returns(record)
    if not found:
        return ""
    back = [one for one in found if one is not None]
    last = words.number(max(back, default=0.0), 1)
    return words.text("crowd", back=len(back), all=len(found), last=last)


def _objects(metrics: Metrics, words: Wording) -> str:
    if not metrics.switched_over:
        return words.text("not-measured")
    if not metrics.lost:
        return words.text("objects.none", all=metrics.changes)
    names = ", ".join(metrics.lost)
    return words.text("objects", lost=len(metrics.lost), all=metrics.changes, names=names)


def _phones(metrics: Metrics, words: Wording) -> str:
    if not metrics.switched_over or not metrics.clients:
        return words.text("not-measured")
    share = words.number(100 * metrics.clients_back / metrics.clients, 0)
    return words.text("phones", share=share, back=metrics.clients_back, all=metrics.clients)


def _reaction(record: Record, metrics: Metrics) -> Any:
    marks = {phase.name: phase.at_s for phase in metrics.phases}
    if "died" not in marks or "decided" not in marks:
        return None
    return Clocks(record).between(marks["died"], marks["decided"])


def _changed(given: Reported) -> list[tuple[str, str, str]]:
    """Return (checker, verdict before, verdict now) where they differ."""
    if given.previous is None:
        return []
    before = given.previous.judgements
    now = {name: one.verdict.value for name, one in given.judgements.items()}
    return [
        (name, before.get(name, ""), now.get(name, ""))
        for name in sorted({*before, *now})
        if before.get(name) != now.get(name)
    ]
