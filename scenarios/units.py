"""Quantities of the scenario language: a number always carries its unit."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Literal

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
_OFTEN = 10_000  # of a unit, between two runs
_INTERVALS = {"min": "minute", "h": "hour", "day": "day", "week": "week", "month": "month"}
_SIZES = {"B": 1, "kB": 1000, "MB": 1000**2, "GB": 1000**3}
LONGEST = timedelta(weeks=520)  # of whatever a drill waits for
_LARGEST = 10**15  # bytes
_LONGEST_FIRST = ("week", "day", "h", "min", "s", "ms")


def _short(text: object) -> str:
    return str(text).strip()[:40]


def parse_duration(text: object) -> timedelta:
    """Read `5 min`, `90 s`, `1 day`.

    Raises:
        ValueError: there is no unit, or none that exists.
    """
    if isinstance(text, timedelta):
        return text
    match = _DURATION.fullmatch(str(text).strip())
    if match is None or match[2] not in _UNITS:
        raise ValueError(
            f"`{_short(text)}`: a duration needs a number and a unit: ms, s, min, h, day or week"
        )
    amount = float(match[1])
    if amount > LONGEST / _UNITS[match[2]]:
        raise ValueError(f"`{_short(text)}` is longer than {render_duration(LONGEST)}")
    return amount * _UNITS[match[2]]


def parse_deadline(text: object) -> timedelta:
    """Read a duration within which something must come; it lasts.

    Raises:
        ValueError: it is none, or it has no length.
    """
    limit = parse_duration(text)
    if not limit:
        raise ValueError(f"`{_short(text)}`: nothing can come in no time; as in `5 min`")
    return limit


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
        raise ValueError(f"`{_short(text)}`: a part is written in percent, as in `60 %`")
    if float(match[1]) > 100:  # noqa: PLR2004 - percent
        raise ValueError(f"`{_short(text)}` is more than all: at most `100 %`")
    return float(match[1]) / 100


def render_fraction(value: float) -> str:
    """Write a fraction as a percentage."""
    return f"{value * 100:g} %"


@dataclass(frozen=True)
class Interval:
    """An interval of the schedule: so many of a unit of the calendar (R28, R29)."""

    every: int
    unit: str


@dataclass(frozen=True)
class ClockedSpan:
    """A time that names its clock.

    Attributes:
        clock: `calendar` is the date and time that a lab serves, `stopwatch` what packets take.
    """

    duration: timedelta
    clock: Literal["calendar", "stopwatch"]


@dataclass(frozen=True)
class Place:
    """A byte of a payload.

    Attributes:
        fraction: how much of the payload has passed before it.
        before_last: the last byte alone is missing.
    """

    fraction: float
    before_last: bool = False


def parse_interval(text: object) -> Interval:
    """Read `1 day`, `2 weeks`, `1 month`.

    Raises:
        ValueError: there is no unit, or none that the module's schedule knows.
    """
    if isinstance(text, Interval):
        return text
    match = re.fullmatch(r"(\d+) ?([a-z]+?)s?", str(text).strip())
    unit = _INTERVALS.get(match[2]) if match else None
    if match is None or unit is None or not 0 < float(match[1]) < _OFTEN:
        raise ValueError("an interval needs a number and a unit: min, h, day, week or month")
    return Interval(int(match[1]), unit)


def render_interval(value: Interval) -> str:
    """Write an interval as `parse_interval` reads it."""
    short = {unit: word for word, unit in _INTERVALS.items()}[value.unit]
    return f"{value.every} {short}"


def parse_span(text: object) -> ClockedSpan:
    """Read `20 min on the calendar`, `5 s on the stopwatch`.

    Raises:
        ValueError: it names no clock, or the duration has no unit.
    """
    if isinstance(text, ClockedSpan):
        return text
    amount, _, clock = str(text).partition(" on the ")
    if clock == "calendar":
        return ClockedSpan(parse_duration(amount), "calendar")
    if clock == "stopwatch":
        return ClockedSpan(parse_duration(amount), "stopwatch")
    raise ValueError("say by which clock: `20 min on the calendar` or `5 s on the stopwatch`")


def render_span(value: ClockedSpan) -> str:
    """Write a time with its clock."""
    return f"{render_duration(value.duration)} on the {value.clock}"


def parse_shift(text: object) -> timedelta:
    """Read `+3 h` and `-1 h`.

    Raises:
        ValueError: there is no sign, or no unit.
    """
    if isinstance(text, timedelta):
        return text
    sign, amount = str(text).strip()[:1], str(text).strip()[1:]
    if sign not in {"+", "-"}:
        raise ValueError("a shift begins with + or -, as in `+3 h`")
    duration = parse_duration(amount.strip())
    return duration if sign == "+" else -duration


def render_shift(value: timedelta) -> str:
    """Write a shift with its sign."""
    return f"{'-' if value < timedelta() else '+'}{render_duration(abs(value))}"


def parse_size(text: object) -> int:
    """Read `100 kB` as 100,000 bytes.

    Raises:
        ValueError: there is no unit.
    """
    if isinstance(text, int):
        return text
    match = re.fullmatch(r"(\d+) ?(B|kB|MB|GB)", str(text).strip())
    if match is None:
        raise ValueError("a size needs a number and a unit: B, kB, MB or GB")
    if float(match[1]) * _SIZES[match[2]] > _LARGEST:
        raise ValueError(f"`{_short(text)}` is more than {render_size(_LARGEST)}")
    return int(match[1]) * _SIZES[match[2]]


def render_size(value: int) -> str:
    """Write a size as `parse_size` reads it."""
    unit = next(one for one in reversed(_SIZES) if not value % _SIZES[one])
    return f"{value // _SIZES[unit]} {unit}"


def parse_rate(text: object) -> int:
    """Read `200 kB/s` as 200,000 bytes a second.

    Raises:
        ValueError: there is no unit.
    """
    if isinstance(text, int):
        return text
    size, slash, second = str(text).strip().partition("/")
    if not slash or second.strip() != "s":
        raise ValueError("a rate is written as in `200 kB/s`")
    return parse_size(size)


def render_rate(value: int) -> str:
    """Write a rate as `parse_rate` reads it."""
    return f"{render_size(value)}/s"


def parse_place(text: object) -> Place:
    """Read where in a payload something happens: `60 %`, `first byte`, `last byte`.

    Raises:
        ValueError: it is none of these.
    """
    if isinstance(text, Place):
        return text
    words = str(text).strip()
    if words in {"first byte", "last byte"}:
        return Place(0.0 if words == "first byte" else 1.0, before_last=words == "last byte")
    return Place(parse_fraction(words))


def render_place(value: Place) -> str:
    """Write a place as `parse_place` reads it."""
    if value.before_last:
        return "last byte"
    return "first byte" if not value.fraction else render_fraction(value.fraction)


def parse_wall(text: object) -> datetime:
    """Read `2025-03-29 23:30`, the wall clock of the appliances.

    Raises:
        ValueError: it reads otherwise.
    """
    if isinstance(text, datetime):
        return text
    try:
        return datetime.strptime(str(text).strip(), "%Y-%m-%d %H:%M")  # noqa: DTZ007 - wall time
    except ValueError as error:
        raise ValueError("date and time are written as in `2025-03-29 23:30`") from error


def _text(pattern: str) -> WithJsonSchema:
    """Return how JSON Schema describes a quantity."""
    return WithJsonSchema({"type": "string", "pattern": f"^{pattern}$"})


def _render_wall(value: datetime) -> str:
    return value.strftime("%Y-%m-%d %H:%M")


_NUMBER = r"\d+(\.\d+)? ?(ms|s|min|h|days?|weeks?)"
_BYTES = r"\d+ ?(B|kB|MB|GB)"
_PART = r"\d+(\.\d+)? ?%"
Duration = Annotated[
    timedelta,
    BeforeValidator(parse_duration),
    PlainSerializer(render_duration),
    _text(_NUMBER),
]
Deadline = Annotated[
    timedelta,
    BeforeValidator(parse_deadline),
    PlainSerializer(render_duration),
    _text(_NUMBER),
]
Percentage = Annotated[
    float,
    Field(ge=0.0, le=1.0),
    BeforeValidator(parse_fraction),
    PlainSerializer(render_fraction),
    _text(_PART),
]
Repeat = Annotated[
    Interval,
    BeforeValidator(parse_interval),
    PlainSerializer(render_interval),
    _text(r"\d+ ?(min|h|days?|weeks?|months?)"),
]
Span = Annotated[
    ClockedSpan,
    BeforeValidator(parse_span),
    PlainSerializer(render_span),
    _text(_NUMBER + " on the (calendar|stopwatch)"),
]
Shift = Annotated[
    timedelta,
    BeforeValidator(parse_shift),
    PlainSerializer(render_shift),
    _text("[+-]" + _NUMBER),
]
Size = Annotated[int, BeforeValidator(parse_size), PlainSerializer(render_size), _text(_BYTES)]
Rate = Annotated[
    int, BeforeValidator(parse_rate), PlainSerializer(render_rate), _text(_BYTES + "/s")
]
PayloadPlace = Annotated[
    Place,
    BeforeValidator(parse_place),
    PlainSerializer(render_place),
    _text(f"(first byte|last byte|{_PART})"),
]
WallTime = Annotated[
    datetime,
    BeforeValidator(parse_wall),
    PlainSerializer(_render_wall),
    _text(r"\d{4}-\d\d-\d\d \d\d:\d\d"),
]
