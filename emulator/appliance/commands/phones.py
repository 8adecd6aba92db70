"""Commands that change phones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, BinaryIO

from emulator.appliance.commands import entering
from emulator.appliance.commands.grammar import Arguments, Command
from emulator.appliance.entities import Entity
from emulator.appliance.kinds import MAC
from emulator.appliance.parts import Parts
from emulator.appliance.refusal import Refusal, Usage

KIND = "phones"
SECRET_LENGTH = 12


def add_phone(parts: Parts, mac: str, fields: Mapping[str, Any]) -> Mapping[str, Any]:
    """Add a phone, with a SIP secret of its own.

    Args:
        parts: of the appliance.
        mac: identifies it.
        fields: vendor, model, user (a login, "" for nobody's), needs_restart (R52).

    Raises:
        Refusal: `exists`, `no-such-object` when there is no such user, `usage`.
    """
    mac = mac.lower()
    if not MAC.fullmatch(mac):
        raise Usage(f"{mac[:40]!r} is no MAC address")
    check_owner(parts, fields["user"])
    body = {**fields, "mac": mac, "sip_secret": parts.machine.entropy(SECRET_LENGTH).hex()}
    return entering.add(parts, Entity(KIND, mac.replace(":", ""), body), "phones add")


def change_phone(parts: Parts, key: str, fields: Mapping[str, Any]) -> Mapping[str, Any]:
    """Change fields of a phone.

    Raises:
        Refusal: `no-such-object`, `usage`.
    """
    if "user" in fields:
        check_owner(parts, fields["user"])
    return entering.change(parts, KIND, key, fields, "phones set")


def check_owner(parts: Parts, login: str) -> None:
    """Make sure that a phone's user exists.

    Raises:
        Refusal: `no-such-object`.
    """
    if login and parts.content.get("users", login) is None:
        raise Refusal("no-such-object", f"there is no user {login[:40]}", "users list shows them")


def _phones_add(parts: Parts, arguments: Arguments, _stdin: BinaryIO) -> Mapping[str, Any]:
    fields = {
        "vendor": arguments.text("--vendor"),
        "model": arguments.text("--model"),
        "user": arguments.text("--user", ""),
        "needs_restart": "--needs-restart" in arguments.flags,
    }
    return add_phone(parts, arguments.text("--mac"), fields)


def _phones_assign(parts: Parts, arguments: Arguments, _stdin: BinaryIO) -> Mapping[str, Any]:
    return change_phone(parts, arguments.text("ID"), {"user": arguments.text("--user", "")})


def _phones_remove(parts: Parts, arguments: Arguments, _stdin: BinaryIO) -> Mapping[str, Any]:
    entering.remove(parts, KIND, arguments.text("ID"), "phones remove")
    return {}


COMMANDS = (
    Command(
        "phones add",
        "--mac MAC --vendor NAME --model NAME [--user LOGIN] [--needs-restart]",
        "add a phone",
        _phones_add,
    ),
    Command("phones assign", "ID [--user LOGIN]", "give a phone to a user", _phones_assign),
    Command("phones remove", "ID", "remove a phone", _phones_remove),
)
