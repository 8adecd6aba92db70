"""Commands that change modules and records."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, BinaryIO

from emulator.appliance.commands import entering
from emulator.appliance.commands.grammar import Arguments, Command, document
from emulator.appliance.entities import Entity
from emulator.appliance.parts import Parts
from emulator.appliance.refusal import Usage
from emulator.appliance.reports import report

RESTS_AFTER_SWITCHOVER = "redundanz"  # until the pair is set up again (D13)


def _module_put(parts: Parts, arguments: Arguments, stdin: BinaryIO) -> Mapping[str, Any]:
    name = arguments.text("NAME")
    values = document(stdin)
    if not isinstance(values, dict):
        raise Usage("a module's configuration must be a JSON object")
    facts = parts.identity.facts()
    wanted = "--active" in arguments.flags
    standby = facts.lineage.epoch > 0 and not facts.holds_epoch
    body = {"values": values, "active": wanted and not standby, "wanted": wanted}
    entering.put(parts, Entity("modules", name, body), "module put")
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
    record = Entity("records", arguments.text("NAME"), {"values": values})
    entering.put(parts, record, "record put")
    return {}


COMMANDS = (
    Command("module put", "NAME [--active]", "write a module's configuration", _module_put),
    Command("modules activate", "", "bring modules to life again (D13)", _modules_activate),
    Command("modules rest", "", "bring modules to rest, to be activated again", _modules_rest),
    Command("record put", "NAME", "keep a module's record in the content (D18)", _record_put),
)
