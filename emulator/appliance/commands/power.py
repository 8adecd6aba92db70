"""Commands that end or restart the appliance: shutdown, restart, update (R10)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, BinaryIO

from emulator.appliance.commands.grammar import Arguments, Command
from emulator.appliance.parts import Parts
from emulator.appliance.refusal import Refusal, Usage
from emulator.appliance.reports import report

VERSION = re.compile(r"[0-9]{1,5}(\.[0-9]{1,5}){3}")


def restart(parts: Parts) -> None:
    """Restart all services, after the answer."""
    report(parts.machine, "restarted", "asked")
    parts.restart()


def install(parts: Parts, version: str) -> None:
    """Bring this appliance to a higher version; whoever calls restarts it.

    Raises:
        Refusal: `usage`, `downgrade`, `busy` while a backup is written or content replaced.
    """
    if not VERSION.fullmatch(version):
        raise Usage(f"{version[:40]!r} is no version; expected four numbers such as 8.1.2.5")
    facts = parts.identity.facts()
    if _numbers(version) <= _numbers(facts.version):
        raise Refusal(
            "downgrade",
            f"{facts.name} has version {facts.version}; {version} is not above it",
            "an update leads to a higher version only",
        )
    if parts.backups.busy or parts.gate.working("receiving") or parts.gate.working("importing"):
        raise Refusal(
            "busy",
            f"{facts.name} writes a backup or takes one in",
            "wait until that has ended; status shows it",
        )
    parts.identity.change(lambda facts: replace(facts, version=version))
    report(parts.machine, "updated", version=version, former=facts.version)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(one) for one in version.split("."))


def _shutdown(parts: Parts, _arguments: Arguments, _stdin: BinaryIO) -> Mapping[str, Any]:
    parts.power_off()
    return {}


def _restart(parts: Parts, _arguments: Arguments, _stdin: BinaryIO) -> Mapping[str, Any]:
    restart(parts)
    return {}


def _update(parts: Parts, arguments: Arguments, _stdin: BinaryIO) -> Mapping[str, Any]:
    install(parts, arguments.text("VERSION"))
    parts.restart()
    return {"version": arguments.text("VERSION")}


COMMANDS = (
    Command("shutdown", "", "end in order and power off", _shutdown),
    Command("restart", "", "restart all services", _restart),
    Command("update", "VERSION", "go to a higher version; all services restart", _update),
)
