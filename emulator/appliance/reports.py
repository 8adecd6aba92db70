"""The appliance's own events."""

from __future__ import annotations

from typing import Any

from emulator.ports import Machine


def report(machine: Machine, event: str, cause: str = "", /, **detail: Any) -> None:
    """Tell what happened on this appliance (docs/design.md, "Events"); never a secret."""
    machine.emit("appliance", event, cause, detail)
