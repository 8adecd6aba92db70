"""The trace of a drill, and how two traces are compared.

A trace is, for each node and source, the list of (Calendar, event, cause). Order across
these lists is not part of it: nobody promised any. What is compared is listed by name, so
that a new event is looked at before it is trusted; facts of address and wire are real time
and are judged by bounds (`checkers/`), not compared.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from itertools import zip_longest
from typing import NamedTuple

from emulator.lab import Event

COMPARED: Mapping[str, frozenset[str]] = {
    "appliance": frozenset(
        {
            "booted",
            "backup.started",
            "backup.finished",
            "backup.failed",
            "snapshot.created",
            "fenced",
            "receive.started",
            "receive.finished",
            "receive.failed",
            "import.started",
            "import.verified",
            "import.committed",
            "import.failed",
            "restore.started",
            "restore.verified",
            "restore.committed",
            "restore.failed",
            "epoch.opened",
            "address.conflict",
            "takeover.committed",
            "takeover.settled",
            "modules.activated",
            "modules.rested",
            "mail.queued",
            "network.set",
            "login",
            "changed",
        }
    ),
    "engine": frozenset(
        {
            "run.started",
            "run.exported",
            "run.refused",
            "run.waiting",
            "run.succeeded",
            "run.failed",
            "attempt.started",
            "attempt.failed",
            "attempt.indefinite",
            "switchover.asked",
            "switchover.confirm",
            "switchover.refused",
            "switchover.silent",
            "switchover.claimed",
            "switchover.announced",
            "switchover.step-failed",
            "switchover.resumed",
            "switchover.finished",
            "rollback.started",
            "rollback.asked",
            "rollback.step",
            "rollback.refused",
            "rollback.abandoned",
            "rollback.finished",
            "configured",
            "initialised",
        }
    ),
    "mail": frozenset({"sent", "deferred"}),
    "runner": frozenset(
        {"phase", "step", "change", "expectation", "fault", "fault.armed", "fault.fired"}
        | {"fault.ended", "fault.missed", "clock.set", "declined", "passed-over", "call", "phones"}
    ),
}
_TOLD_BESIDES = frozenset(
    {"slot.delayed", "slot.skipped", "data.aged", "run.backup-awaited", "trouble"}
    | {"address.contested"}
    | {"archive.started", "archive.finished", "stopped", "defect"}
)
KNOWN = frozenset().union(*COMPARED.values(), _TOLD_BESIDES) - COMPARED["runner"]
BOUNDED = frozenset({"address", "wire"})
IGNORED = frozenset({("appliance", "stopped"), ("engine", "progress"), ("runner", "read")})


class Point(NamedTuple):
    """One entry: when on the Calendar, what, why."""

    served: str
    event: str
    cause: str

    def __str__(self) -> str:
        """Show it in a diff."""
        cause = f" ({self.cause})" if self.cause else ""
        return f"{self.served} {self.event}{cause}"


Trace = Mapping[tuple[str, str], Sequence[Point]]


class Difference(NamedTuple):
    """The first place where two traces part, for one node and source."""

    node: str
    source: str
    position: int
    left: Point | None
    right: Point | None

    def __str__(self) -> str:
        """Show both sides on one line."""
        left, right = self.left or "nothing", self.right or "nothing"
        return f"{self.node}/{self.source}[{self.position}]: {left} | {right}"


def trace_of(events: Iterable[Event]) -> Trace:
    """Reduce a history to its trace."""
    trace: dict[tuple[str, str], list[Point]] = defaultdict(list)
    for event in events:
        if event.source in BOUNDED or (event.source, event.event) in IGNORED:
            continue
        known = event.event in COMPARED.get(event.source, frozenset())
        name = event.event if known else f"unlisted:{event.event}"
        trace[event.node, event.source].append(Point(_seconds(event.served), name, event.cause))
    return dict(trace)


def trace_hash(trace: Trace) -> str:
    """Return the SHA-256 of a trace's canonical form."""
    rows = [[node, source, *points] for (node, source), points in sorted(trace.items())]
    return hashlib.sha256(json.dumps(rows, separators=(",", ":")).encode()).hexdigest()


def compare(left: Trace, right: Trace) -> tuple[Difference, ...]:
    """Return the first difference of each node and source."""
    found = []
    for node, source in sorted({*left, *right}):
        pairs = zip_longest(left.get((node, source), ()), right.get((node, source), ()))
        for position, (one, other) in enumerate(pairs, 1):
            if one != other:
                found.append(Difference(node, source, position, one, other))
                break
    return tuple(found)


def _seconds(served: datetime) -> str:
    return served.isoformat(timespec="milliseconds")
