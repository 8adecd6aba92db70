"""From what was typed to a configuration, and back: each mistake at its field."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, time
from typing import Any

from pydantic import ValidationError

from redundancy.configuration import ModuleConfiguration

UNITS = ("minute", "hour", "day", "week", "month")
SOURCES = ("fresh", "latest")
LANGUAGES = ("de", "en")
GENERAL = ("name", "description", "log_level")
SETTINGS = (
    "licence_key",
    "attempts_max",
    "send_mails",
    "mail_address",
    "repeat_unit",
    "repeat_every",
    "start_date",
    "start_time",
)
FURTHER = (
    "backup_source",
    "backup_age_max_h",
    "backup_wait_limit_min",
    "stale_after_h",
    "language",
)
STANDBY = ("standby_user", "standby_password", "standby_server")


_DEFAULTS = {
    name: ModuleConfiguration.model_fields[name].default
    for name in ("attempts_max", "repeat_unit", "repeat_every", *FURTHER)
}


@dataclass(frozen=True)
class Filled:
    """A form as a person filled it in.

    Attributes:
        values: what was typed, to be shown again.
        wrong: names of the fields with a mistake.
        configuration: what it comes to, None if there is a mistake.
    """

    values: Mapping[str, Any]
    wrong: frozenset[str] = field(default_factory=frozenset)
    configuration: ModuleConfiguration | None = None


def shown(saved: ModuleConfiguration | None) -> Filled:
    """Return the form of a saved configuration; the password never leaves it."""
    values = saved.model_dump(exclude={"standby_password"}) if saved else _DEFAULTS
    filled = {name: _written(value) for name, value in values.items()}
    return Filled(filled if saved else {**filled, "send_mails": True})


def _written(value: Any) -> Any:
    """Return a value as people write it: 24 hours, not 24.0."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def filled_settings(typed: Mapping[str, str], saved: ModuleConfiguration | None) -> Filled:
    """Read *Einstellungen* (R21 to R31)."""
    values: dict[str, Any] = {name: typed.get(name, "").strip() for name in SETTINGS}
    values["licence_key"] = values["licence_key"].upper()
    values["send_mails"] = "send_mails" in typed
    values |= {name: typed[name].strip() for name in FURTHER if name in typed}
    return _validated(values, saved)


def filled_general(typed: Mapping[str, str], saved: ModuleConfiguration) -> Filled:
    """Read *Allgemein* (R19)."""
    return _validated({name: typed.get(name, "").strip() for name in GENERAL}, saved)


def filled_standby(typed: Mapping[str, str], saved: ModuleConfiguration) -> Filled:
    """Read *Standby-Einstellungen* (R33 to R36); an empty password keeps the saved one."""
    values: dict[str, Any] = {name: typed.get(name, "").strip() for name in STANDBY}
    values["standby_password"] = typed.get("standby_password", "")
    if not values["standby_password"]:
        del values["standby_password"]
    found = _validated(values, saved)
    return Filled({**found.values, "standby_password": ""}, found.wrong, found.configuration)


def _validated(values: Mapping[str, Any], saved: ModuleConfiguration | None) -> Filled:
    base = saved.model_dump() if saved else {}
    try:
        return Filled(values, configuration=ModuleConfiguration(**{**base, **values}))
    except ValidationError as error:
        places = {one["loc"] for one in error.errors()}
    wrong = {str(place[0]) for place in places if place}
    return Filled(values, frozenset(wrong or _inconsistent(values)))


def _inconsistent(values: Mapping[str, Any]) -> set[str]:
    """Name the fields that are right by themselves and wrong together, or in no calendar."""
    wrong = set()
    if values.get("send_mails") and not values.get("mail_address"):
        wrong.add("mail_address")
    for name, parse in (("start_date", date.fromisoformat), ("start_time", time.fromisoformat)):
        try:
            parse(str(values.get(name)))
        except ValueError:
            wrong.add(name)
    return wrong
