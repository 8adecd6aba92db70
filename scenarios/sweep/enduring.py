"""The person who goes on with a drill after a crash: looks first, then does what is missing."""

from __future__ import annotations

from collections.abc import Callable
from functools import singledispatch

import httpx

from emulator.lab import CommandRefused, NodeDown
from scenarios.browsing import PageTrouble, answer_of, log_in, open_tab
from scenarios.drill import Drill
from scenarios.entering import entered
from scenarios.models import Advance, Initialise, MakeChange, OpenTab, Strict, SwitchOver
from scenarios.steps import DrillEnded, Say, perform
from scenarios.units import render_duration
from scenarios.verdict import Verdict

_INTERRUPTED = (DrillEnded, CommandRefused, PageTrouble, NodeDown, httpx.HTTPError)
_ENDS = {f"run.{outcome}": outcome for outcome in ("succeeded", "failed", "refused")}


def settled(drill: Drill) -> None:
    """Wait until a node that crashed is back and nothing moves."""
    drill.lab.timekeeper.settle()


@singledispatch
def carry_on(step: Strict, drill: Drill, say: Say, crashed: Callable[[], bool]) -> None:
    """Carry out a step; if a crash comes in between, or came before, look first.

    Raises:
        DrillEnded, CommandRefused, PageTrouble, LabError: as `perform`, where no crash has
            been or the second try does not succeed either.
    """
    if not crashed():
        try:
            perform(step, drill, say)
        except _INTERRUPTED:
            if not crashed():
                raise
        else:
            return
    settled(drill)
    take_up(step, drill, say)


@carry_on.register
def _(step: Advance, drill: Drill, say: Say, crashed: Callable[[], bool]) -> None:
    """A crash may swallow the event that is awaited; then the journal knows of it."""
    arrival = step.advance
    came = drill.reach(
        arrival.within, lambda event: (event.node, event.event) == (arrival.on, arrival.to)
    )
    if not came and crashed():
        runs = drill.node(arrival.on).ctl(["redundancy", "status"])["runs"]
        came = any(one["outcome"] == _ENDS.get(arrival.to) for one in runs)
    verdict = Verdict.PASSED if came else Verdict.FAILED
    text = f"{arrival.to} on {arrival.on} within {render_duration(arrival.within)}"
    drill.lab.note("expectation", verdict.value, text=text)
    if not came:
        raise DrillEnded(f"no {text}")
    say("came")


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
