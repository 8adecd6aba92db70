"""What the appliance has for all: lines, modules, sounds that callers hear, nightly jobs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from emulator.company.dice import Dice
from emulator.company.people import Objects

MODULES: Mapping[str, Mapping[str, Any]] = {
    "callcenter": {"queues": ["Verkauf", "Service"], "wrap_up_s": 15},
    "fax2mail": {"format": "pdf", "recipient": "fax@example.com"},
    "sprachmenue": {"greeting": "willkommen", "choices": {"1": "Verkauf", "2": "Service"}},
}
PROVIDER = "sip.example.net"


def modules() -> Objects:
    """Return the module configurations."""
    return {name: {"active": True, "values": dict(values)} for name, values in MODULES.items()}


def installed_modules(version: str) -> Objects:
    """Return the modules that could be configured."""
    return {
        name: {"name": name.capitalize(), "version": version, "vendor": "example.com"}
        for name in MODULES
    }


def lines(dice: Dice, counts: Mapping[str, int]) -> Objects:
    """Return the lines of each sort (R53); those over the Internet have an account."""
    made: Objects = {sort: {"count": count} for sort, count in counts.items()}
    if "sip" in made:
        made["sip"] |= {
            "provider": PROVIDER,
            "username": f"trunk{dice.below(10**6, 'trunk'):06}",
            "trunk_secret": dice.draw(12, "trunk").hex(),
        }
    return made
