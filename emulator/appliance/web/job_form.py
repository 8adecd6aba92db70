"""The form of a job: as it is typed, as fields of the job, and what is wrong with them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import request

from emulator.appliance.entities import ENTITY_ID
from emulator.appliance.kinds import KINDS
from emulator.appliance.web.navigation import Say


def typed_job() -> dict[str, Any]:
    """Return what stands in the form, as it was typed."""
    fields = ("name", "kind", "report_to", "unit", "every", "date", "time", "keep")
    typed: dict[str, Any] = {field: request.form.get(field, "").strip() for field in fields}
    return {**typed, "contents": request.form.getlist("contents")}


def typed_of(name: str, body: Mapping[str, Any]) -> dict[str, Any]:
    """Return how a job stands in the form."""
    date, _, time = body["start"].partition("T")
    return {**body, "name": name, "date": date, "time": time}


def body_of(typed: Mapping[str, Any]) -> dict[str, Any]:
    """Return a job's fields from what was typed; what is no number stays what it is."""
    when = f"{typed['date']}T{typed['time']}" if typed["date"] or typed["time"] else ""
    numbers = {field: _number(typed[field]) for field in ("every", "keep")}
    same = {field: typed[field] for field in ("kind", "report_to", "unit", "contents")}
    return {**same, **numbers, "start": when}


def _number(text: str) -> int | str:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else text  # noqa: PLR2004 - no number of a job is that long


def wrong_job_fields(name: str, body: Mapping[str, Any], say: Say) -> Mapping[str, str]:
    """Return what is wrong with a job, by field; nothing if it can be kept."""
    words = {
        "kind": say("Backup oder Archivierung.", "Backup or archive."),
        "unit": say("Eine der Einheiten.", "One of the units."),
        "every": say("Eine Zahl von 1 bis 1000.", "A number from 1 to 1000."),
        "keep": say("Eine Zahl von 1 bis 1000.", "A number from 1 to 1000."),
        "start": say("Ein Tag und eine Uhrzeit.", "A day and a time of day."),
        "report_to": say(
            "Eine vollständige Adresse wie name@example.com.", "A whole address, name@example.com."
        ),
        "contents": say("Mindestens ein Inhalt.", "At least one kind of content."),
    }
    rules = KINDS["jobs"]
    wrong = {field: words[field] for field in words if not rules[field].rule.holds(body[field])}
    if body["unit"] != "manual" and not body["start"]:
        wrong["start"] = words["start"]
    if not ENTITY_ID.fullmatch(name):
        wrong["name"] = say(
            "Buchstaben ohne Umlaute, Ziffern und . _ - ohne Leerzeichen.",
            "Plain letters, digits and . _ - without blanks.",
        )
    return wrong
