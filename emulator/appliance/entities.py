"""What content is made of: entities, their kinds, and what each kind must have.

Everything that enters an appliance passes `check`, whoever brings it: a command, a page,
or a backup that may be hostile (I2). Nothing is ever turned into objects by name.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

ENTITY_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@:+-]{0,127}")
SHA256 = re.compile(r"[0-9a-f]{64}")
CONTROL = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")
LONGEST_TEXT = 500
# Bounded, so that no backup makes the login page take gigabytes for one password.
PASSWORD_HASH = re.compile(r"scrypt:[0-9]{1,5}:[0-9]:[0-9]\$[0-9A-Za-z]{1,64}\$[0-9a-f]{128}")
HIGHEST_PORT = 65535
WALL_TIME = re.compile(r"20\d\d-\d\d-\d\dT\d\d:\d\d")
BOUNDS = {"every": (1, 1000), "keep": (1, 1000), "takes_min": (0, 1_000_000)}  # of a job
MAIL_ADDRESS = re.compile(r"[^@\s,;<>\x00-\x1f]+@[^@\s,;<>\x00-\x1f]+")

# kind -> field -> type. Further fields are carried along: a newer patch level may add some.
KINDS: Mapping[str, Mapping[str, type]] = {
    "users": {"name": str, "language": str, "permissions": list},
    "phones": {"vendor": str, "model": str, "mac": str, "needs_restart": bool},
    "redirects": {"user": str, "when": str, "target": str},
    "modules": {"active": bool, "values": dict},
    "mail": {"host": str, "port": int, "sender": str},
    "lines": {"count": int},
    "jobs": {
        "kind": str,
        "unit": str,
        "every": int,
        "start": str,
        "keep": int,
        "takes_min": int,
    },
    "records": {"values": dict},  # what a module keeps in the content, so that backups carry it
    "files": {"path": str, "mode": str, "size": int, "sha256": str},
}


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
    for field, kind in fields.items():
        value = entity.body.get(field)
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            raise EntityError(f"{where}: the field {field} must be of type {kind.__name__}")
        if isinstance(value, str) and CONTROL.search(value):
            raise EntityError(f"{where}: the field {field} holds control characters")
        if isinstance(value, str) and len(value) > LONGEST_TEXT:
            raise EntityError(f"{where}: the field {field} is longer than {LONGEST_TEXT}")
    _check_kind(entity, where)
    return entity


def _check_kind(entity: Entity, where: str) -> None:
    body = entity.body
    if entity.kind == "files" and not SHA256.fullmatch(body["sha256"]):
        raise EntityError(f"{where}: the field sha256 is no SHA-256")
    if entity.kind == "users":
        _check_user(body, where)
    if entity.kind == "mail":
        if not MAIL_ADDRESS.fullmatch(body["sender"]):
            raise EntityError(f"{where}: the field sender is no e-mail address")
        if not 0 < body["port"] <= HIGHEST_PORT:
            raise EntityError(f"{where}: the field port is no port")
    if entity.kind == "jobs":
        _check_job(body, where)


def _check_user(body: Mapping[str, Any], where: str) -> None:
    email = body.get("email")
    if email is not None and not (isinstance(email, str) and MAIL_ADDRESS.fullmatch(email)):
        raise EntityError(f"{where}: the field email is no e-mail address")
    if body["language"] not in ("de", "en"):
        raise EntityError(f"{where}: the field language must be de or en")
    if not all(isinstance(one, str) for one in body["permissions"]):
        raise EntityError(f"{where}: the field permissions must list words")
    password = body.get("password")
    if password and not PASSWORD_HASH.fullmatch(str(password)):
        raise EntityError(f"{where}: the field password is no hash of a password")


def _check_job(body: Mapping[str, Any], where: str) -> None:
    if body["kind"] not in ("backup", "archive") or body["unit"] not in ("hour", "day"):
        raise EntityError(f"{where}: the kind is backup or archive, the unit hour or day")
    for field, (least, most) in BOUNDS.items():
        if not least <= body[field] <= most:
            raise EntityError(f"{where}: the field {field} is out of range")
    if not WALL_TIME.fullmatch(body["start"]):
        raise EntityError(f"{where}: the start reads 2026-03-01T02:00")
    try:
        datetime.fromisoformat(body["start"])
    except ValueError as error:
        raise EntityError(f"{where}: the start is in no calendar") from error


def canonical(value: Any) -> str:
    """Render JSON in the one way that digests are taken of."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def digest(entity: Entity) -> str:
    """Return the SHA-256 of an entity; the activation of modules is not content (R45, D13)."""
    body = dict(entity.body)
    if entity.kind == "modules":
        body.pop("active")
        body.pop("wanted", None)
    return hashlib.sha256(canonical(body).encode()).hexdigest()
