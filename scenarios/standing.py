"""What an appliance still is in the pair: without its address, or without its password."""

from __future__ import annotations

from emulator.lab import Event
from scenarios.models.administration import Configure
from scenarios.record import Record


def stays_off(record: Record, node: str) -> bool:
    """Say whether an appliance is without its address at the end: another one answers for it.

    Nothing that needs the LAN can be asked of it then (D10).
    """
    status = record.answer(node, "status")
    return status is not None and status.get("conflict") is not None


def stayed_off(record: Record, event: Event) -> bool:
    """Say whether an appliance was without its address at an instant, for the same reason."""
    told = [
        one.event
        for one in record.events
        if one.node == event.node
        and one.number < event.number
        and (one.event, one.cause) in {("address.conflict", ""), ("added", "")}
    ]
    return told[-1:] == ["address.conflict"]


def mistyped(record: Record, event: Event) -> bool:
    """Say whether the password was configured wrong on an appliance at an instant (T7)."""
    steps = record.plan.scenario.whole
    taken = [
        steps[int(one.detail["position"]) - 1]
        for one in record.select("runner", "step")
        if one.number < event.number
    ]
    words = [
        one.configure.password
        for one in taken
        if isinstance(one, Configure) and one.configure.on == event.node and one.configure.password
    ]
    return words[-1:] == ["wrong"]
