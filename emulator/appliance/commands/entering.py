"""Entering objects into the content: checked, in one transaction, reported."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from emulator.appliance.entities import Entity, EntityError
from emulator.appliance.parts import Parts
from emulator.appliance.refusal import Refusal, Usage
from emulator.appliance.reports import report


def add(parts: Parts, entity: Entity, cause: str) -> Mapping[str, Any]:
    """Add an entity and say so.

    Raises:
        Refusal: `exists`, `usage` when a field is malformed.
    """
    try:
        parts.content.add(entity)
    except EntityError as error:
        raise Usage(str(error)) from error
    return _changed(parts, entity.kind, entity.id, cause)


def put(parts: Parts, entity: Entity, cause: str) -> Mapping[str, Any]:
    """Write an entity, whether it is there or not, and say so.

    Raises:
        Refusal: `usage` when a field is malformed.
    """
    try:
        parts.content.put([entity])
    except EntityError as error:
        raise Usage(str(error)) from error
    return _changed(parts, entity.kind, entity.id, cause)


def change(
    parts: Parts, kind: str, key: str, fields: Mapping[str, Any], cause: str
) -> Mapping[str, Any]:
    """Change some fields of an entity and say so.

    Raises:
        Refusal: `no-such-object`, `usage` when a field is malformed.
    """
    return put(parts, Entity(kind, key, {**found(parts, kind, key), **fields}), cause)


def remove(parts: Parts, kind: str, key: str, cause: str) -> None:
    """Remove an entity and say so.

    Raises:
        Refusal: `no-such-object`.
    """
    parts.content.remove(kind, key)
    _changed(parts, kind, key, cause)


def found(parts: Parts, kind: str, key: str) -> Mapping[str, Any]:
    """Return the body of an entity.

    Raises:
        Refusal: `no-such-object`.
    """
    body = parts.content.get(kind, key)
    if body is None:
        raise Refusal("no-such-object", f"there is no {kind}/{key[:40]}", f"{kind} list shows them")
    return body


def _changed(parts: Parts, kind: str, key: str, cause: str) -> Mapping[str, Any]:
    report(parts.machine, "changed", cause, kind=kind, id=key)
    return {"id": key}
