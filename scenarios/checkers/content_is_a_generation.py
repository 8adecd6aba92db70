"""What a standby holds is exactly some generation of the active (D8, T14)."""

from __future__ import annotations

from typing import Any

from emulator.lab import Event
from scenarios.record import Record
from scenarios.verdict import Judgement, judged, not_applicable


def check(record: Record) -> Judgement:
    """Each committed import is what another appliance had finished exporting before."""
    imports = tuple(record.select("appliance", "import.committed", "restore.committed"))
    if not imports:
        return not_applicable("nothing was imported")
    exports = tuple(record.select("appliance", "backup.finished", "snapshot.created"))
    faults = [
        f"{one.node}: imported {_name(one)}, which no appliance had finished before"
        for one in imports
        if not any(_same(one, export) for export in exports)
    ]
    return judged([*faults, *_misread(record)], f"{len(imports)} imports, each a finished export")


def _same(imported: Event, export: Event) -> bool:
    keys = ("epoch", "generation", "sha256")
    return (
        export.number < imported.number
        and (export.node != imported.node or imported.event == "restore.committed")
        and all(imported.detail.get(key) == export.detail.get(key) for key in keys)
    )


def _misread(record: Record) -> list[str]:
    """Compare what an appliance says of its origin at the end with its last import."""
    faults = []
    for station in record.appliances:
        status = record.answer(station.name, "status")
        commits = ("import.committed", "restore.committed")
        imports = tuple(record.select("appliance", *commits, node=station.name))
        if status is None or not imports:
            continue
        origin: dict[str, Any] = status.get("origin") or {}
        last = imports[-1].detail
        if any(origin.get(key) != last.get(key) for key in ("epoch", "generation", "sha256")):
            faults.append(f"{station.name}: its origin is not the import it reported last")
    return faults


def _name(event: Event) -> str:
    detail = event.detail
    return f"epoch {detail.get('epoch')} generation {detail.get('generation')}"
