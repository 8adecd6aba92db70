"""Objects of the content, and what each must be before it enters an appliance.

Everything that enters passes `check`, whoever brings it: a command, a page, or a backup that
may be hostile (I2). Nothing is ever turned into objects by name.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from emulator.appliance.kinds import KINDS, wrong

ENTITY_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@:+-]{0,127}")
SURROGATE = re.compile(r"[\ud800-\udfff]")
LARGEST_BODY = 1_000_000  # signs of JSON
DEEPEST = 32  # levels of lists and objects
PASSWORDS = "passwords"
DIGESTED_APART = frozenset({"modules", "users"})  # of others the canonical form is digested whole
CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False)
STRICT = json.JSONEncoder(ensure_ascii=False, allow_nan=False)


class Entity(NamedTuple):
    """One object of the content."""

    kind: str
    id: str
    body: Mapping[str, Any]


class EntityError(ValueError):
    """An entity that no appliance would have made; the message says which and why."""


def is_secret(field: str) -> bool:
    """Whether a field of an object holds a secret (D15): sealed at rest, shown to nobody."""
    return field == "password" or field.endswith(("_password", "_secret"))


def names_secret(text: str) -> bool:
    """Whether a body in canonical form may have a field with a secret; most have none."""
    return 'password":' in text or '_secret":' in text  # as `is_secret` says


def check(entity: Entity) -> Entity:
    """Return the entity if it is well-formed.

    Raises:
        EntityError: it is not.
    """
    fields = KINDS.get(entity.kind)
    if fields is None:
        raise EntityError(f"unknown kind of entity {entity.kind[:40]!r}")
    if not isinstance(entity.id, str) or not ENTITY_ID.fullmatch(entity.id):
        raise EntityError(f"an entity of kind {entity.kind} has a malformed id")
    where = f"{entity.kind}/{entity.id}"
    if not isinstance(entity.body, Mapping):
        raise EntityError(f"{where} has no fields")
    fault = wrong(fields, entity.body) or _unfit(entity.body)
    if fault:
        raise EntityError(f"{where}: {fault}")
    return entity


def _unfit(body: Mapping[str, Any]) -> str:
    """Return why a body, whatever its fields, could not be kept; "" if it can."""
    too_deep = f"it is nested deeper than {DEEPEST} levels"
    try:
        text = STRICT.encode(body)
    except RecursionError:
        return too_deep
    except (ValueError, TypeError):
        return "it is no JSON object"
    # No body is deeper than it has brackets; few have so many that one must look.
    if text.count("{") + text.count("[") > DEEPEST and _deeper(body):
        return too_deep
    if len(text) > LARGEST_BODY:
        return f"it is larger than {LARGEST_BODY} signs"
    return "a text is broken (half of a surrogate pair)" if SURROGATE.search(text) else ""


def _deeper(body: Mapping[str, Any]) -> bool:
    level: list[Any] = [body]
    for _ in range(DEEPEST):
        level = [inner for outer in level for inner in _containers(outer)]
    return bool(level)


def _containers(outer: Any) -> Iterator[Any]:
    values = outer.values() if isinstance(outer, Mapping) else outer
    return (one for one in values if isinstance(one, (Mapping, list)))


def canonical(value: Any) -> str:
    """Render JSON in the one way that digests are taken of."""
    return CANONICAL.encode(value)


def digests(entity: Entity) -> Iterator[tuple[str, str]]:
    """Give `kind/id` and SHA-256 of an entity; the activation of modules is not content (R45, D13).

    A user's password stands apart, as `passwords/LOGIN`: it says who may log in, and no two
    labs of one seed share any, while everything else of a user comes from the seed.
    """
    body = dict(entity.body)
    if entity.kind == "modules":
        body.pop("active")
        body.pop("wanted", None)
    if entity.kind == "users" and body.get("password"):
        yield f"{PASSWORDS}/{entity.id}", _digest(body.pop("password"))
    yield f"{entity.kind}/{entity.id}", _digest(body)


def _digest(value: Any) -> str:
    return hashlib.sha256(canonical(value).encode()).hexdigest()
