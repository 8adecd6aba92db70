"""A standby holds everything that the active had, and nothing else (R4, D8, I3)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from emulator.lab import Event
from scenarios.record import Record
from scenarios.verdict import Judgement, inconclusive, judged, not_applicable


def check(record: Record) -> Judgement:
    """Compare each standby's last digest with its active's, object by object."""
    last = {one.node: one for one in record.select("appliance", "import.committed")}
    faults: list[str] = []
    compared = 0
    for node, imported in sorted(last.items()):
        export = _export(record, imported)
        after = record.answer(node, "digest")
        if export is None or after is None:
            return inconclusive(f"{node}: its last import or its content at the end is not known")
        before = record.answer(export.node, "digest", "steady")
        if before is None:
            return inconclusive(f"the content of {export.node} at the beginning was not read")
        entered = _entered(record, export.node, export.number)
        own = _changed(record, node, since=imported.number)
        faults += _faults(node, before["objects"], after["objects"], (entered, own))
        compared += len(after["objects"])
    if not last:
        return not_applicable("nothing was imported")
    return judged(faults, f"{compared} objects compared with those of the active")


def _export(record: Record, imported: Event) -> Event | None:
    found = [
        event
        for event in record.select("appliance", "backup.finished", "snapshot.created")
        if event.number < imported.number
        and event.node != imported.node
        and event.detail.get("sha256") == imported.detail.get("sha256")
    ]
    return found[-1] if found else None


def _entered(record: Record, node: str, until: int) -> set[str]:
    """Return what was entered into the content of an appliance, wherever that came from."""
    commits = [
        event
        for event in record.select("appliance", "import.committed", "restore.committed", node=node)
        if event.number < until
    ]
    source = _export(record, commits[-1]) if commits else None
    if source is None:
        return _changed(record, node, until=until)
    inherited = _entered(record, source.node, source.number)
    return inherited | _changed(record, node, since=commits[-1].number, until=until)


def _changed(record: Record, node: str, *, since: int = 0, until: float = float("inf")) -> set[str]:
    """Return the objects that were entered or changed on an appliance meanwhile."""
    return {
        f"{event.detail['kind']}/{event.detail['id']}"
        for event in record.select("appliance", "changed", node=node)
        if since < event.number < until
    }


def _faults(
    node: str,
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    changed: tuple[set[str], set[str]],
) -> Iterator[str]:
    entered, own = changed
    for key in sorted({*before, *entered} - own):
        if key not in after:
            if key not in entered or key not in before:  # else it may have been removed
                yield f"{node}: {key} of the active is missing"
        elif key in before and key not in entered and after[key] != before[key]:
            yield f"{node}: {key} is not as on the active"
    for key in sorted({*after} - {*before} - entered - own):
        yield f"{node}: {key} was never on the active"
