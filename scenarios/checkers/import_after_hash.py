"""Nothing is imported before its hash held (T12, D8)."""

from __future__ import annotations

from collections.abc import Iterator

from emulator.lab import Event
from scenarios.record import Record
from scenarios.verdict import Judgement, judged, not_applicable

_UPLOAD = "upload"


def check(record: Record) -> Judgement:
    """Each commit follows a verification; each transferred file was whole before its import."""
    commits = tuple(record.select("appliance", "import.committed"))
    if not commits:
        return not_applicable("nothing was imported")
    faults = [fault for commit in commits for fault in _faults(record, commit)]
    faults += _swallowed(record)
    return judged(faults, f"{len(commits)} imports, each verified first")


def _faults(record: Record, commit: Event) -> Iterator[str]:
    verified = [
        event
        for event in record.select("appliance", "import.verified", node=commit.node)
        if event.number < commit.number and _same(event, commit, "token", "file", "sha256")
    ]
    if not verified:
        yield f"{commit.node}: {commit.detail.get('file')} was committed unverified"
    if commit.detail.get("file") == _UPLOAD:
        return  # it came through the tab Standby-Import: no transfer between the appliances
    received = [
        event
        for event in record.select("appliance", "receive.finished", node=commit.node)
        if event.number < commit.number and _same(event, commit, "token", "sha256")
    ]
    if not received:
        token = commit.detail["token"]
        yield f"{commit.node}: attempt {token} was imported, and its file had not arrived whole"


def _swallowed(record: Record) -> Iterator[str]:
    """A transfer that was cut on its way cannot have arrived whole, whatever is said of it."""
    names = ("receive.finished", "receive.failed", "booted")  # a crash ends a receive untold
    for cut in record.select("wire", "cut"):
        ends = record.select("appliance", *names, node=cut.node)
        end = next((event for event in ends if event.number > cut.number), None)
        if end is not None and end.event == "receive.finished":
            token = end.detail.get("token")
            yield f"{cut.node}: attempt {token} was cut, and is said to have arrived whole"


def _same(one: Event, other: Event, *keys: str) -> bool:
    return all(one.detail.get(key) == other.detail.get(key) for key in keys)
