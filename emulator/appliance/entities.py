"""What content is made of: entities, their kinds, and what each kind must have.

Everything that enters an appliance passes `check`, whoever brings it: a command, a page,
or a backup that may be hostile (I2). Nothing is ever turned into objects by name.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

ENTITY_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@:+-]{0,127}")
SHA256 = re.compile(r"[0-9a-f]{64}")
CONTROL = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")
LONGEST_TEXT = 500
# Bounded, so that no backup makes the login page take gigabytes for one password.
PASSWORD_HASH = re.compile(r"scrypt:[0-9]{1,5}:[0-9]:[0-9]\$[0-9A-Za-z]{1,64}\$[0-9a-f]{128}")
HIGHEST_PORT = 65535
MAIL_ADDRESS = re.compile(r"[^@\s,;<>\x00-\x1f]+@[^@\s,;<>\x00-\x1f]+")

# kind -> field -> type. Further fields are carried along: a newer patch level may add some.
KINDS: Mapping[str, Mapping[str, type]] = {
    "users": {"name": str, "language": str, "permissions": list},
    "phones": {"vendor": str, "model": str, "mac": str, "needs_restart": bool},
    "redirects": {"user": str, "when": str, "target": str},
    "modules": {"active": bool, "values": dict},
    "mail": {"host": str, "port": int, "sender": str},
    "lines": {"count": int},
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
    if entity.kind == "mail":
        if not MAIL_ADDRESS.fullmatch(body["sender"]):
            raise EntityError(f"{where}: the field sender is no e-mail address")
        if not 0 < body["port"] <= HIGHEST_PORT:
            raise EntityError(f"{where}: the field port is no port")


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
