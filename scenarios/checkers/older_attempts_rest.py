"""Once a newer attempt has come, nothing of an older one acts (D2, T15)."""

from __future__ import annotations

from collections.abc import Iterator

from scenarios.record import Record
from scenarios.verdict import Judgement, judged, not_applicable

_RIGHTS = ("fenced", "receive.started")
_ACTS = (
    "receive.started",
    "receive.finished",
    "import.started",
    "import.verified",
    "import.committed",
)


def check(record: Record) -> Judgement:
    """Follow the newest token of each appliance; what acts under an older one is a fault."""
    newest: dict[str, tuple[int, ...]] = {}
    faults = []
    acts = 0
    for event in record.select("appliance", *_RIGHTS, *_ACTS):
        text = event.detail.get("token")
        if not text:
            continue
        token = _parts(text)
        latest = newest.get(event.node, token)
        if event.event in _ACTS:
            acts += 1
            if token < latest:
                over = ".".join(str(part) for part in latest)
                faults.append(f"{event.node}: {event.event} of {text} after {over} had come")
        newest[event.node] = max(token, latest)
    faults += _not_raised(record)
    if not acts:
        return not_applicable("no attempt reached an appliance")
    return judged(faults, f"{acts} acts, each of the newest attempt")


def _not_raised(record: Record) -> Iterator[str]:
    """Each attempt has a newer token than the one before, and no token is received twice."""
    tokens: dict[str, tuple[int, ...]] = {}
    received: set[tuple[str, str]] = set()
    for event in record.select("engine", "attempt.started"):
        text = event.detail["token"]
        if _parts(text) <= tokens.get(event.node, ()):
            yield f"{event.node}: attempt {event.detail['attempt']} has no newer token: {text}"
        tokens[event.node] = _parts(text)
    for event in record.select("appliance", "receive.started"):
        key = (event.node, str(event.detail["token"]))
        if key in received:
            yield f"{event.node}: two receives under the token {key[1]}"
        received.add(key)


def _parts(token: object) -> tuple[int, ...]:
    return tuple(int(part) for part in str(token).split("."))
