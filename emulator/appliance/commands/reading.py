"""Commands that change nothing."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, BinaryIO

from emulator.appliance.commands.grammar import Arguments, Command
from emulator.appliance.databases import kept_aside
from emulator.appliance.entities import is_secret
from emulator.appliance.event_log import NEWEST
from emulator.appliance.health import health
from emulator.appliance.parts import Parts
from emulator.appliance.records import Facts, Origin
from emulator.appliance.vault import redacted

LOG_WINDOW = 256 * 1024


def status(parts: Parts, _arguments: Arguments, _stdin: BinaryIO) -> Mapping[str, Any]:
    """Return everything that preconditions, role and safety checks look at."""
    facts = parts.identity.facts()
    content = parts.content
    return {
        "name": facts.name,
        "hardware_id": facts.hardware_id,
        "role": role(facts, parts),
        "type": facts.type,
        "version": facts.version,
        "zone": facts.zone,
        "mac": facts.mac,
        "network": dict(vars(facts.network)),
        "licences": licences(facts),
        "user_count": content.count("users"),
        "lineage": dict(vars(facts.lineage)),
        "origin": None if facts.origin is None else _origin(facts.origin),
        "conflict": next(iter(parts.addressing.taken_by.values()), None),
        "takeover": None if facts.takeover is None else dict(vars(facts.takeover)),
        "modules": modules(parts),
        "lines": {key: body["count"] for key, body in content.all("lines").items()},
        "activity": parts.activity.now(),
        "kept_aside": kept_aside(parts.machine.disk),
        "health": health(parts, facts),
        "busy": {
            "backup": parts.backups.busy,
            "receiving": parts.gate.working("receiving"),
            "importing": parts.gate.working("importing"),
        },
    }


def _origin(origin: Origin) -> Mapping[str, Any]:
    return {**vars(origin), "network": dict(vars(origin.network))}


def role(facts: Facts, parts: Parts) -> str:
    """Return what this box is now: the epoch's holder is the active (D14)."""
    if parts.content.get("modules", "redundanz") is None:
        return "unconfigured"
    return "active" if facts.holds_epoch else "standby"


def licences(facts: Facts) -> list[Mapping[str, Any]]:
    """Return the installed licences, redacted (R14)."""
    return [dict(vars(one)) for one in facts.parsed_licences]


def modules(parts: Parts) -> list[Mapping[str, Any]]:
    """Return the module configurations and whether they are active (R45)."""
    found = parts.content.all("modules")
    return [{"name": name, "active": body["active"]} for name, body in found.items()]


def _users(parts: Parts, _arguments: Arguments, _stdin: BinaryIO) -> Mapping[str, Any]:
    shown = ("name", "email", "language", "permissions")
    users = parts.content.all("users")
    return {
        "users": [
            {"login": login, **{key: body.get(key) for key in shown}}
            for login, body in users.items()
        ]
    }


def _phones(parts: Parts, _arguments: Arguments, _stdin: BinaryIO) -> Mapping[str, Any]:
    phones = parts.content.all("phones")
    return {
        "phones": [
            {"id": key, **{name: body[name] for name in sorted(body) if not is_secret(name)}}
            for key, body in phones.items()
        ]
    }


def _registrations(parts: Parts, _arguments: Arguments, _stdin: BinaryIO) -> Mapping[str, Any]:
    return {"registrations": [asdict(one) for one in parts.registrar.registrations()]}


def _redirects(parts: Parts, _arguments: Arguments, _stdin: BinaryIO) -> Mapping[str, Any]:
    found = parts.content.all("redirects")
    return {"redirects": [{"id": key, **body} for key, body in found.items()]}


def _module_get(parts: Parts, arguments: Arguments, _stdin: BinaryIO) -> Mapping[str, Any]:
    body = parts.content.get("modules", arguments.text("NAME"))
    return {"values": None if body is None else redacted(body["values"])}


def _record_get(parts: Parts, arguments: Arguments, _stdin: BinaryIO) -> Mapping[str, Any]:
    body = parts.content.get("records", arguments.text("NAME"))
    return {"values": None if body is None else body["values"]}


def _log(parts: Parts, arguments: Arguments, _stdin: BinaryIO) -> Mapping[str, Any]:
    wanted = arguments.number("--lines", "200")
    try:
        size = parts.machine.disk.size(NEWEST)
        with parts.machine.disk.open(NEWEST) as file:
            file.seek(max(0, size - LOG_WINDOW))
            lines = file.read(LOG_WINDOW).split(b"\n")
    except FileNotFoundError:
        return {"lines": []}
    rows = [row for row in map(_row, lines[:-1]) if row is not None]
    return {"lines": rows[-wanted:] if wanted else []}


def _row(line: bytes) -> Any:
    """Read a line of the log; None for one that the window or a power cut has torn."""
    try:
        return json.loads(line)
    except ValueError:
        return None


COMMANDS = (
    Command("status", "", "the whole state of this appliance", status),
    Command("users list", "", "all users", _users),
    Command("phones list", "", "all phones", _phones),
    Command("registrations list", "", "the phones that are registered now", _registrations),
    Command("redirects list", "", "all redirects", _redirects),
    Command(
        "modules list",
        "",
        "module configurations and their activation",
        lambda parts, _arguments, _stdin: {"modules": modules(parts)},
    ),
    Command("module get", "NAME", "a module's configuration, without secrets", _module_get),
    Command("record get", "NAME", "a module's record", _record_get),
    Command(
        "mail list",
        "",
        "the mail queue",
        lambda parts, _arguments, _stdin: {"mails": parts.mail.list()},
    ),
    Command(
        "licences list",
        "",
        "the installed licences, redacted",
        lambda parts, _arguments, _stdin: {"licences": licences(parts.identity.facts())},
    ),
    Command(
        "network show",
        "",
        "the network settings",
        lambda parts, _arguments, _stdin: dict(vars(parts.identity.facts().network)),
    ),
    Command(
        "content digest",
        "",
        "a SHA-256 for each object, each kind, and in total",
        lambda parts, _arguments, _stdin: parts.content.digests()._asdict(),
    ),
    Command("log", "[--lines N]", "the newest events", _log),
)
