"""Quantities of the scenario language: a number always carries its unit."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated

from pydantic import BeforeValidator, Field, PlainSerializer, WithJsonSchema

_UNITS = {
    "ms": timedelta(milliseconds=1),
    "s": timedelta(seconds=1),
    "min": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "day": timedelta(days=1),
    "days": timedelta(days=1),
    "week": timedelta(weeks=1),
    "weeks": timedelta(weeks=1),
}
_DURATION = re.compile(r"(\d+(?:\.\d+)?) ?([a-z]+)")
_PERCENT = re.compile(r"(\d+(?:\.\d+)?) ?%")
_LONGEST_FIRST = ("week", "day", "h", "min", "s", "ms")


def parse_duration(text: object) -> timedelta:
    """Read `5 min`, `90 s`, `1 day`.

    Raises:
        ValueError: there is no unit, or none that exists.
    """
    if isinstance(text, timedelta):
        return text
    match = _DURATION.fullmatch(str(text).strip())
    if match is None or match[2] not in _UNITS:
        raise ValueError("a duration needs a number and a unit: ms, s, min, h, day or week")
    return float(match[1]) * _UNITS[match[2]]


def render_duration(value: timedelta) -> str:
    """Write a duration so that `parse_duration` reads the same one back."""
    for unit in _LONGEST_FIRST:
        count, rest = divmod(value, _UNITS[unit])
        if count and not rest:
            return f"{count} {unit}"
    return f"{value / _UNITS['ms']:g} ms"


def parse_fraction(text: object) -> float:
    """Read `60 %` as 0.6.

    Raises:
        ValueError: there is no percent sign.
    """
    if isinstance(text, float):
        return text
    match = _PERCENT.fullmatch(str(text).strip())
    if match is None:
        raise ValueError("a part of the payload is written in percent, as in `60 %`")
    return float(match[1]) / 100


def render_fraction(value: float) -> str:
    """Write a fraction as a percentage."""
    return f"{value * 100:g} %"


Duration = Annotated[
    timedelta,
    BeforeValidator(parse_duration),
    PlainSerializer(render_duration),
    WithJsonSchema({"type": "string", "pattern": r"^\d+(\.\d+)? ?(ms|s|min|h|days?|weeks?)$"}),
]
Percentage = Annotated[
    float,
    Field(ge=0.0, le=1.0),
    BeforeValidator(parse_fraction),
    PlainSerializer(render_fraction),
    WithJsonSchema({"type": "string", "pattern": r"^\d+(\.\d+)? ?%$"}),
]
