"""Commands that change users."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, BinaryIO

from emulator.appliance import passwords
from emulator.appliance.commands import entering
from emulator.appliance.commands.grammar import Arguments, Command, read_all
from emulator.appliance.entities import Entity
from emulator.appliance.kinds import LOGIN
from emulator.appliance.leaving import KINDS, Leaving, leaving
from emulator.appliance.parts import Parts
from emulator.appliance.refusal import Refusal, Usage
from emulator.appliance.reports import report

KIND = "users"
ADMINISTRATOR = "administrator"
PERMISSIONS = (ADMINISTRATOR, "telephony", "voicemail")


def add_user(parts: Parts, login: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
    """Add a user, as far as the user licences reach (R11).

    Raises:
        Refusal: `licence`, `exists`, `usage`.
    """
    if not LOGIN.fullmatch(login):
        raise Usage(f"{login[:40]!r} is no login: it must be 1 to 10 digits")
    facts = parts.identity.facts()
    covered = sum(one.users for one in facts.parsed_licences)
    present = len(parts.content.all(KIND))
    if present >= covered and parts.content.get(KIND, login) is None:
        raise Refusal(
            "licence",
            f"the user licences of {facts.name} cover {covered} users, and all are taken",
            "install a further user licence: licences install",
        )
    return entering.add(parts, Entity(KIND, login, body), "users add")


def change_user(parts: Parts, login: str, fields: Mapping[str, Any]) -> Mapping[str, Any]:
    """Change fields of a user; the last administrator stays one.

    Raises:
        Refusal: `no-such-object`, `last-administrator`, `usage`.
    """
    if ADMINISTRATOR not in fields.get("permissions", (ADMINISTRATOR,)):
        _keep_an_administrator(parts, login)
    return entering.change(parts, KIND, login, fields, "users set")


def set_password(parts: Parts, login: str, password: str) -> None:
    """Give a user a password.

    Raises:
        Refusal: `no-such-object`, `usage` when it is too short or too long.
    """
    if not passwords.SHORTEST <= len(password) <= passwords.LONGEST:
        raise Usage(f"a password has {passwords.SHORTEST} to {passwords.LONGEST} characters")
    secret = passwords.hashed(password, parts.machine.entropy)
    entering.change(parts, KIND, login, {"password": secret}, "users password")


def remove_user(parts: Parts, login: str) -> None:
    """Remove a user with everything that refers to him, in one transaction (`leaving`).

    Raises:
        Refusal: `no-such-object`, `last-administrator`.
    """
    _keep_an_administrator(parts, login)
    follows = following(parts, login)
    parts.content.put(follows.changed, [*follows.removed, (KIND, login)])
    report(parts.machine, "changed", "users remove", kind=KIND, id=login, with_it=follows.counts())


def following(parts: Parts, login: str) -> Leaving:
    """Return what follows from the removal of a user.

    Raises:
        Refusal: `no-such-object`.
    """
    name = str(entering.found(parts, KIND, login)["name"])
    return leaving(login, name, {kind: parts.content.all(kind) for kind in KINDS})


def owned(parts: Parts, kind: str, login: str) -> Mapping[str, Mapping[str, Any]]:
    """Return what belongs to a user, of one kind."""
    return {key: body for key, body in parts.content.all(kind).items() if body.get("user") == login}


def _keep_an_administrator(parts: Parts, login: str) -> None:
    users = parts.content.all(KIND)
    if [key for key, body in users.items() if ADMINISTRATOR in body["permissions"]] == [login]:
        raise Refusal(
            "last-administrator",
            f"{login} is the only administrator of this appliance",
            "make another user an administrator first",
        )


def _users_add(parts: Parts, arguments: Arguments, _stdin: BinaryIO) -> Mapping[str, Any]:
    body = {
        "name": arguments.text("--name"),
        "email": arguments.text("--email", "") or None,
        "language": arguments.text("--language", "de"),
        "permissions": ["telephony"],
    }
    return add_user(parts, arguments.text("--login"), body)


def _users_set(parts: Parts, arguments: Arguments, _stdin: BinaryIO) -> Mapping[str, Any]:
    fields: dict[str, Any] = {
        name: arguments.text(f"--{name}")
        for name in ("name", "email", "language")
        if f"--{name}" in arguments.values
    }
    if "email" in fields:
        fields["email"] = fields["email"] or None
    if "--permissions" in arguments.values:
        fields["permissions"] = [one for one in arguments.text("--permissions").split(",") if one]
    if not fields:
        raise Usage("nothing is to be changed", "appliancectl help shows the options of users set")
    return change_user(parts, arguments.text("LOGIN"), fields)


def _users_password(parts: Parts, arguments: Arguments, stdin: BinaryIO) -> Mapping[str, Any]:
    """The password comes on standard input, so that it shows in no list of processes."""
    password = read_all(stdin).decode("utf-8", "replace").rstrip("\n")
    set_password(parts, arguments.text("LOGIN"), password)
    return {}


def _users_remove(parts: Parts, arguments: Arguments, _stdin: BinaryIO) -> Mapping[str, Any]:
    remove_user(parts, arguments.text("LOGIN"))
    return {}


COMMANDS = (
    Command(
        "users add",
        "--login DIGITS --name NAME [--email ADDRESS] [--language de|en]",
        "add a user",
        _users_add,
    ),
    Command(
        "users set",
        "LOGIN [--name NAME] [--email ADDRESS] [--language de|en] [--permissions A,B]",
        "change a user",
        _users_set,
    ),
    Command(
        "users password", "LOGIN", "take a user's password from standard input", _users_password
    ),
    Command("users remove", "LOGIN", "remove a user, and what refers to him", _users_remove),
)
