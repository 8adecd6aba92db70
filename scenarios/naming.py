"""Whether what a scenario speaks of exists: changes, faults, looks, tabs, stations, events.

Models judge one step at a time; here steps are read in their order, as a drill takes them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from scenarios.checkers import CHECKERS
from scenarios.explaining import Fault, closest
from scenarios.faulting import spec_of
from scenarios.marks import Marked
from scenarios.models import expectations
from scenarios.models.base import Strict
from scenarios.models.disks import CopyDisk, SwapDisk
from scenarios.models.faults import Freeze, PartLan, Unplug, When
from scenarios.models.scenario import BEFORE, Scenario
from scenarios.models.steps import (
    AwaitFaults,
    Heal,
    Intrude,
    LookAt,
    MakeChange,
    OpenTab,
    PlugIn,
    Restore,
    RollBack,
    SwitchOver,
    Thaw,
)
from scenarios.trace import KNOWN

_STATION = "station"
_STRANGERS = {"nobody", "a foreign page"}  # who intrudes without being a user
_ALWAYS = "steady"  # a look that every drill takes before its first step

Name = tuple[str, str]  # what it is, and its name


@dataclass
class _Known:
    """What steps have made so far, by what it is."""

    names: dict[str, set[str]] = field(default_factory=dict)

    def has(self, kind: str, name: str) -> bool:
        """Return whether something of a name was made."""
        return name in self.names.get(kind, set())

    def add(self, kind: str, name: str) -> None:
        """Note that something was made."""
        self.names.setdefault(kind, set()).add(name)

    def lack(self, kind: str, name: str, line: int, before: str) -> Fault:
        """Tell that nothing has made something."""
        if kind in _DEEDS:
            message, remedy = _DEEDS[kind]
            return Fault(line, message.format(name), remedy.format(name))
        known = sorted(self.names.get(kind, ()))
        message = f"no step{before} makes the {kind} `{name}`"
        if kind == _STATION:
            message = f"there is no station `{name}` on this LAN"
        return Fault(line, message, closest(name, known))


_DEEDS: Mapping[str, tuple[str, str]] = {  # what lacks, and what to do
    "cable out": ("no step before this one unplugs {}", "add `unplug: {}`"),
    "standstill": ("no step before this one freezes {}", "add `freeze: {}`"),
    "moment": ("no step before this one sets up a fault for a moment", "add `when`"),
    "tab": ("no step before this one opens the tab of {}", "add `open tab`, by the same person"),
    "saved backup": (
        "there is no backup that could be restored on {}",
        "add `roll back` with `step: backup` before",
    ),
}


def misnamed(scenario: Scenario, marked: Marked) -> Iterator[Fault]:
    """Yield what is named twice, what nobody makes, and what nobody tells of."""
    phones = {f"phone{one + 1}" for one in range(scenario.lab.phones)}
    others = scenario.lab.other_clients
    known = _Known({_STATION: {"pbx1", "pbx2", "mail", "observer", *phones, *others}})
    for step in BEFORE[scenario.start]:
        for kind, name in _made(step):
            known.add(kind, name)
    for index, step in enumerate(scenario.steps):
        yield from _step(step, known, marked.line(("steps", index)))
    for index, expectation in enumerate(scenario.expect):
        line = marked.line(("expect", index))
        yield from _lacking(_spoken_of(expectation), known, line, "")
        yield from _untold(expectation, line)
    for index, one in enumerate(scenario.tolerate):
        if one.invariant not in CHECKERS:
            line = marked.line(("tolerate", index))
            remedy = closest(one.invariant, sorted(CHECKERS))
            yield Fault(line, f"there is no invariant `{one.invariant}`", remedy)


def _step(step: Strict, known: _Known, line: int) -> Iterator[Fault]:
    """Yield what is wrong with the names of a step; from then on what it makes is known."""
    yield from _lacking(_needed(step), known, line, " before this one")
    for kind, name in _made(step):
        if kind in {"change", "fault"} and known.has(kind, name):
            yield Fault(line, f"two {kind}s are named `{name}`", "rename one")
        known.add(kind, name)
    yield from _untold(step, line)


def _lacking(needed: Iterator[Name], known: _Known, line: int, before: str) -> Iterator[Fault]:
    for kind, name in needed:
        if not known.has(kind, name):
            yield known.lack(kind, name, line, before)


def _made(step: Strict) -> Iterator[Name]:
    """Yield what is there once a step was taken."""
    if isinstance(step, When):
        yield "moment", "any"
        yield from _made(step.when.do)
        if step.when.as_ is not None:
            yield "fault", step.when.as_
    elif isinstance(step, LookAt):
        yield "look", f"{step.look_at.as_} at {step.look_at.node}"
    elif isinstance(step, OpenTab):
        yield "tab", _by(step.visit.on, step.visit.by)
    elif isinstance(step, RollBack):
        if step.roll_back.step == "backup":
            yield from (("saved backup", node) for node in ("pbx1", "pbx2"))
    else:
        yield from _named(step)
    if isinstance(step, Unplug):
        yield "cable out", step.spec.node
    if isinstance(step, Freeze):
        yield "standstill", step.spec.node


def _named(step: Strict) -> Iterator[Name]:
    """Yield what a step gives a name to."""
    name = getattr(spec_of(step), "as_", None)
    if isinstance(step, CopyDisk):
        yield "disk copy", f"{name} of {step.copy_disk.of}"
    elif name is not None:
        yield "change" if isinstance(step, MakeChange) else "fault", name


def _needed(step: Strict) -> Iterator[Name]:
    """Yield what must be there before a step can be taken."""
    if isinstance(step, When):
        yield from _needed(step.when.do)
    elif isinstance(step, Heal):
        yield "fault", step.heal
    elif isinstance(step, AwaitFaults):
        yield "moment", "any"
    elif isinstance(step, SwapDisk):
        yield "disk copy", f"{step.swap_disk.to} of {step.swap_disk.of}"
    elif isinstance(step, PlugIn):
        yield "cable out", step.plug_in
    elif isinstance(step, Thaw):
        yield "standstill", step.thaw
    elif isinstance(step, Restore):
        yield "saved backup", step.restore.on
    elif isinstance(step, SwitchOver):
        yield "tab", _by(step.click.on, step.click.by)
    elif isinstance(step, PartLan):
        yield from ((_STATION, one) for one in step.part_lan.off)
    else:
        yield from _entered(step)


def _entered(step: Strict) -> Iterator[Name]:
    """Yield the change that a step speaks of."""
    name: str | None = None
    if isinstance(step, MakeChange):
        name = step.change.remove or step.change.edit
    elif isinstance(step, OpenTab):
        name = step.visit.by
    elif isinstance(step, Intrude) and step.intrude.by not in _STRANGERS:
        name = step.intrude.by
    if name is not None:
        yield "change", name


def _by(node: str, person: str | None) -> str:
    return f"{node} by {person}" if person else node


def _spoken_of(expectation: Strict) -> Iterator[Name]:
    """Yield what must have been there at some time of the drill."""
    if isinstance(expectation, (expectations.Present, expectations.Lost)):
        yield from (("change", name) for name in spec_of(expectation).changes)
    elif isinstance(expectation, expectations.RolledBack):
        yield from (("change", name) for name in expectation.rolled_back.lost)
    elif isinstance(expectation, expectations.Reached):
        yield _STATION, expectation.reached.by
    else:
        yield from _looks(expectation)


def _looks(expectation: Strict) -> Iterator[Name]:
    spec = spec_of(expectation)
    moments: list[str | None] = []
    if isinstance(expectation, expectations.Untouched):
        moments = [expectation.untouched.from_, expectation.untouched.to]
    elif isinstance(expectation, expectations.Tidy):
        moments = [expectation.tidy.at]
    elif isinstance(expectation, expectations.Same):
        moments = [expectation.same.as_]
    yield from (("look", f"{one} at {spec.on}") for one in moments if one not in {None, _ALWAYS})


def _untold(part: Strict, line: int) -> Iterator[Fault]:
    """Yield the events that a part waits for and that nobody ever tells of."""
    for event in _events(spec_of(part)):
        if event not in KNOWN:
            remedy = closest(event, sorted(KNOWN))
            yield Fault(line, f"nobody tells of an event `{event}`", remedy)


def _events(spec: Any) -> Iterator[str]:
    if isinstance(getattr(spec, "event", None), str):
        yield spec.event
    yield from getattr(spec, "events", ())
    if hasattr(spec, "within") and hasattr(spec, "to"):
        yield spec.to
