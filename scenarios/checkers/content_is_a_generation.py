"""What a standby holds is exactly some generation of the active (D8, T14)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from emulator.lab import Event
from scenarios.record import Record
from scenarios.verdict import Judgement, judged, not_applicable

_LINEAGE = ("epoch", "generation", "sha256")


def check(record: Record) -> Judgement:
    """Each committed import is what another appliance had finished exporting before."""
    imports = tuple(record.select("appliance", "import.committed", "restore.committed"))
    if not imports:
        return not_applicable("nothing was imported")
    finished = tuple(_finished(record))
    faults = [
        f"{one.node}: imported {_name(one)}, which no appliance had finished before"
        for one in imports
        if not any(_same(one, *backup) for backup in finished)
    ]
    return judged([*faults, *_misread(record)], f"{len(imports)} imports, each a finished export")


def _finished(record: Record) -> Iterator[tuple[int, str, Mapping[str, Any]]]:
    """Yield (when, where, what) of every finished export.

    A crash may swallow the event; then the register of backups knows of it, or what the
    engine of that appliance was given after its boot.
    """
    rebooted: dict[str, int] = {}  # by appliance, when it came back for the first time
    for boot in record.select("appliance", "booted"):
        if boot.cause != "first":
            rebooted.setdefault(boot.node, boot.number)
    for event in record.select("engine", "run.exported"):
        if event.number > rebooted.get(event.node, event.number):
            yield event.number, event.node, event.detail.get("snapshot", {})
    for event in record.select("appliance", "backup.finished", "snapshot.created"):
        yield event.number, event.node, event.detail
    for read in record.reads:
        if read.what == "backups":
            for row in read.answer["backups"]:
                yield read.number, read.node, row


def _same(imported: Event, number: int, node: str, backup: Mapping[str, Any]) -> bool:
    return (
        number < imported.number
        and (node != imported.node or imported.event == "restore.committed")
        and all(imported.detail.get(key) == backup.get(key) for key in _LINEAGE)
    )


def _misread(record: Record) -> list[str]:
    """Compare what an appliance says of its origin at the end with its last import."""
    faults = []
    for station in record.appliances:
        status = record.answer(station.name, "status")
        imports = _imports(record, station.name)
        if status is None or not imports:
            continue
        origin: dict[str, Any] = status.get("origin") or {}
        last = imports[-1].detail
        if any(origin.get(key) != last.get(key) for key in _LINEAGE):
            faults.append(f"{station.name}: its origin is not the import it reported last")
    return faults


def _imports(record: Record, node: str) -> list[Event]:
    """Return the imports of an appliance, those that only its next boot told of included."""
    found: list[Event] = []
    verified: Event | None = None
    ways = ("import", "restore")
    names = [f"{way}.{step}" for way in ways for step in ("verified", "committed", "failed")]
    for event in record.select("appliance", *names, "booted", node=node):
        if event.event.endswith(".verified"):
            verified = event
            continue
        completed = (event.event, event.cause) == ("booted", "import-completed")
        if event.event.endswith(".committed"):
            found.append(event)
        elif completed and verified is not None:
            found.append(verified)
        verified = None
    return found


def _name(event: Event) -> str:
    detail = event.detail
    return f"epoch {detail.get('epoch')} generation {detail.get('generation')}"
