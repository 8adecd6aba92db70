"""The person who goes on with a drill after a crash: looks first, then does what is missing."""

from __future__ import annotations

from functools import singledispatch
from typing import Protocol

import httpx

from emulator.lab import CommandRefused, Event, LabError
from scenarios.browsing import PageTrouble, answer_of, log_in, open_tab
from scenarios.declining import DrillEnded
from scenarios.drill import Drill
from scenarios.entering import entered
from scenarios.models.base import Strict
from scenarios.models.faults import PowerOff
from scenarios.models.steps import (
    Advance,
    Arrival,
    Expect,
    Initialise,
    MakeChange,
    OpenTab,
    PowerOn,
    RollBack,
    Sighting,
    SwitchOver,
    Visit,
)
from scenarios.setup import other
from scenarios.steps import Say, perform
from scenarios.units import render_duration
from scenarios.verdict import Verdict

_INTERRUPTED = (DrillEnded, CommandRefused, PageTrouble, LabError, httpx.HTTPError)
CRASHES = frozenset({"fault", "crashed"})  # in `sim`, and as a node tells the lab itself
_ENDS = {f"run.{outcome}": outcome for outcome in ("succeeded", "failed", "refused")}


class Crashes(Protocol):
    """The crash of a drill, as the person sees it who goes on with it."""

    def happened(self) -> bool:
        """Whether a node has ended, be it dark or back already."""

    def recover(self, drill: Drill) -> None:
        """Return when the node is back and nothing moves."""


@singledispatch
def carry_on(step: Strict, drill: Drill, say: Say, crashes: Crashes) -> None:
    """Carry out a step; if a crash comes in between, or came before, look first.

    What was answered before the crash need not have been done (a step of a rollback is only
    accepted), so an answer does not count then.

    Raises:
        DrillEnded, CommandRefused, PageTrouble, LabError: as `perform`, where no crash has
            been or the second try does not succeed either.
    """
    if not crashes.happened():
        try:
            perform(step, drill, say)
        except _INTERRUPTED:
            if not crashes.happened():
                raise
        if not crashes.happened():
            return
    crashes.recover(drill)
    take_up(step, drill, say)


@carry_on.register
def _(step: Advance, drill: Drill, say: Say, crashes: Crashes) -> None:
    """A crash may swallow the event that is awaited; then the journal knows of it."""
    arrival = step.advance
    awaited = Sighting(on=arrival.on, event=arrival.to, within=arrival.within)
    came = _await(awaited, drill, crashes)
    if crashes.happened() and not came:
        came = bool(_new_runs(arrival, drill)) or drill.reach(
            arrival.within, lambda event: (event.node, event.event) == (arrival.on, arrival.to)
        )
    verdict = Verdict.PASSED if came else Verdict.FAILED
    text = f"{arrival.to} on {arrival.on} within {render_duration(arrival.within)}"
    runs = sorted(_new_runs(arrival, drill))
    drill.lab.note("expectation", verdict.value, text=text, node=arrival.on, runs=runs)
    if not came:
        raise DrillEnded(f"no {text}")
    say("came")


@carry_on.register
def _(step: Expect, drill: Drill, say: Say, crashes: Crashes) -> None:
    """A crash may forestall what is expected, as the cut of a transfer; else it must come."""
    wanted = step.expect
    came = _await(wanted, drill, crashes)
    if not crashes.happened():
        verdict = Verdict.PASSED if came else Verdict.FAILED
        text = f"{wanted.event} on {wanted.on} within {render_duration(wanted.within)}"
        drill.lab.note("expectation", verdict.value, text=text)
    say("came" if came else "did not come")


def _await(wanted: Sighting, drill: Drill, crashes: Crashes) -> bool:
    """Wait for an event, or for a crash and what follows it; whether the event came."""
    known = len(drill.lab.events())

    def seen(event: Event) -> bool:
        right = wanted.cause in {None, event.cause}
        return (event.node, event.event) == (wanted.on, wanted.event) and right

    if not crashes.happened():
        drill.reach(wanted.within, lambda event: seen(event) or event.event in CRASHES)
    if crashes.happened():
        crashes.recover(drill)
    return any(seen(event) for event in drill.lab.events()[known:])


def _new_runs(arrival: Arrival, drill: Drill) -> set[int]:
    """Return the runs that have ended so, by the journal, and that no earlier step awaited."""
    runs = drill.node(arrival.on).ctl(["redundancy", "status"])["runs"]
    ended = {int(one["run"]) for one in runs if one["outcome"] == _ENDS.get(arrival.to)}
    notes = [one.detail for one in drill.lab.events() if one.event == "expectation"]
    return ended - {run for note in notes if note.get("node") == arrival.on for run in note["runs"]}


@singledispatch
def take_up(step: Strict, drill: Drill, say: Say) -> None:
    """Do what is missing of a step; most steps are simply done again.

    Raises:
        DrillEnded, CommandRefused, PageTrouble, LabError: as `perform`.
    """
    perform(step, drill, say)


@take_up.register
def _(step: Initialise, drill: Drill, say: Say) -> None:
    """A standby that has its content of the active's epoch is not initialised twice (R44)."""
    standby = step.set_up.standby
    active = other(standby)
    epoch = drill.node(active).ctl(["status"])["lineage"]["epoch"]
    origin = drill.node(standby).ctl(["status"])["origin"]
    if origin is None or origin["epoch"] < epoch:
        perform(step, drill, say)


@take_up.register
def _(step: MakeChange, drill: Drill, say: Say) -> None:
    change = step.change
    if change.add is None or change.as_ is None:
        perform(step, drill, say)
        return
    entry = entered(drill.node(change.on), change.add, change.as_)
    if entry is None:
        perform(step, drill, say)
    else:
        drill.entries[change.as_] = entry
        where = {"node": change.on, "kind": entry.kind, "key": entry.key}
        drill.lab.note("change", change.as_, **where)


@take_up.register
def _(step: RollBack, drill: Drill, say: Say) -> None:
    """Order the step again; only one that was abandoned cannot be abandoned twice."""
    view = drill.node(step.roll_back.on).ctl(["redundancy", "rollback"])
    if step.roll_back.step != "abandon" or view["done"]:
        perform(step, drill, say)


@take_up.register
def _(step: PowerOff, drill: Drill, say: Say) -> None:
    if drill.node(step.power_off).running():
        perform(step, drill, say)


@take_up.register
def _(step: PowerOn, drill: Drill, say: Say) -> None:
    """A box that has lost its power boots by itself as soon as that is back."""
    if drill.node(step.power_on).running():
        drill.off.discard(step.power_on)
        say("is up")
    else:
        perform(step, drill, say)


@take_up.register
def _(step: SwitchOver, drill: Drill, say: Say) -> None:
    """Open the tab again, and click unless the switchover is done (F6)."""
    name = step.click.on
    node = drill.node(name)
    if node.ctl(["redundancy", "status"])["role"] != "active":
        perform(OpenTab(open_tab=Visit(on=name, by=step.click.by)), drill, say)
        perform(step, drill, say)
        return
    access = drill.pair.access[name]
    with node.browser(node.ctl(["status"])["network"]["address"]) as browser:
        log_in(browser, access.login, access.password)
        answer = answer_of(open_tab(browser))
    drill.read(name, "click", "page", {"status": answer.status, "text": answer.text})
