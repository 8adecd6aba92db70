"""What must hold after a crash, beyond what `scenarios.checkers` says of any drill.

Each function states one invariant and returns the faults that it finds.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from emulator.lab import Event
from scenarios.checkers import CHECKERS, judge
from scenarios.record import Record
from scenarios.verdict import Verdict

_TROUBLE = {Verdict.FAILED, Verdict.INCONCLUSIVE}
_UNFIT = {
    "history-is-complete",  # a power cut takes lines of the appliance's own log
    "evidence-intact",  # what is judged in memory has no seal
    # These three count events, and a crash may swallow one; `_neither` and `_other_end` compare
    # content, network and mails with those of the undisturbed drill instead.
    "content-arrives-whole",
    "old-address-goes",
    "notices-sent",
}
_CHECKERS = {name: one for name, one in CHECKERS.items() if name not in _UNFIT}


@dataclass(frozen=True)
class Undisturbed:
    """The same drill without a crash.

    Attributes:
        contents: a node's content (`residue.read_holding`) at the beginning and end of every
            step, by node and number of the step; 0: at the end of the drill.
        ending: what each running node was at the end.
        mails: (recipient, subject) of every message that was delivered.
    """

    contents: Mapping[tuple[str, int], list[Any]]
    ending: Mapping[str, Any]
    mails: frozenset[tuple[str, str]]


def undisturbed(record: Record) -> Undisturbed:
    """Take what later crashes are compared with from the record of an undisturbed drill."""
    contents: dict[tuple[str, int], list[Any]] = defaultdict(list)
    for read in record.reads:
        if read.what == "holding" and read.moment.startswith("step-"):
            # What is read before a step has the number of the one before it.
            number = int(read.moment.removeprefix("step-"))
            contents[read.node, number].append(read.answer)
            contents[read.node, number + 1].append(read.answer)
        elif read.what == "holding" and read.moment == "final":
            contents[read.node, 0].append(read.answer)
    return Undisturbed(contents, ending(record), _delivered(record))


def ending(record: Record) -> dict[str, Any]:
    """Return what each running node is at the end."""
    found = {}
    for station in record.appliances:
        status = record.answer(station.name, "status")
        if status is not None:
            found[station.name] = {
                "content": record.answer(station.name, "holding"),
                "network": status["network"],
                "answers": record.answer(station.name, "who-has"),
                "takeover": bool((status["takeover"] or {}).get("settled")),
                "epoch": status["lineage"]["epoch"],
                "holder": status["lineage"]["holder"],
                "modules": status["modules"],
            }
    return found


def faults(record: Record, number: int, without: Undisturbed) -> list[str]:
    """Judge a drill with one crash in a step of a number; 0: without one."""
    found = broken(record, crashed=number > 0)
    if number:
        found += [f"old-or-new: {line}" for line in _neither(record, number, without)]
        found += [f"same-end: {line}" for line in _other_end(record, without)]
    return found


def broken(record: Record, *, crashed: bool) -> list[str]:
    """Return how a drill breaks an invariant that its own record shows."""
    found = [
        f"{name}: {line}"
        for name, one in judge(record, _CHECKERS).items()
        if one.verdict in _TROUBLE
        for line in one.evidence
    ]
    for name, check in _ALWAYS.items():
        found += [f"{name}: {line}" for line in check(record)]
    if crashed:
        for name, check in _AFTER_A_CRASH.items():
            found += [f"{name}: {line}" for line in check(record)]
    return found


def _neither(record: Record, number: int, without: Undisturbed) -> Iterator[str]:
    """At boot the content is all of the old or all of the new (I1, D8)."""
    crash = _crash(record)
    node = str(crash.detail["node"])
    held = record.answer(node, "holding", "booted")
    known = [*without.contents.get((node, number), ()), *without.contents.get((node, 0), ())]
    if held is None:
        yield f"{node} did not come back"
    elif not any(_holds(held, one) for one in known):
        yield f"{node} booted with content that is neither the old nor the new one"


def _other_end(record: Record, without: Undisturbed) -> Iterator[str]:
    """A crash changes nothing of how the drill ends, and no message is lost (D5, R54)."""
    for recipient, subject in sorted(without.mails - _delivered(record)):
        yield f"{recipient} never got “{subject}”"
    ends = ending(record)
    for node, expected in without.ending.items():
        for what, value in expected.items():
            found = ends.get(node, {}).get(what)
            if not (_holds(found, value) if what == "content" else found == value):
                yield f"{node}: {what} is not what it is without the crash"


def _holds(held: Any, expected: Mapping[str, Any]) -> bool:
    """Whether content is as expected; files of an attempt that failed may lie beside it (D2)."""
    return (
        held is not None
        and held["objects"] == expected["objects"]
        and all(held["files"].get(name) for name in expected["files"])
    )


def _delivered(record: Record) -> frozenset[tuple[str, str]]:
    return frozenset((to, mail.subject) for mail in record.mails for to in mail.recipients)


def _boot_says(record: Record) -> Iterator[str]:
    """The boot event says whether an import was lost or completed (D8)."""
    crash = _crash(record)
    node = str(crash.detail["node"])
    boots = [one for one in record.select("appliance", "booted", node=node) if _after(one, crash)]
    if len(boots) != 1:
        yield f"{node} reported {len(boots)} boots after the crash"
        return
    said, status = boots[0].cause, record.answer(node, "status", "booted") or {}
    open_import = _open_import(record, node, crash)
    if open_import is None:
        if said == "import-completed" and not any(
            record.select("appliance", "import.committed", node=node)
        ):
            yield f"{node} says {said}, and nothing was imported"
        return
    origin = status.get("origin") or {}
    imported = origin.get("sha256") == open_import.detail.get("sha256")
    expected = "import-completed" if imported else "import-lost"
    if said != expected:
        yield f"{node} says {said}; an import was under way, and it is {expected}"


def _open_import(record: Record, node: str, crash: Event) -> Event | None:
    names = ("import.started", "import.committed", "import.failed")
    told = [one for one in record.select("appliance", *names, node=node) if not _after(one, crash)]
    return told[-1] if told and told[-1].event == "import.started" else None


def _imported_twice(record: Record) -> Iterator[str]:
    """No generation is imported a second time on a node (D2)."""
    counts: Counter[tuple[Any, ...]] = Counter()
    for one in record.select("appliance", "import.committed"):
        counts[one.node, one.detail["epoch"], one.detail["generation"]] += 1
    crash = _crash(record)
    node = str(crash.detail["node"])
    status = record.answer(node, "status", "booted") or {}
    origin = status.get("origin")
    if origin and not any(
        _of(origin, one)
        for one in record.select("appliance", "import.committed", node=node)
        if not _after(one, crash)
    ):
        counts[node, origin["epoch"], origin["generation"]] += 1  # committed, and never told
    for (where, epoch, generation), count in counts.items():
        if count > 1:
            yield f"{where}: generation {epoch}.{generation} was imported {count} times"


def _of(origin: Mapping[str, Any], event: Event) -> bool:
    return all(origin[key] == event.detail.get(key) for key in ("epoch", "generation", "sha256"))


def _two_identities(record: Record) -> Iterator[str]:
    """A message that is sent again keeps its Message-ID (D5)."""
    identities: dict[tuple[str, str], set[str]] = defaultdict(set)
    for mail in record.mails:
        for recipient in mail.recipients:
            identities[recipient, mail.subject].add(mail.message_id)
    for (recipient, subject), known in identities.items():
        if len(known) > 1:
            yield f"{recipient} got “{subject}” under {len(known)} Message-IDs"


def _left_over(record: Record) -> Iterator[str]:
    """Nothing stays locked, held, unfinished or open (I1, F6)."""
    last = {read.node: read for read in record.reads if read.what == "residue"}
    for node, read in last.items():
        for kind, names in read.answer.items():
            if names:
                yield f"{node}: {kind}: {', '.join(names)}"


def _says_otherwise(record: Record) -> Iterator[str]:
    """A switchover that was committed is told as finished, any other as refused (F6)."""
    for station in record.appliances:
        status = record.answer(station.name, "status") or {}
        taken = (status.get("takeover") or {}).get("operation")
        for one in record.select(
            "engine", "switchover.finished", "switchover.refused", node=station.name
        ):
            operation = one.detail.get("operation")
            if (one.event == "switchover.refused") == (operation == taken):
                yield f"{station.name}: {one.event} of {operation}; committed was {taken}"


def _crash(record: Record) -> Event:
    return next(one for one in record.select("runner", "fault") if "cell" in one.detail)


def _after(event: Event, crash: Event) -> bool:
    return event.number > crash.number


_ALWAYS: Mapping[str, Callable[[Record], Iterator[str]]] = {
    "one-identity": _two_identities,
    "nothing-left": _left_over,
    "outcome-told": _says_otherwise,
}
_AFTER_A_CRASH: Mapping[str, Callable[[Record], Iterator[str]]] = {
    "boot-says": _boot_says,
    "imported-once": _imported_twice,
}
