"""Commands that change redirects (Umleitungen)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, BinaryIO

from emulator.appliance.commands import entering
from emulator.appliance.commands.grammar import Arguments, Command
from emulator.appliance.entities import Entity
from emulator.appliance.parts import Parts
from emulator.appliance.refusal import Refusal, Usage

KIND = "redirects"
CONDITIONS = ("ALWAYS", "BUSY", "TIMEOUT")
NUMBER = re.compile(r"\+?[0-9]{2,20}")


def add_redirect(parts: Parts, user: str, when: str, target: str) -> Mapping[str, Any]:
    """Add a redirect; a user has one for each condition at most.

    Raises:
        Refusal: `exists`, `no-such-object` when there is no such user, `usage`.
    """
    if parts.content.get("users", user) is None:
        raise Refusal("no-such-object", f"there is no user {user[:40]}", "users list shows them")
    if when not in CONDITIONS:
        raise Usage(f"--when must be one of {', '.join(CONDITIONS)}")
    _check_target(target)
    body = {"user": user, "when": when, "target": target}
    return entering.add(parts, Entity(KIND, f"{user}-{when.lower()}", body), "redirects add")


def change_target(parts: Parts, key: str, target: str) -> Mapping[str, Any]:
    """Let a redirect lead elsewhere.

    Raises:
        Refusal: `no-such-object`, `usage`.
    """
    _check_target(target)
    return entering.change(parts, KIND, key, {"target": target}, "redirects set")


def remove_redirect(parts: Parts, key: str) -> None:
    """Remove a redirect.

    Raises:
        Refusal: `no-such-object`.
    """
    entering.remove(parts, KIND, key, "redirects remove")


def _check_target(target: str) -> None:
    if not NUMBER.fullmatch(target):
        raise Usage(f"{target[:40]!r} is no phone number")


def _redirects_add(parts: Parts, arguments: Arguments, _stdin: BinaryIO) -> Mapping[str, Any]:
    when = arguments.text("--when").upper()
    return add_redirect(parts, arguments.text("--user"), when, arguments.text("--target"))


def _redirects_set(parts: Parts, arguments: Arguments, _stdin: BinaryIO) -> Mapping[str, Any]:
    return change_target(parts, arguments.text("ID"), arguments.text("--target"))


def _redirects_remove(parts: Parts, arguments: Arguments, _stdin: BinaryIO) -> Mapping[str, Any]:
    remove_redirect(parts, arguments.text("ID"))
    return {}


COMMANDS = (
    Command(
        "redirects add",
        "--user LOGIN --when ALWAYS|BUSY|TIMEOUT --target NUMBER",
        "add a redirect",
        _redirects_add,
    ),
    Command("redirects set", "ID --target NUMBER", "let a redirect lead elsewhere", _redirects_set),
    Command("redirects remove", "ID", "remove a redirect", _redirects_remove),
)
