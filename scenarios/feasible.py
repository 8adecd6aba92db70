"""What a scenario asks of a lab, and whether the lab can do it."""

from __future__ import annotations

from collections.abc import Iterator

from emulator.faults import Fault
from emulator.lab import Lab
from emulator.levers import SIMULATED
from scenarios.faulting import fault_of
from scenarios.models import administration, faults
from scenarios.models.scenario import Scenario


def planned(scenario: Scenario) -> Iterator[Fault]:
    """Yield every fault that a scenario sets up."""
    for step in scenario.whole:
        if isinstance(step, faults.When):
            yield fault_of(step.when.do)[0]
        elif type(step) in fault_of.registry:
            yield fault_of(step)[0]


def needs(scenario: Scenario) -> list[str]:
    """Return the abilities of a lab that a scenario takes, beyond what every lab can do."""
    found = {need for fault in planned(scenario) for need in fault.needs()}
    found |= {"clock" for step in scenario.steps if isinstance(step, administration.SetClock)}
    return sorted(found)


def simulated_only(scenario: Scenario) -> bool:
    """Whether only a simulated lab can do what a scenario asks for."""
    return not SIMULATED.isdisjoint(needs(scenario))


def impossible(scenario: Scenario, lab: Lab) -> list[str]:
    """Return why a lab cannot do what a scenario asks for, before its first step."""
    reasons = {need: lab.levers.lacks(need) for need in needs(scenario)}
    return [f"{need}: {reason}" for need, reason in reasons.items() if reason]
