"""Commands that change the content, the licences and the mail queue."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, BinaryIO

from emulator.appliance.commands.grammar import Arguments, Command, document, read_all
from emulator.appliance.entities import Entity, EntityError
from emulator.appliance.parts import Parts
from emulator.appliance.records import Facts
from emulator.appliance.refusal import Refusal, Usage
from emulator.appliance.reports import report
from emulator.licences import LicenceKeyError, parse_key

RESTS_AFTER_SWITCHOVER = "redundanz"  # until the pair is set up again (D13)
CONDITIONS = ("ALWAYS", "BUSY", "TIMEOUT")


def add(parts: Parts, entity: Entity, cause: str) -> Mapping[str, Any]:
    """Add an entity and say so.

    Raises:
        Refusal: `exists`, `usage` when a field is malformed.
    """
    try:
        parts.content.add(entity)
    except EntityError as error:
        raise Usage(str(error)) from error
    report(parts.machine, "changed", cause, kind=entity.kind, id=entity.id)
    return {"id": entity.id}


def add_user(parts: Parts, login: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
    """Add a user, as far as the user licences reach (R11).

    Raises:
        Refusal: `licence`, `exists`, `usage`.
    """
    if not re.fullmatch(r"[0-9]{1,10}", login):
        raise Usage(f"{login[:40]!r} is no login: it must be 1 to 10 digits")
    facts = parts.identity.facts()
    covered = sum(one.users for one in facts.parsed_licences)
    present = len(parts.content.all("users"))
    if present >= covered and parts.content.get("users", login) is None:
        raise Refusal(
            "licence",
            f"the user licences of {facts.name} cover {covered} users, and all are taken",
            "install a further user licence: licences install",
        )
    return add(parts, Entity("users", login, body), "users add")


def _users_add(parts: Parts, arguments: Arguments, _stdin: BinaryIO) -> Mapping[str, Any]:
    body = {
        "name": arguments.text("--name"),
        "email": arguments.text("--email", "") or None,
        "language": arguments.text("--language", "de"),
        "permissions": ["telephony"],
    }
    return add_user(parts, arguments.text("--login"), body)


def remove_user(parts: Parts, login: str) -> None:
    """Remove a user; the last administrator stays.

    Raises:
        Refusal: `no-such-object`, `last-administrator`.
    """
    users = parts.content.all("users")
    administrators = [key for key, body in users.items() if "administrator" in body["permissions"]]
    if administrators == [login]:
        raise Refusal(
            "last-administrator",
            f"{login} is the only administrator of this appliance",
            "make another user an administrator first",
        )
    parts.content.remove("users", login)
    report(parts.machine, "changed", "users remove", kind="users", id=login)


def _users_remove(parts: Parts, arguments: Arguments, _stdin: BinaryIO) -> Mapping[str, Any]:
    remove_user(parts, arguments.text("LOGIN"))
    return {}


def _phones_add(parts: Parts, arguments: Arguments, _stdin: BinaryIO) -> Mapping[str, Any]:
    mac = arguments.text("--mac").lower()
    if not re.fullmatch(r"[0-9a-f]{2}(:[0-9a-f]{2}){5}", mac):
        raise Usage(f"{mac[:40]!r} is no MAC address")
    body = {
        "vendor": arguments.text("--vendor"),
        "model": arguments.text("--model"),
        "mac": mac,
        "user": arguments.text("--user", ""),
        "needs_restart": "--needs-restart" in arguments.flags,
        "sip_secret": parts.machine.entropy(12).hex(),
    }
    return add(parts, Entity("phones", mac.replace(":", ""), body), "phones add")


def _redirects_add(parts: Parts, arguments: Arguments, _stdin: BinaryIO) -> Mapping[str, Any]:
    user, when = arguments.text("--user"), arguments.text("--when").upper()
    if parts.content.get("users", user) is None:
        raise Refusal("no-such-object", f"there is no user {user[:40]}", "users list shows them")
    if when not in CONDITIONS:
        raise Usage(f"--when must be one of {', '.join(CONDITIONS)}")
    target = arguments.text("--target")
    if not re.fullmatch(r"\+?[0-9]{2,20}", target):
        raise Usage(f"{target[:40]!r} is no phone number")
    body = {"user": user, "when": when, "target": target}
    return add(parts, Entity("redirects", f"{user}-{when.lower()}", body), "redirects add")


def _jobs_add(parts: Parts, arguments: Arguments, _stdin: BinaryIO) -> Mapping[str, Any]:
    body = {
        "kind": arguments.text("--kind", "backup"),
        "unit": arguments.text("--unit", "day"),
        "every": arguments.number("--every", "1"),
        "start": arguments.text("--start"),
        "keep": arguments.number("--keep", "5"),
        "takes_min": arguments.number("--takes", "0"),
    }
    return add(parts, Entity("jobs", arguments.text("--name"), body), "jobs add")


def _jobs_remove(parts: Parts, arguments: Arguments, _stdin: BinaryIO) -> Mapping[str, Any]:
    name = arguments.text("NAME")
    parts.content.remove("jobs", name)
    report(parts.machine, "changed", "jobs remove", kind="jobs", id=name)
    return {}


def _module_put(parts: Parts, arguments: Arguments, stdin: BinaryIO) -> Mapping[str, Any]:
    name = arguments.text("NAME")
    values = document(stdin)
    if not isinstance(values, dict):
        raise Usage("a module's configuration must be a JSON object")
    facts = parts.identity.facts()
    wanted = "--active" in arguments.flags
    standby = facts.lineage.epoch > 0 and not facts.holds_epoch
    body = {"values": values, "active": wanted and not standby, "wanted": wanted}
    try:
        parts.content.put([Entity("modules", name, body)])
    except EntityError as error:
        raise Usage(str(error)) from error
    report(parts.machine, "changed", "module put", kind="modules", id=name)
    return {}


def _modules_activate(parts: Parts, _arguments: Arguments, _stdin: BinaryIO) -> Mapping[str, Any]:
    found = parts.content.all("modules")
    awaited = {
        name: {**body, "active": True}
        for name, body in found.items()
        if body.get("wanted") and name != RESTS_AFTER_SWITCHOVER
    }
    parts.content.put([Entity("modules", name, body) for name, body in awaited.items()])
    report(parts.machine, "modules.activated", modules=sorted(awaited))
    return {"modules": sorted(awaited)}


def _modules_rest(parts: Parts, _arguments: Arguments, _stdin: BinaryIO) -> Mapping[str, Any]:
    found = {name: body for name, body in parts.content.all("modules").items() if body["active"]}
    resting = [
        Entity("modules", name, {**body, "active": False, "wanted": True})
        for name, body in found.items()
    ]
    parts.content.put(resting)
    report(parts.machine, "modules.rested", modules=sorted(found))
    return {"modules": sorted(found)}


def _record_put(parts: Parts, arguments: Arguments, stdin: BinaryIO) -> Mapping[str, Any]:
    values = document(stdin)
    if not isinstance(values, dict):
        raise Usage("a record must be a JSON object")
    try:
        parts.content.put([Entity("records", arguments.text("NAME"), {"values": values})])
    except EntityError as error:
        raise Usage(str(error)) from error
    report(parts.machine, "changed", "record put", kind="records", id=arguments.text("NAME"))
    return {}


def _licences_install(parts: Parts, arguments: Arguments, stdin: BinaryIO) -> Mapping[str, Any]:
    """Keys come on standard input, one a line, so that they show in no list of processes."""
    keys = read_all(stdin).decode("ascii", "replace").split()
    if "--replace" in arguments.flags:
        return {"installed": replace_licences(parts, keys)}
    return {"installed": install_licences(parts, keys)}


def replace_licences(parts: Parts, keys: list[str]) -> list[str]:
    """Remove all licence keys and install others, all or none (R57 e).

    Raises:
        Refusal: `licence`, `usage` when there are none.
    """
    if not keys:
        raise Usage("no licence key was given", "send keys on standard input, one a line")
    facts = parts.identity.change(lambda facts: install(replace(facts, licences=()), keys))
    report(parts.machine, "changed", "licences replace", kind="licences", count=len(keys))
    return [one.redacted for one in facts.parsed_licences]


def install_licences(parts: Parts, keys: list[str]) -> list[str]:
    """Install licence keys, all or none; how people are shown them.

    Raises:
        Refusal: `licence`, `usage` when there are none.
    """
    if not keys:
        raise Usage("no licence key was given", "send keys on standard input, one a line")
    facts = parts.identity.change(lambda facts: install(facts, keys))
    report(parts.machine, "changed", "licences install", kind="licences", count=len(keys))
    return [one.redacted for one in facts.parsed_licences][-len(keys) :]


def install(facts: Facts, keys: list[str]) -> Facts:
    """Add licence keys, all or none.

    Raises:
        Refusal: `licence`, with the precise reason.
    """
    held = list(facts.licences)
    for key in keys:
        try:
            licence = parse_key(key)
        except LicenceKeyError as error:
            raise Refusal(
                "licence", f"{facts.name}: {error}", "compare the key with the licence certificate"
            ) from error
        if key in held:
            raise Refusal("licence", f"{facts.name}: {licence.redacted} is installed already")
        if licence.kind == "server" and facts.server_key:
            raise Refusal(
                "licence",
                f"{facts.name} has a server licence; {licence.redacted} would be a second one",
                "remove the other one first",
            )
        held.append(key)
    return replace(facts, licences=tuple(held))


def _mail_enqueue(parts: Parts, _arguments: Arguments, stdin: BinaryIO) -> Mapping[str, Any]:
    mails = document(stdin)
    if not isinstance(mails, list):
        raise Usage("mails must be a JSON list")
    return parts.mail.enqueue(mails)


COMMANDS = (
    Command(
        "users add",
        "--login DIGITS --name NAME [--email ADDRESS] [--language de|en]",
        "add a user",
        _users_add,
    ),
    Command("users remove", "LOGIN", "remove a user", _users_remove),
    Command(
        "phones add",
        "--mac MAC --vendor NAME --model NAME [--user LOGIN] [--needs-restart]",
        "add a phone",
        _phones_add,
    ),
    Command(
        "redirects add",
        "--user LOGIN --when ALWAYS|BUSY|TIMEOUT --target NUMBER",
        "add a redirect",
        _redirects_add,
    ),
    Command(
        "jobs add",
        "--name NAME --start WALLTIME [--kind backup|archive] [--unit hour|day] [--every N]"
        " [--keep N] [--takes MINUTES]",
        "add a backup or archive job; --takes emulates a large one",
        _jobs_add,
    ),
    Command("jobs remove", "NAME", "remove a job", _jobs_remove),
    Command("module put", "NAME [--active]", "write a module's configuration", _module_put),
    Command("modules activate", "", "bring modules to life again (D13)", _modules_activate),
    Command("modules rest", "", "bring modules to rest, to be activated again", _modules_rest),
    Command("record put", "NAME", "keep a module's record in the content (D18)", _record_put),
    Command(
        "licences install",
        "[--replace]",
        "install keys from standard input, beside the others or in their place",
        _licences_install,
    ),
    Command("mail enqueue", "", "queue mails from standard input", _mail_enqueue),
)
