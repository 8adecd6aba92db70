"""What is wrong with a scenario's document, in words: pydantic's errors, made for people."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from typing import Any, NamedTuple

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from scenarios.marks import Marked
from scenarios.models.base import FORMS
from scenarios.models.expectations import Expectation
from scenarios.models.faults import FaultStep
from scenarios.models.scenario import Deed, Scenario, tags

REFERENCE = "docs/scenario-language.md"
_ABSENT = {"missing", "too_short", "string_too_short"}
_ADDED = {"deed", "fault"}  # names of unions, which no document has
_PLAIN = {
    "int_parsing": "must be a whole number",
    "int_type": "must be a whole number",
    "int_parsing_size": "is no number that anything could have",
    "string_type": "must be a text",
    "tuple_type": "must be a list, each item after `- ` or all between `[` and `]`",
    "model_type": "must hold keys, one a line as in `key: value`, or all between `{` and `}`",
    "model_attributes_type": "must hold keys, one a line as in `key: value`",
    "dict_type": "must hold keys, one a line as in `key: value`",
}
_BOUNDS = {"greater_than_equal": ("ge", "least"), "less_than_equal": ("le", "most")}


class Fault(NamedTuple):
    """What is wrong.

    Attributes:
        line: where.
        message: what, and of which field.
        remedy: what to do.
    """

    line: int
    message: str
    remedy: str


def explain(error: ValidationError, marked: Marked) -> Fault:
    """Tell the first fault; what is wrong comes before what is missing."""
    faults = _meant(error.errors(include_url=False))
    first = min(faults, key=lambda one: (one["type"] in _ABSENT, marked.line(one["loc"])))
    location = first["loc"]
    where = ".".join(_readable(location, marked))
    message, remedy = _worded(first, location)
    line = marked.line(location)
    verb = next((one for one in location if isinstance(one, str) and one in _verbs()), where)
    return Fault(line, f"{where}: {message}", remedy or f"{REFERENCE} shows `{verb}`")


def _worded(first: ErrorDetails, location: Sequence[str | int]) -> tuple[str, str]:
    """Return cause and remedy of one of pydantic's errors; no remedy where the cause says it."""
    kind, word = first["type"], str(location[-1]) if location else ""
    if kind == "union_tag_not_found":
        return "one verb is needed here, and only one", "begin each step with `- `"
    if kind == "union_tag_invalid":
        tag = str(first["ctx"]["tag"])
        return f"`{tag}` is no verb of the language", closest(tag, _tags(location))
    if kind == "extra_forbidden":
        return f"`{word}` is not known here", closest(word, _keys())
    if kind == "missing":
        return f"`{word}` is missing", f"add `{word}:`"
    if kind in _ABSENT:
        return f"`{word}` is empty", f"write something after `{word}:`"
    return _wrong(first), ""


def _wrong(first: ErrorDetails) -> str:
    """Return what is wrong with a value."""
    kind, context = first["type"], first.get("ctx", {})
    if kind == "literal_error":
        text = f"must be {context['expected']}".replace("'", "`")
    elif kind == "string_pattern_mismatch":
        form = FORMS.get(str(context["pattern"]), f"does not look like one ({context['pattern']})")
        text = f"`{_shown(first)}` {form}"
    elif kind in _BOUNDS:
        key, side = _BOUNDS[kind]
        text = f"`{_shown(first)}` must be at {side} {context[key]}"
    elif kind in _PLAIN:
        text = f"`{_shown(first)}` {_PLAIN[kind]}"
    else:
        text = first["msg"].removeprefix("Value error, ")
    return text


def _shown(error: ErrorDetails) -> str:
    text = " ".join(str(error["input"]).split())
    return text if len(text) <= 40 else f"{text[:40]}…"  # noqa: PLR2004 - of one line


def _meant(faults: list[ErrorDetails]) -> list[ErrorDetails]:
    """Leave out what pydantic says of the short form where the long one was written, and v. v."""
    kept = [
        one
        for one in faults
        if not (one["type"] == "model_type" and isinstance(one["input"], str) and len(faults) > 1)
        and not (one["type"] == "literal_error" and isinstance(one["input"], dict))
    ]
    return kept or faults


def _readable(location: Sequence[str | int], marked: Marked) -> list[str]:
    """Leave out what pydantic adds to a location and the document does not have."""
    kept: list[str] = []
    here: tuple[str | int, ...] = ()
    for index, step in enumerate(location):
        inside = (*here, step) in marked.lines
        if inside:
            here = (*here, step)
        last = index == len(location) - 1 and (not kept or kept[-1] != step)
        if inside or (last and step not in _ADDED):
            kept.append(str(step + 1) if isinstance(step, int) else step)
    return kept


def _verbs() -> list[str]:
    """Return every verb of the language."""
    return [*tags(Deed), *tags(FaultStep), *tags(Expectation)]


def _tags(location: Sequence[str | int]) -> list[str]:
    """Return the verbs that could have stood at a location."""
    if location[:1] == ("expect",):
        return tags(Expectation)
    return tags(FaultStep) if "do" in location else [*tags(Deed), *tags(FaultStep)]


def _keys() -> list[str]:
    """Return every key of the language."""
    schema: dict[str, Any] = Scenario.model_json_schema()
    models = [schema, *schema["$defs"].values()]
    return sorted({key for model in models for key in model["properties"]})


def closest(word: str, known: Sequence[str]) -> str:
    """Return the remedy for a word that nobody knows: the one that was meant, or all there are."""
    close = difflib.get_close_matches(word, known, n=1, cutoff=0.5)
    if close:
        return f"did you mean `{close[0]}`?"
    return f"known here: {', '.join(known)}" if known else "there is none so far"
