"""The history holds what each appliance's own log holds: nothing was lost on the way."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from itertools import zip_longest
from typing import Any

from emulator.lab import Event
from scenarios.record import Record
from scenarios.verdict import Judgement, inconclusive, passed

_OF_THE_SWITCH = ("wire", "carrier")  # told of a node by the lab, not by the node
Entry = tuple[datetime, str, str, str, dict[str, Any]]


def check(record: Record) -> Judgement:
    """Compare the history with the logs; where a box lost power, the log may lack lines."""
    dead = {
        str(event.detail["node"])
        for event in record.select("runner", "fault")
        if event.cause == "power-off"
    }
    faults = []
    compared = 0
    for station in record.appliances:
        text = record.texts.get(f"nodes/{station.name}/events.jsonl")
        own = [one for one in record.events if one.node == station.name]
        told = [_told(one) for one in own if (one.source, one.event) != _OF_THE_SWITCH]
        if text is None:
            if station.name not in dead:
                faults.append(f"{station.name}: its own log is missing")
            continue
        compared += len(told)
        rows = [_row(line) for line in text.splitlines()]
        if None in rows and station.name not in dead:
            faults.append(f"{station.name}: a line of its own log cannot be read")
            continue
        logged = [_logged(row) for row in rows if row is not None]
        faults += _faults(station.name, told, logged, dead)
    if faults:
        return inconclusive(*faults)
    return passed(f"{compared} events are those of the appliances' own logs")


def _row(line: str) -> dict[str, Any] | None:
    """Read a line; None for one that cannot be read, as a power cut may leave it."""
    try:
        row: dict[str, Any] = json.loads(line)
    except json.JSONDecodeError:
        return None
    return row


def _told(event: Event) -> Entry:
    return event.served, event.source, event.event, event.cause, dict(event.detail)


def _logged(row: dict[str, Any]) -> Entry:
    served = datetime.fromisoformat(row["served"])
    return served, row["source"], row["event"], row["cause"], row["detail"]


def _faults(node: str, told: list[Entry], logged: list[Entry], dead: set[str]) -> Iterator[str]:
    if node in dead:
        known = iter(told)
        if not all(entry in known for entry in logged):  # in this order
            yield f"{node}: its own log holds what the history lacks, or in another order"
        return
    for one, other in zip_longest(told, logged):
        if one == other:
            continue
        history, log = ("nothing" if it is None else it[2] for it in (one, other))
        same = f"another {log} than its own log"
        parted = f"{history} where its own log has {log}"
        yield f"{node}: the history has {same if history == log else parted}"
        return
