"""How each verb of the language is carried out; one function a verb."""

from __future__ import annotations

from collections.abc import Callable
from functools import singledispatch

from scenarios.browsing import REDUNDANCY_TAB, PageTrouble, click_switchover, log_in, open_tab
from scenarios.drill import Drill
from scenarios.entering import enter
from scenarios.models import (
    Advance,
    CutTransfer,
    Expect,
    Initialise,
    MakeChange,
    OpenTab,
    PowerOff,
    PowerOn,
    Restore,
    RollBack,
    Sighting,
    Strict,
    SwitchOver,
    Wait,
)
from scenarios.returning import restore, roll_back
from scenarios.setup import initialise
from scenarios.units import render_duration, render_fraction
from scenarios.verdict import Verdict

Say = Callable[[str], None]


class DrillEnded(Exception):  # noqa: N818 - says what happened
    """A step without which the rest makes no sense did not succeed; the drill has failed."""


@singledispatch
def describe(step: Strict) -> str:
    """Say in one line what a step does."""
    name, value = next(iter(step.model_dump(by_alias=True).items()))
    return f"{name} {value}"


@singledispatch
def perform(step: Strict, drill: Drill, say: Say) -> None:
    """Carry out one step.

    Raises:
        DrillEnded: what it needed did not come.
        CommandRefused, PageTrouble: an appliance declined.
        LabError: the lab broke.
    """
    raise NotImplementedError(f"nobody performs {type(step).__name__} ({drill}, {say})")


@perform.register
def _(step: Initialise, drill: Drill, say: Say) -> None:
    initialise(drill.pair, step.initialise, say)


@perform.register
def _(step: MakeChange, drill: Drill, say: Say) -> None:
    change = step.change
    entry = enter(drill.node(change.on), change.add, change.as_)
    drill.entries[change.as_] = entry
    drill.lab.note("change", change.as_, node=change.on, kind=entry.kind, key=entry.key)
    say(f"{entry.kind} {entry.key}")


@describe.register
def _(step: MakeChange) -> str:
    return f"change on {step.change.on}: add a {step.change.add} as {step.change.as_}"


@perform.register
def _(step: Advance, drill: Drill, say: Say) -> None:
    arrival = step.advance
    wanted = Sighting(on=arrival.on, event=arrival.to, within=arrival.within)
    if not _sighted(wanted, drill, say):
        raise DrillEnded(f"no {arrival.to} on {arrival.on} within {_written(wanted)}")


@describe.register
def _(step: Advance) -> str:
    return f"advance to {step.advance.to} on {step.advance.on}"


@perform.register
def _(step: Expect, drill: Drill, say: Say) -> None:
    _sighted(step.expect, drill, say)


@describe.register
def _(step: Expect) -> str:
    return f"expect {step.expect.event} on {step.expect.on}"


@perform.register
def _(step: CutTransfer, drill: Drill, say: Say) -> None:
    cut = step.cut_transfer
    drill.node(cut.into).arm_cut(cut.after, cut.count)
    drill.lab.note("fault", "cut-armed", node=cut.into, after=cut.after, count=cut.count)
    say("armed")


@describe.register
def _(step: CutTransfer) -> str:
    cut = step.cut_transfer
    return f"cut transfer into {cut.into} after {render_fraction(cut.after)}, {cut.count} time(s)"


@perform.register
def _(step: PowerOff, drill: Drill, say: Say) -> None:
    began_s = drill.lab.wall_s()
    drill.node(step.power_off).power_off()
    drill.off.add(step.power_off)
    drill.lab.note("fault", "power-off", node=step.power_off, began_s=began_s)
    say("dark")


@perform.register
def _(step: PowerOn, drill: Drill, say: Say) -> None:
    drill.node(step.power_on).boot()
    drill.off.discard(step.power_on)
    drill.lab.timekeeper.settle()
    say("up")


@perform.register
def _(step: RollBack, drill: Drill, say: Say) -> None:
    say(roll_back(drill, step.roll_back))


@describe.register
def _(step: RollBack) -> str:
    return f"roll back on {step.roll_back.on}: {step.roll_back.step}"


@perform.register
def _(step: Restore, drill: Drill, say: Say) -> None:
    say(restore(drill, step.restore))


@describe.register
def _(step: Restore) -> str:
    return f"restore on {step.restore.on}: {', '.join(step.restore.with_) or 'everything'}"


@perform.register
def _(step: OpenTab, drill: Drill, say: Say) -> None:
    access = drill.pair.access[step.open_tab]
    browser = drill.node(step.open_tab).browser()
    log_in(browser, access.login, access.password)
    drill.tabs[step.open_tab] = (browser, open_tab(browser))
    say(f"logged in as {access.login}, {REDUNDANCY_TAB}")


@perform.register
def _(step: Wait, drill: Drill, say: Say) -> None:
    drill.lab.pause(step.wait.total_seconds())
    say("waited")


@describe.register
def _(step: Wait) -> str:
    return f"wait {render_duration(step.wait)}"


@perform.register
def _(step: SwitchOver, drill: Drill, say: Say) -> None:
    node = step.switch_over
    if node not in drill.tabs:
        raise PageTrouble(f"{node}: nobody has the tab open")
    browser, tab = drill.tabs[node]
    look(drill, node, "before-click")
    answer = click_switchover(browser, tab)
    drill.read(node, "click", "page", {"status": answer.status, "text": answer.text})
    look(drill, node, "after-click")
    say(f"the page answers {answer.status}")


def look(drill: Drill, node: str, moment: str) -> None:
    """Put an appliance's status and the digest of its content into the history."""
    for what, argv in (("status", ["status"]), ("digest", ["content", "digest"])):
        drill.read(node, moment, what, drill.node(node).ctl(argv))


def _sighted(wanted: Sighting, drill: Drill, say: Say) -> bool:
    """Let the Calendar move until an event is there, and note whether it came in time."""
    came = drill.reach(
        wanted.within,
        lambda event: (
            (event.node, event.event) == (wanted.on, wanted.event)
            and wanted.cause in {None, event.cause}
        ),
    )
    verdict = Verdict.PASSED if came else Verdict.FAILED
    text = f"{wanted.event} on {wanted.on} within {_written(wanted)}: {'yes' if came else 'no'}"
    drill.lab.note("expectation", verdict.value, text=text)
    say(f"Calendar {drill.lab.timekeeper.now():%Y-%m-%d %H:%M:%S} UTC")
    return came


def _written(wanted: Sighting) -> str:
    return render_duration(wanted.within)
