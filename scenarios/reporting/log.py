"""The log of a drill: what was planned, what happened when, who did it, where it is proved."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import yaml

from emulator.lab import Event
from scenarios.record import Record
from scenarios.reporting.clocks import Clocks

_BURST_S = 2.0  # mails that leave in this time are told in one line
_ENGINE_ASIDE = frozenset({"progress", "run.exported", "switchover.confirm", "configured"})
_APPLIANCE = frozenset(
    {
        "booted",
        "stopped",
        "backup.failed",
        "receive.failed",
        "import.committed",
        "import.failed",
        "restore.committed",
        "restore.failed",
        "epoch.opened",
        "takeover.committed",
        "takeover.settled",
        "modules.activated",
        "modules.rested",
        "address.conflict",
        "network.set",
        "defect",
    }
)


@dataclass(frozen=True)
class Line:
    """One line of the log.

    Attributes:
        planned: what the scenario says of it: (number of the step, deadline), or None.
        at_s: seconds since the history began.
        calendar: what the Calendar showed.
        who: the node, or `runner`.
        kind: `step`, `phase`, `fault`, `expectation`, or the event's own name.
        verb: of a step: the word that its text begins with in the language of phrases.
        text: what the record says besides: a step as it was written, a cause, a change.
        count: how many events of this kind followed each other.
        number: of the first event in `events.jsonl`.
    """

    planned: tuple[int, str] | None
    at_s: float
    calendar: datetime
    who: str
    kind: str
    verb: str
    text: str
    count: int
    number: int


def log_lines(record: Record, steps: list[Any]) -> list[Line]:
    """Choose and render the events of a record that tell what happened.

    Args:
        record: the record.
        steps: the scenario's steps as `plan.yaml` has them.
    """
    clocks = Clocks(record)
    lines: list[Line] = []
    for event in record.events:
        line = _line(event, clocks, steps)
        if line is None:
            continue
        at = _joins(lines, line)
        if at is None:
            lines.append(line)
        else:
            lines[at] = replace(lines[at], count=lines[at].count + 1)
    return lines


def _joins(lines: list[Line], line: Line) -> int | None:
    """Return where a delivery is counted in, so that a burst of mails is one line."""
    if line.kind != "sent":
        return None
    for at in reversed(range(len(lines))):
        if line.at_s - lines[at].at_s > _BURST_S:
            return None
        if (lines[at].kind, lines[at].who) == (line.kind, line.who):
            return at
    return None


def _line(event: Event, clocks: Clocks, steps: list[Any]) -> Line | None:
    told = _told(event, steps)
    if told is None:
        return None
    planned, kind, verb, text = told
    at_s = event.wall_s - clocks.began_s
    return Line(planned, at_s, event.served, event.node, kind, verb, text, 1, event.number)


def _told(event: Event, steps: list[Any]) -> tuple[tuple[int, str] | None, str, str, str] | None:
    """Return (planned, kind, verb, text) of an event that belongs into the log."""
    source, name, detail = event.source, event.event, event.detail
    if source == "runner" and name == "step":
        position = int(detail.get("position", 0))
        step = steps[position - 1] if 0 < position <= len(steps) else {}
        return (position, deadline(step)), "step", verb_of(step), as_written(step) or event.cause
    if source == "runner" and name == "expectation":
        return None, f"expectation.{event.cause}", "", str(detail.get("text", ""))
    if source == "runner" and name in {"fault", "fault.armed", "fault.ended"}:
        return None, name, event.cause, str(detail.get("node", ""))
    if source == "runner" and name == "phase":
        return None, "phase", event.cause, ""
    if (
        (source == "engine" and name not in _ENGINE_ASIDE)
        or (source == "appliance" and name in _APPLIANCE)
        or source in {"address", "wire"}
        or (source, name) == ("mail", "deferred")
    ):
        return None, name if source != "address" else f"address.{name}", "", _aside(event)
    return (None, "sent", "", "") if (source, name) == ("mail", "sent") else None


def _aside(event: Event) -> str:
    """Return what the event says besides its name: cause, attempt, address."""
    kept = [event.cause] if event.cause else []
    keys = ("attempt", "address", "generation", "epoch", "given_up", "step")
    kept += [f"{key} {event.detail[key]}" for key in keys if key in event.detail]
    return ", ".join(kept)


def verb_of(step: Any) -> str:
    """Return the one key of a step; "" where there is none."""
    return str(next(iter(step))) if isinstance(step, Mapping) and step else str(step or "")


def deadline(step: Any) -> str:
    """Return the deadline that a step states, as it is written; "" where it states none."""
    return next(iter(_deadlines(step)), "")


def _deadlines(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            if key == "within":
                yield str(inner)
            yield from _deadlines(inner)


def as_written(step: Any) -> str:
    """Return a step or an expectation as one line of the scenario's file."""
    if not step:
        return ""
    text = yaml.safe_dump(
        step, default_flow_style=True, sort_keys=False, allow_unicode=True, width=10**6
    )
    line = " ".join(text.split()).removesuffix("...").strip().replace("'on':", "on:")
    return line[1:-1] if line.startswith("{") else line
