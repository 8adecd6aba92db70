"""What must hold after a crash, beyond what `scenarios.checkers` says of any drill.

Each function states one invariant and returns the faults that it finds.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from emulator.lab import Event
from scenarios.checkers import CHECKERS, judge
from scenarios.models.expectations import Attempts
from scenarios.record import Record
from scenarios.verdict import Verdict

_TROUBLE = {Verdict.FAILED, Verdict.INCONCLUSIVE}
_UNFIT = {
    "history-is-complete",  # a power cut takes lines of the appliance's own log
    "evidence-intact",  # what is judged in memory has no seal
    # These four count events, and a crash may swallow one; `_neither` and `_other_end` compare
    # content, network and mails with those of the undisturbed drill instead.
    "content-arrives-whole",
    "old-address-goes",
    "notices-sent",
    "mails-leave",
}
_CHECKERS = {name: one for name, one in CHECKERS.items() if name not in _UNFIT}
_STARTS, _COMMITS, _FAILS = (
    tuple(f"{way}.{end}" for way in ("import", "restore"))
    for end in ("started", "committed", "failed")
)
_UNFIT_AFTER_A_CRASH = {"faults-fired"}  # what a node was armed with ends with its processes


@dataclass(frozen=True)
class Undisturbed:
    """The same drill without a crash.

    Attributes:
        contents: a node's content (`scenarios.residue`) at the beginning and end of every
            step, by node and number of the step; 0: at the end of the drill.
        ending: what each running node was at the end.
        mails: (recipient, subject) of every message that was delivered.
        drawn: objects that hold something which every drill draws anew.
    """

    contents: Mapping[tuple[str, int], list[Any]]
    ending: Mapping[str, Any]
    mails: frozenset[tuple[str, str]]
    drawn: frozenset[str] = frozenset()


def undisturbed(record: Record, drawn: frozenset[str] = frozenset()) -> Undisturbed:
    """Take what later crashes are compared with from the record of an undisturbed drill.

    Args:
        record: of that drill.
        drawn: objects that hold something which every drill draws anew.
    """
    contents: dict[tuple[str, int], list[Any]] = defaultdict(list)
    for read in record.reads:
        if read.what == "holding" and read.moment.startswith("step-"):
            # What is read before a step has the number of the one before it.
            number = int(read.moment.removeprefix("step-"))
            contents[read.node, number].append(read.answer)
            contents[read.node, number + 1].append(read.answer)
        elif read.what == "holding" and read.moment == "final":
            contents[read.node, 0].append(read.answer)
    return Undisturbed(contents, ending(record), _delivered(record), drawn)


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
        for name, one in judge(_fair(record) if crashed else record, _CHECKERS).items()
        if one.verdict in _TROUBLE and not (crashed and name in _UNFIT_AFTER_A_CRASH)
        for line in one.evidence
    ]
    for name, check in _ALWAYS.items():
        found += [f"{name}: {line}" for line in check(record)]
    if crashed:
        for name, check in _AFTER_A_CRASH.items():
            found += [f"{name}: {line}" for line in check(record)]
    return found


def _fair(record: Record) -> Record:
    """Return the record without the expectation of a number of attempts; a crash changes it."""
    scenario = record.plan.scenario
    kept = [one for one in scenario.expect if not isinstance(one, Attempts)]
    fair = scenario.model_copy(update={"expect": tuple(kept)})
    return replace(record, plan=record.plan.model_copy(update={"scenario": fair}))


def _neither(record: Record, number: int, without: Undisturbed) -> Iterator[str]:
    """At boot the content is all of the old or all of the new (I1, D8)."""
    crash = _crash(record)
    node = str(crash.detail["node"])
    held = record.answer(node, "holding", "booted")
    known = [*without.contents.get((node, number), ()), *without.contents.get((node, 0), ())]
    if held is None:
        yield f"{node} did not come back"
    elif not any(_holds(held, one, without.drawn) for one in known):
        yield f"{node} booted with content that is neither the old nor the new one"


def mixed(record: Record) -> Iterator[str]:
    """At boot the content is, object by object, one that an appliance held at rest (I1, D8).

    For drills that cannot be compared with another one by digest. What the crashed node itself
    holds later proves nothing; what a person enters or sets is one object, there or not.
    """
    crash = _crash(record)
    node = str(crash.detail["node"])
    held = record.answer(node, "holding", "booted")
    set_by_hand = entered(record)
    known = [
        _brought(one.detail["answer"]["objects"], set_by_hand)
        for one in record.events
        if (one.event, one.cause) == ("read", "holding")
        and (one.detail["node"] != node or not _after(one, crash))
    ]
    if held is None or _brought(held["objects"], set_by_hand) not in known:
        yield f"old-or-new: {node} booted with content that no appliance held at rest"


def _brought(objects: Mapping[str, str], set_by_hand: frozenset[str]) -> dict[str, str]:
    """Return objects by digest, without those that a person set on this appliance."""
    kept = {
        name: digest
        for name, digest in objects.items()
        if name not in set_by_hand and not name.startswith("modules/")
    }
    return _told_apart(kept, frozenset())


def _other_end(record: Record, without: Undisturbed) -> Iterator[str]:
    """A crash changes nothing of how the drill ends, and no message is lost (D5, R54)."""
    ends, crash = ending(record), _crash(record)
    late = {f"{one.cause}@" for one in record.select("runner", "change") if _after(one, crash)}
    for recipient, subject in sorted(without.mails - _delivered(record)):
        # Who was entered later than without the crash may have missed what was sent meanwhile.
        if not recipient.startswith(tuple(late)):
            yield f"{recipient} never got “{subject}”"
    anew = without.drawn | entered(record, crash.number)
    for node, expected in without.ending.items():
        for what, value in expected.items():
            found = ends.get(node, {}).get(what)
            if not (_holds(found, value, anew) if what == "content" else found == value):
                yield f"{node}: {what} is not what it is without the crash"


def entered(record: Record, since: int = 0) -> frozenset[str]:
    """Return the objects that were entered after an event; their secrets are drawn then."""
    return frozenset(
        f"{one.detail['kind']}s/{one.detail['key']}"
        for one in record.select("runner", "change")
        if one.number > since
    )


def _holds(held: Any, expected: Mapping[str, Any], drawn: frozenset[str]) -> bool:
    """Whether content is as expected; files of an attempt that failed may lie beside it (D2).

    Args:
        held: what a node holds, as `scenarios.residue.read_holding` tells it.
        expected: what it should hold.
        drawn: objects that hold something which was drawn anew.
    """
    return (
        held is not None
        and _told_apart(held["objects"], drawn) == _told_apart(expected["objects"], drawn)
        and all(held["files"].get(name) for name in expected["files"])
    )


def _told_apart(objects: Mapping[str, str], drawn: frozenset[str]) -> dict[str, str]:
    """Return objects by digest; of some only that they are there.

    A module's records number its journal, in which a crash leaves its lines.
    """
    return {
        name: "" if name.startswith("records/") or name in drawn else digest
        for name, digest in objects.items()
    }


def _delivered(record: Record) -> frozenset[tuple[str, str]]:
    return frozenset((to, mail.subject) for mail in record.mails for to in mail.recipients)


def _boot_says(record: Record) -> Iterator[str]:
    """The boot event says whether an import was lost or completed (D8)."""
    crash = _crash(record)
    node = str(crash.detail["node"])
    boots = [one for one in record.select("appliance", "booted", node=node) if _after(one, crash)]
    if not boots:
        yield f"{node} reported no boot after the crash"
        return
    said, status = boots[0].cause, record.answer(node, "status", "booted") or {}
    open_import = _open_import(record, node, crash)
    if open_import is None:
        if said == "import-completed" and not any(record.select("appliance", *_COMMITS, node=node)):
            yield f"{node} says {said}, and nothing was imported"
        return
    origin = status.get("origin") or {}
    imported = origin.get("sha256") == open_import.detail.get("sha256")
    expected = "import-completed" if imported else "import-lost"
    if said != expected:
        yield f"{node} says {said}; an import was under way, and it is {expected}"


def _open_import(record: Record, node: str, crash: Event) -> Event | None:
    told = [
        one
        for one in record.select("appliance", *_STARTS, *_COMMITS, *_FAILS, node=node)
        if not _after(one, crash)
    ]
    return told[-1] if told and told[-1].event in _STARTS else None


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
    """A message that is sent again keeps its Message-ID; a step refused again is another (D5)."""
    refused = len(tuple(record.select("engine", "rollback.refused")))
    identities: dict[tuple[str, str], set[str]] = defaultdict(set)
    for mail in record.mails:
        for recipient in mail.recipients:
            identities[recipient, mail.subject].add(mail.message_id)
    for (recipient, subject), known in identities.items():
        if len(known) > max(1, refused):
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
    taken: dict[str, set[str]] = defaultdict(set)
    for read in record.reads:
        if read.what == "status" and read.answer["takeover"]:
            taken[read.node].add(read.answer["takeover"]["operation"])
    for one in record.select("engine", "switchover.finished", "switchover.refused"):
        operation = one.detail.get("operation")
        if (one.event == "switchover.refused") == (operation in taken[one.node]):
            known = ", ".join(sorted(taken[one.node])) or "nothing"
            yield f"{one.node}: {one.event} of {operation}; committed was {known}"


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
