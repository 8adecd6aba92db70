"""What a scenario leaves to others: parameters of the command line, and a customer's profile."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Field

from scenarios.marks import YamlError, parse
from scenarios.models.base import Strict
from scenarios.models.lab import LabPlan, Lines, Module, Objectives, Schedule, Version

ROOTS = ("lab", "objectives")


class Profile(Strict):
    """A customer's pair, described once and kept by the partner who looks after it.

    Attributes:
        customer: whose pair it is.
        phone_models: `vendor model`, dealt out over the users in this order.
    """

    customer: str
    version: Version | None = None
    users: Annotated[int, Field(ge=1, le=1000)] | None = None
    phone_models: tuple[str, ...] = ()
    zone: str | None = None
    schedule: Schedule | None = None
    attempts_max: Annotated[int, Field(ge=1, le=99)] | None = None
    lines: Lines | None = None
    module: Module | None = None
    objectives: Objectives | None = None

    def settings(self) -> dict[str, Any]:
        """Return what it changes of a scenario, by top-level key."""
        data = self.model_dump(mode="json", by_alias=True, exclude_unset=True)
        del data["customer"]
        objectives = data.pop("objectives", None)
        return {"lab": data, **({"objectives": objectives} if objectives else {})}


@dataclass(frozen=True)
class Settings:
    """What is changed of a scenario before it is checked.

    Attributes:
        profile: by top-level key, as `Profile.settings` returns it.
        given: keys and values of `--set`, which win over the profile.
    """

    profile: Mapping[str, Any]
    given: Mapping[str, str]

    @classmethod
    def none(cls) -> Settings:
        """Change nothing."""
        return cls({}, {})

    def options(self) -> tuple[str, ...]:
        """Return `KEY=VALUE` for `--set` that change a scenario as all of this does."""
        of_profile = (
            f"{root}.{key.replace(' ', '-')}={json.dumps(value, ensure_ascii=False)}"
            for root, values in self.profile.items()
            for key, value in values.items()
        )
        return (*of_profile, *(f"{key}={text}" for key, text in self.given.items()))

    def apply(self, scenario: dict[str, Any]) -> dict[str, Any]:
        """Return a scenario's document with the changes.

        Raises:
            ValueError: a key of `--set` is none of the lab or the objectives.
        """
        changed = dict(scenario)
        for root, values in self.profile.items():
            changed[root] = {**dict(changed.get(root) or {}), **values}
        for key, text in self.given.items():
            root, *path = placed(key)
            changed[root] = _with(changed.get(root) or {}, path, value_of(text))
        return changed


def placed(key: str) -> tuple[str, ...]:
    """Return where a key of `--set` belongs: `users` is `lab`, `users`.

    Words may be joined by hyphens: `attempts-max`, `pbx2.version`, `module.stall-limit`.

    Raises:
        ValueError: it belongs nowhere.
    """
    path = tuple(one.replace("-", " ").replace("_", " ") for one in key.split("."))
    if path[0] in ROOTS and len(path) > 1:
        return path
    for root, model in (("lab", LabPlan), ("objectives", Objectives)):
        if path[0] in known(model):
            return (root, *path)
    raise ValueError(f"`{key}` is no parameter: {', '.join((*known(LabPlan), *known(Objectives)))}")


def known(model: type[Strict]) -> list[str]:
    """Return the keys of a part of the language."""
    return [str(one.alias) for one in model.model_fields.values()]


def value_of(text: str) -> Any:
    """Read a value as a scenario file would.

    Raises:
        ValueError: it is not YAML.
    """
    try:
        return parse(text).value
    except YamlError as error:
        raise ValueError(f"`{text}` cannot be read: {error.message}") from error


def pairs(texts: Sequence[str]) -> dict[str, str]:
    """Read `--set KEY=VALUE` options.

    Raises:
        ValueError: there is no equals sign.
    """
    found = {}
    for text in texts:
        key, sign, value = text.partition("=")
        if not sign or not key.strip():
            raise ValueError(f"`{text}` does not read KEY=VALUE, as in users=500")
        found[key.strip()] = value.strip()
    return found


def _with(values: Any, path: Sequence[str], value: Any) -> dict[str, Any]:
    """Return a mapping in which one place has another value."""
    changed = dict(values) if isinstance(values, Mapping) else {}
    first, *rest = path
    changed[first] = _with(changed.get(first) or {}, rest, value) if rest else value
    return changed
