"""Rare states, and which of them a drill has seen: what none ever saw, none has tested.

Each is a question about the history, in the order of what happened (`_passed`): so a state is
a path, as "the import was committed, then the answer was lost, then the active's power failed".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from emulator.lab import Event
from scenarios.record import Record

Mark = Callable[[Event], bool]


def reached(record: Record) -> Iterator[str]:
    """Yield the names of the rare states that a drill saw."""
    for name, path in RARE.items():
        if _passed(record, path):
            yield name


def _passed(record: Record, path: tuple[Mark, ...]) -> bool:
    """Say whether events that fit came one after the other, whatever came between."""
    awaited = iter(path)
    mark = next(awaited)
    for event in record.events:
        if mark(event):
            following = next(awaited, None)
            if following is None:
                return True
            mark = following
    return False


def _told(name: str, cause: str | None = None, node: str | None = None, **detail: object) -> Mark:
    def fits(event: Event) -> bool:
        return (
            event.event == name
            and cause in {None, event.cause}
            and node in {None, event.node}
            and all(event.detail.get(key) == value for key, value in detail.items())
        )

    return fits


def _dark(node: str) -> Mark:
    return lambda event: (
        event.event == "fault"
        and (event.cause in {"power-off", "kill"} and event.detail.get("node") == node)
    )


_SWITCHED = _told("takeover.committed")
RARE: Mapping[str, tuple[Mark, ...]] = {
    "the answer to an import was lost": (
        _told("import.started"),
        _told("attempt.indefinite"),
    ),
    "an import was committed, its answer lost, and the run read it back": (
        _told("import.committed"),
        _told("attempt.indefinite"),
        _told("run.succeeded"),
    ),
    "an import was committed, its answer lost, and the active ended in the wait": (
        _told("import.committed"),
        _told("attempt.indefinite"),
        _told("run.waiting"),
        _dark("pbx1"),
        _told("booted", node="pbx1"),
    ),
    "the active ended in the wait between two attempts, and the run went on": (
        _told("run.waiting"),
        _dark("pbx1"),
        _told("booted", node="pbx1"),
        _told("attempt.started", attempt=2),
    ),
    "an import was lost by the standby's end, and the next boot said so": (
        _told("import.started"),
        _dark("pbx2"),
        _told("booted", "import-lost", node="pbx2"),
    ),
    "an import was completed though the standby ended in it": (
        _told("import.started"),
        _dark("pbx2"),
        _told("booted", "import-completed", node="pbx2"),
    ),
    "a run waited for a backup under way": (_told("run.backup-awaited"),),
    "a slot passed while a run was under way": (_told("slot.skipped"),),
    "a slot passed while the active was off": (_told("slot.delayed"),),
    "the disk was full in an import": (_told("import.failed", "disk-full"),),
    "the disk was full on the active in a run": (_told("attempt.failed", "disk-full"),),
    "every attempt of a run failed": (_told("run.failed"),),
    "a run succeeded at its last attempts after cuts": (
        _told("attempt.failed", "connection-lost"),
        _told("attempt.failed"),
        _told("run.succeeded"),
    ),
    "the standby's disk let no import read": (_told("import.failed", "disk-error"),),
    "a host key that had changed was refused, then accepted": (
        _told("attempt.failed", "host-key-changed"),
        _told("configured"),
        _told("run.succeeded"),
    ),
    "a switchover was refused because the active answered": (
        _told("switchover.refused", "active-answers"),
    ),
    "the standby ended between silence and claim": (
        _told("switchover.silent"),
        _told("switchover.refused", "interrupted"),
    ),
    "the standby ended after the claim, and completed the switchover": (
        _told("switchover.claimed"),
        _dark("pbx2"),
        _told("switchover.resumed"),
        _told("switchover.finished"),
    ),
    "the claimed address was contested by the former active": (
        _SWITCHED,
        _told("address.contested"),
    ),
    "the former active came back and stayed off its address": (
        _SWITCHED,
        _told("address.conflict", "", node="pbx1"),
    ),
    "a switchover while the mail server was away": (
        lambda event: event.event == "fault" and event.cause.startswith("mail-"),
        _SWITCHED,
        _told("deferred"),
    ),
    "a rollback went its whole way": (_told("rollback.finished"),),
    "a rollback was abandoned": (_told("rollback.abandoned"),),
    "the original ended in mid-rollback, and it went on": (
        _told("restore.committed", node="pbx1"),
        _dark("pbx1"),
        _told("rollback.step", "identity"),
    ),
    "a second failover after a rollback": (
        _SWITCHED,
        _told("rollback.finished"),
        _SWITCHED,
    ),
    "a run of a lower epoch was turned away": (_told("attempt.failed", "epoch"),),
    "a run was refused for different versions": (_told("run.refused", "version-mismatch"),),
    "a clock was set, and runs went on": (_told("clock.set"), _told("run.succeeded")),
}
