"""What becomes of everything that refers to a user who is removed: pure.

Redirects and key sets go with him, and a voicemail box that was his alone, with its messages.
Phones and numbers belong to nobody then; groups, shared boxes and the keys of colleagues who
watched him go on without him. The calls
that he made happened: they stay, and keep his name.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from emulator.appliance.entities import Entity

KINDS = (
    "redirects",
    "functionkeysets",
    "phones",
    "phonenumbers",
    "groups",
    "voicemailboxes",
    "voicemails",
    "callrecords",
)  # in which users are referred to, or what goes with them

Objects = Mapping[str, Mapping[str, Any]]  # id -> body


class Leaving(NamedTuple):
    """What is written anew, and what is removed, as (kind, id)."""

    changed: list[Entity]
    removed: list[tuple[str, str]]

    def counts(self) -> dict[str, int]:
        """Return how many objects of each kind are touched."""
        kinds = [one.kind for one in self.changed] + [kind for kind, _ in self.removed]
        return {kind: kinds.count(kind) for kind in sorted(set(kinds))}


def leaving(login: str, name: str, content: Mapping[str, Objects]) -> Leaving:
    """Return what follows from the removal of a user.

    Args:
        login: of the user.
        name: by which his calls are to be known.
        content: every object of `KINDS`.
    """
    boxes, gone = _boxes(login, content["voicemailboxes"])
    changed = [
        *boxes,
        *_keys(login, content["functionkeysets"]),
        *_with(content, "phones", login, {"user": ""}),
        *_with(content, "phonenumbers", login, {"user": ""}),
        *_with(content, "callrecords", login, {"userName": name}),
        *(
            Entity("groups", key, {**body, "users": _without(login, body["users"])})
            for key, body in content["groups"].items()
            if login in body["users"]
        ),
    ]
    removed = [
        *(("voicemailboxes", key) for key in gone),
        *(
            ("voicemails", key)
            for key, body in content["voicemails"].items()
            if body["box"] in gone
        ),
        *(
            (kind, key)
            for kind in ("redirects", "functionkeysets")
            for key, body in content[kind].items()
            if body["user"] == login
        ),
    ]
    return Leaving(changed, removed)


def _boxes(login: str, boxes: Objects) -> tuple[list[Entity], set[str]]:
    """Return the boxes that go on without the user, and those that were his alone."""
    kept, gone = [], set()
    for key, body in boxes.items():
        others = [one for one in body["voicemailUsers"] if one["user"] != login]
        if len(others) == len(body["voicemailUsers"]):
            continue
        if others:
            kept.append(Entity("voicemailboxes", key, {**body, "voicemailUsers": others}))
        else:
            gone.add(key)
    return kept, gone


def _keys(login: str, sets: Objects) -> Iterable[Entity]:
    """Return the key sets of others that lose a key which watches the user."""
    for key, body in sets.items():
        watching = {str(one["id"]) for one in body["keys"] if one.get("user") == login}
        if watching and body["user"] != login:
            keys = [one for one in body["keys"] if one["id"] not in watching]
            order = [one for one in body["keyOrder"] if one not in watching]
            yield Entity("functionkeysets", key, {**body, "keys": keys, "keyOrder": order})


def _with(
    content: Mapping[str, Objects], kind: str, login: str, fields: Mapping[str, str]
) -> Iterable[Entity]:
    for key, body in content[kind].items():
        if body.get("user") == login:
            yield Entity(kind, key, {**body, **fields})


def _without(login: str, users: Iterable[str]) -> list[str]:
    return [one for one in users if one != login]
