"""Commands that change the licences (R11 to R18)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, BinaryIO

from emulator.appliance.commands.grammar import Arguments, Command, read_all
from emulator.appliance.parts import Parts
from emulator.appliance.records import Facts
from emulator.appliance.refusal import Refusal, Usage
from emulator.appliance.reports import report
from emulator.licences import LicenceKeyError, fingerprint, parse_key


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


def remove_licence(parts: Parts, wanted: str) -> None:
    """Remove one licence key, named by its fingerprint: keys stand on no command line.

    Raises:
        Refusal: `no-such-object`.
    """

    def without(facts: Facts) -> Facts:
        kept = tuple(key for key in facts.licences if fingerprint(key) != wanted)
        if kept == facts.licences:
            raise Refusal(
                "no-such-object",
                f"{facts.name} has no licence with the fingerprint {wanted[:40]}",
                "licences list shows them",
            )
        return replace(facts, licences=kept)

    parts.identity.change(without)
    report(parts.machine, "changed", "licences remove", kind="licences", id=wanted)


def _licences_remove(parts: Parts, arguments: Arguments, _stdin: BinaryIO) -> Mapping[str, Any]:
    remove_licence(parts, arguments.text("FINGERPRINT"))
    return {}


COMMANDS = (
    Command(
        "licences install",
        "[--replace]",
        "install keys from standard input, beside the others or in their place",
        _licences_install,
    ),
    Command("licences remove", "FINGERPRINT", "remove a licence key", _licences_remove),
)
