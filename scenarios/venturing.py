"""Steps of an exploring drill: what is declined, or cannot be done any more, is passed over.

Whoever draws a plan cannot know whether a switchover will be granted, or a box be up when its
turn comes. The history has `declined` where an appliance said no, and `passed-over` where a
person would not even have tried.
"""

from __future__ import annotations

from collections.abc import Callable

from emulator.lab import CommandRefused, NodeDown, NotThere
from scenarios.browsing import PageTrouble
from scenarios.declining import DrillEnded
from scenarios.drill import Drill
from scenarios.faulting import fault_of, spec_of
from scenarios.models import steps
from scenarios.models.base import Strict
from scenarios.models.faults import When
from scenarios.models.scenario import Scenario, Step
from scenarios.steps import Say, describe, perform

Perform = Callable[[Step, Drill, Say], None]
_BY_HAND = (steps.PowerOn, steps.PlugIn, steps.Thaw, steps.Heal, steps.Wait, steps.WaitForOperator)
_APPLIANCES = ("pbx1", "pbx2")


def performer(scenario: Scenario) -> Perform:
    """Return what carries out the steps of a scenario, as its manner wants."""
    return venture if scenario.manner == "exploring" else perform


def venture(step: Step, drill: Drill, say: Say) -> None:
    """Carry out a step if that makes sense now; a refusal is as good as a consent.

    Raises:
        LabError: the lab broke.
    """
    reason = senseless(step, drill)
    if reason:
        _pass_over(step, drill, say, reason)
        return
    try:
        perform(step, drill, say)
    except (DrillEnded, CommandRefused, PageTrouble) as error:
        code = error.code if isinstance(error, CommandRefused) else ""
        drill.lab.note("declined", code, text=describe(step), said=str(error))
        say(f"declined: {error}")
    except (NodeDown, NotThere) as error:
        _pass_over(step, drill, say, str(error))


def senseless(step: Strict, drill: Drill) -> str:
    """Return why a person would not try a step as things stand; "" where nothing is against it."""
    if isinstance(step, _BY_HAND):
        return ""
    if isinstance(step, steps.MakeChange):
        name = step.change.remove or step.change.edit
        if name is not None and name not in drill.entries:
            return f"{name} was never entered"
    for node in _worked_on(step):
        if drill.faults.befalls("frozen", node):
            return f"the programs of {node} stand still"
        if not drill.node(node).running():
            return f"{node} is off"
    return ""


def _worked_on(step: Strict) -> set[str]:
    """Return the appliances whose programs have to take part in a step."""
    if isinstance(step, steps.Initialise):
        return set(_APPLIANCES)
    if type(step) in fault_of.registry:
        return {fault_of(step)[0].node} & set(_APPLIANCES)
    spec = step.when if isinstance(step, When) else spec_of(step)
    if isinstance(spec, str):
        return {spec} & set(_APPLIANCES)
    named = (getattr(spec, key, None) for key in ("on", "node", "into"))
    return {str(one) for one in named if one is not None}


def _pass_over(step: Strict, drill: Drill, say: Say, reason: str) -> None:
    drill.lab.note("passed-over", text=describe(step), reason=reason)
    say(f"passed over: {reason}")
