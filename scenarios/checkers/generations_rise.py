"""Generations only rise, and no generation is imported twice (D14, D2, T13)."""

from __future__ import annotations

from collections.abc import Iterator

from emulator.lab import Event
from scenarios.record import Record
from scenarios.verdict import Judgement, judged, not_applicable

_UPLOAD = "upload"
Stand = tuple[int, int]


def check(record: Record) -> Judgement:
    """Follow the (epoch, generation) of each appliance's exports, and of its imports."""
    exports = list(record.select("appliance", "backup.started", "snapshot.created"))
    imports = [
        event
        for event in record.select("appliance", "import.committed")
        if event.detail.get("file") != _UPLOAD
    ]
    if not exports and not imports:
        return not_applicable("no generation was made or imported")
    made = [one for one in exports if not _seals_a_backup(record, one)]
    faults = [*_fallen(made), *_repeated(imports)]
    return judged(faults, f"{len(exports)} exports and {len(imports)} imports, in order")


def _seals_a_backup(record: Record, export: Event) -> bool:
    """Whether a run sealed a backup that its box had finished before (D3): no new state.

    It may be as old as it likes, if the run goes over a failover; nobody may import it then.
    """
    told = any(
        f"run-{one.detail['run']}" == export.detail.get("operation")
        and one.detail.get("source", {}).get("kind") == "latest"
        for one in record.select("engine", "run.started", node=export.node)
    )
    return told and any(
        one.number < export.number and _stand(one) == _stand(export)
        for one in record.select("appliance", "backup.finished", node=export.node)
    )


def _fallen(exports: list[Event]) -> Iterator[str]:
    newest: dict[str, Stand] = {}
    for event in exports:
        stand = _stand(event)
        if stand < newest.get(event.node, stand):
            yield f"{event.node}: {event.event} of {_name(stand)} after {_name(newest[event.node])}"
        newest[event.node] = max(stand, newest.get(event.node, stand))


def _repeated(imports: list[Event]) -> Iterator[str]:
    """What comes from another appliance by a run is newer than all that came before."""
    newest: dict[str, Stand] = {}
    for event in imports:
        stand = _stand(event)
        if event.node in newest and stand <= newest[event.node]:
            yield f"{event.node}: imported {_name(stand)} after {_name(newest[event.node])}"
        newest[event.node] = max(stand, newest.get(event.node, stand))


def _stand(event: Event) -> Stand:
    return int(event.detail.get("epoch", 0)), int(event.detail.get("generation", 0))


def _name(stand: Stand) -> str:
    return f"epoch {stand[0]} generation {stand[1]}"
