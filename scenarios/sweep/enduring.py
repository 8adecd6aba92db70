"""The person who goes on with a drill after a crash: looks first, then does what is missing."""

from __future__ import annotations

from functools import singledispatch
from typing import Protocol

import httpx

from emulator.lab import CommandRefused, Event, NodeDown
from scenarios.browsing import PageTrouble, answer_of, log_in, open_tab
from scenarios.drill import Drill
from scenarios.entering import entered
from scenarios.models import Advance, Initialise, MakeChange, OpenTab, Strict, SwitchOver
from scenarios.steps import DrillEnded, Say, perform
from scenarios.units import render_duration
from scenarios.verdict import Verdict

_INTERRUPTED = (DrillEnded, CommandRefused, PageTrouble, NodeDown, httpx.HTTPError)
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
        else:
            return
    crashes.recover(drill)
    take_up(step, drill, say)


@carry_on.register
def _(step: Advance, drill: Drill, say: Say, crashes: Crashes) -> None:
    """A crash may swallow the event that is awaited; then the journal knows of it."""
    arrival, known = step.advance, len(drill.lab.events())

    def wanted(event: Event) -> bool:
        return (event.node, event.event) == (arrival.on, arrival.to)

    drill.reach(arrival.within, lambda event: wanted(event) or event.event == "fault")
    if crashes.happened():
        crashes.recover(drill)
        ended = _outcomes(drill, arrival.on)
        if _ENDS.get(arrival.to) not in ended:
            drill.reach(arrival.within, wanted)
    came = any(wanted(event) for event in drill.lab.events()[known:])
    came |= crashes.happened() and _ENDS.get(arrival.to) in _outcomes(drill, arrival.on)
    verdict = Verdict.PASSED if came else Verdict.FAILED
    text = f"{arrival.to} on {arrival.on} within {render_duration(arrival.within)}"
    drill.lab.note("expectation", verdict.value, text=text)
    if not came:
        raise DrillEnded(f"no {text}")
    say("came")


def _outcomes(drill: Drill, node: str) -> set[str]:
    """Return how the runs of a node have ended, as its journal has it."""
    return {str(one["outcome"]) for one in drill.node(node).ctl(["redundancy", "status"])["runs"]}


@singledispatch
def take_up(step: Strict, drill: Drill, say: Say) -> None:
    """Do what is missing of a step; most steps are simply done again.

    Raises:
        DrillEnded, CommandRefused, PageTrouble, LabError: as `perform`.
    """
    perform(step, drill, say)


@take_up.register
def _(step: Initialise, drill: Drill, say: Say) -> None:
    """A standby that has its content is not initialised twice (R44)."""
    if drill.node(step.initialise).ctl(["status"])["origin"] is None:
        perform(step, drill, say)


@take_up.register
def _(step: MakeChange, drill: Drill, say: Say) -> None:
    change = step.change
    entry = entered(drill.node(change.on), change.add, change.as_)
    if entry is None:
        perform(step, drill, say)
    else:
        drill.entries[change.as_] = entry


@take_up.register
def _(step: SwitchOver, drill: Drill, say: Say) -> None:
    """Open the tab again, and click unless the switchover is done (F6)."""
    name = step.switch_over
    node = drill.node(name)
    if node.ctl(["redundancy", "status"])["role"] != "active":
        perform(OpenTab(open_tab=name), drill, say)
        perform(step, drill, say)
        return
    access = drill.pair.access[name]
    with node.browser(node.ctl(["status"])["network"]["address"]) as browser:
        log_in(browser, access.login, access.password)
        answer = answer_of(open_tab(browser))
    drill.read(name, "click", "page", {"status": answer.status, "text": answer.text})
