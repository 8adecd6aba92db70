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
        origin = _origin(record, export)
        before = record.answer(origin, "digest", "steady")
        if before is None:
            return inconclusive(f"the content of {origin} at the beginning was not read")
        changes = _last_changes(record, export.node, export.number)
        gone = set(_gone(changes, {*changes, *before["objects"]}))  # I3
        own = {*_changes(record, node, since=imported.number)}
        kept = {key: value for key, value in before["objects"].items() if key not in gone}
        faults += _faults(node, kept, after["objects"], ({*changes} - gone, own))
        compared += len(after["objects"])
    if not last:
        return not_applicable("nothing was imported")
    return judged(faults, f"{compared} objects compared with those of the active")


def _export(record: Record, imported: Event) -> Event | None:
    """Return what tells when and where the content was taken that was imported.

    What a finished backup holds is of the instant at which its writing began.
    """
    found = [
        event
        for event in record.select("appliance", "backup.finished", "snapshot.created")
        if event.number < imported.number
        and event.node != imported.node
        and event.detail.get("sha256") == imported.detail.get("sha256")
    ]
    return _begun(record, found[-1]) if found else None


def _origin(record: Record, export: Event) -> str:
    """Return the appliance that had this content at first: what was imported came from another."""
    source = _source(record, export.node, export.number)
    return export.node if source is None else _origin(record, source[0])


def _source(record: Record, node: str, until: int) -> tuple[Event, Event] | None:
    """Return what an appliance had imported last by then: its export, and its commit."""
    commits = [
        event
        for event in record.select("appliance", "import.committed", "restore.committed", node=node)
        if event.number < until
    ]
    export = _export(record, commits[-1]) if commits else None
    return None if export is None else (export, commits[-1])


def _begun(record: Record, export: Event) -> Event:
    begun = [
        event
        for event in record.select("appliance", "backup.started", node=export.node)
        if event.number < export.number
        and all(event.detail.get(key) == export.detail.get(key) for key in ("epoch", "generation"))
    ]
    return begun[-1] if begun else export


def _last_changes(record: Record, node: str, until: int) -> dict[str, str]:
    """Return what was done last to each object of an appliance, wherever that came from."""
    source = _source(record, node, until)
    if source is None:
        return _changes(record, node, until=until)
    export, commit = source
    inherited = _last_changes(record, export.node, export.number)
    return inherited | _changes(record, node, since=commit.number, until=until)


def _gone(changes: Mapping[str, str], known: set[str]) -> Iterator[str]:
    """Yield what was removed, and the redirects of each user who was: they go with him."""
    yield from (key for key, cause in changes.items() if cause.endswith(" remove"))
    for key, cause in changes.items():
        if cause == "users remove":
            login = key.partition("/")[2]
            yield from (one for one in known if one.startswith(f"redirects/{login}-"))


def _changes(
    record: Record, node: str, *, since: int = 0, until: float = float("inf")
) -> dict[str, str]:
    """Return what was done last to each object that was changed on an appliance meanwhile.

    A licence is no object of the content, and has no name there.
    """
    return {
        _object(event): event.cause
        for event in record.select("appliance", "changed", node=node)
        if since < event.number < until and "id" in event.detail
    }


def _object(event: Event) -> str:
    """Return how a digest names what was changed; a user's password stands apart there."""
    kind = "passwords" if event.cause == "users password" else event.detail["kind"]
    return f"{kind}/{event.detail['id']}"


def _faults(
    node: str,
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    changed: tuple[set[str], set[str]],
) -> Iterator[str]:
    entered, own = changed
    for key in sorted({*before, *entered} - own):
        if key not in after:
            yield f"{node}: {key} of the active is missing"
        elif key in before and key not in entered and after[key] != before[key]:
            yield f"{node}: {key} is not as on the active"
    for key in sorted({*after} - {*before} - entered - own):
        yield f"{node}: {key} was never on the active"
