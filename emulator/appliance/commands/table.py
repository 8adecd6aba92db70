"""From argv to an answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, BinaryIO

from emulator.appliance.commands import (
    backups,
    licences,
    mail,
    objects,
    phones,
    power,
    reading,
    redirects,
    standby,
    users,
    voicemails,
)
from emulator.appliance.commands.grammar import Arguments, Command
from emulator.appliance.databases import forget
from emulator.appliance.parts import Parts
from emulator.appliance.refusal import Refusal, Usage, translate
from emulator.appliance.reports import report

CONTRACT_VERSION = 2
MODULE_COMMANDS: Mapping[str, str] = {"redundancy": "redundanz"}


def _forget(parts: Parts, arguments: Arguments, _stdin: BinaryIO) -> Mapping[str, Any]:
    forget(parts.machine.disk, arguments.text("FILE"))
    return {}


def _help(_parts: Parts, _arguments: Arguments, _stdin: BinaryIO) -> Mapping[str, Any]:
    rows = {one.words: f"{one.usage}  {one.summary}".strip() for one in COMMANDS}
    return {"commands": {**rows, "redundancy": "…  commands of the module Redundanz"}}


COMMANDS: tuple[Command, ...] = (
    *reading.COMMANDS,
    *backups.COMMANDS,
    *standby.COMMANDS,
    *users.COMMANDS,
    *phones.COMMANDS,
    *redirects.COMMANDS,
    *voicemails.COMMANDS,
    *licences.COMMANDS,
    *power.COMMANDS,
    *mail.COMMANDS,
    *objects.COMMANDS,
    Command("damaged remove", "FILE", "remove a damaged database that is kept aside", _forget),
    Command("help", "", "list the commands", _help),
)
_BY_WORDS: Mapping[str, Command] = {one.words: one for one in COMMANDS}


def dispatch(parts: Parts, argv: Sequence[str], stdin: BinaryIO) -> dict[str, Any]:
    """Run a command; the answer envelope of the contract. Never raises."""
    try:
        result = _run(parts, list(argv), stdin)
    except Exception as error:  # noqa: BLE001 - whatever happens, the caller gets an answer
        return _refused(parts, argv, error)
    return {"contract": CONTRACT_VERSION, "ok": True, "result": dict(result)}


def _run(parts: Parts, argv: list[str], stdin: BinaryIO) -> Mapping[str, Any]:
    if argv and argv[0] in MODULE_COMMANDS:
        return _run_module(parts, argv, stdin)
    if argv in (["--help"], ["-h"]):
        argv = ["help"]
    for length in (2, 1):
        command = _BY_WORDS.get(" ".join(argv[:length]))
        if command is not None:
            return command.run(parts, command.parse(argv[length:]), stdin)
    called = " ".join(argv[:2])
    raise Usage(f"there is no command {called[:60]!r}" if called else "no command was given")


def _run_module(parts: Parts, argv: list[str], stdin: BinaryIO) -> Mapping[str, Any]:
    name = MODULE_COMMANDS[argv[0]]
    if parts.module is None or parts.module.name != name:
        raise Refusal("no-such-module", f"the module {name} is not loaded on this appliance")
    return parts.module.command(argv[1:], stdin)


def _refused(parts: Parts, argv: Sequence[str], error: Exception) -> dict[str, Any]:
    refusal = translate(error)
    if refusal.code == "internal":
        report(parts.machine, "defect", refusal.message, command=" ".join(argv[:2])[:60])
    answer = {
        "code": refusal.code,
        "message": refusal.message,
        "remedy": refusal.remedy,
        "appliance": parts.identity.facts().name,
    }
    return {"contract": CONTRACT_VERSION, "ok": False, "error": answer}
