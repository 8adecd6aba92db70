"""Whether the appliances that a scenario's steps act on have power when they are taken."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from scenarios.explaining import Fault
from scenarios.faulting import spec_of
from scenarios.marks import Marked
from scenarios.models import administration, faults, steps
from scenarios.models.base import Strict
from scenarios.models.scenario import Scenario

Power = Literal["on", "off", "unknown"]

_ON_IT = (  # what a person or a program does on one appliance, `on` says which
    steps.MakeChange,
    steps.Restore,
    steps.Intrude,
    administration.Configure,
    administration.RemoveLicence,
    administration.InstallLicence,
    administration.Update,
    administration.Job,
    administration.StartJob,
    administration.SetClock,
)


def powerless(scenario: Scenario, marked: Marked) -> Iterator[Fault]:
    """Yield the steps of a scripted drill on an appliance that an earlier one switched off.

    One that explores passes over them. Nothing is known of an appliance that a `when` may
    switch off, or that the steps of a rollback do.
    """
    if scenario.manner == "exploring":
        return
    power: dict[str, Power] = {"pbx1": "on", "pbx2": "on"}
    before = len(scenario.whole) - len(scenario.steps)
    for index, step in enumerate(scenario.whole):
        line = marked.line(("steps", index - before))
        for node in _acted_on(step):
            if power[node] == "off":
                remedy = f"add `power on: {node}` before, or leave the step out"
                yield Fault(line, f"{node} is off at this step", remedy)
        power.update(_switched(step))


def _acted_on(step: Strict) -> Iterator[str]:
    """Yield the appliances that must have power for a step."""
    if isinstance(step, faults.PowerOff):
        yield step.power_off
    elif isinstance(step, (steps.Initialise, steps.Upload)):
        yield from ("pbx1", "pbx2")
    elif isinstance(step, steps.RunNow):
        yield step.run_now
    elif isinstance(step, steps.LookAt):
        yield step.look_at.node
    elif isinstance(step, steps.OpenTab):
        yield step.visit.on
    elif isinstance(step, (faults.Freeze, faults.Kill)):
        yield spec_of(step).node
    elif isinstance(step, _ON_IT):
        yield spec_of(step).on


def _switched(step: Strict) -> Iterator[tuple[str, Power]]:
    """Yield what becomes of the power of appliances."""
    if isinstance(step, faults.PowerOff):
        yield step.power_off, "off"
    elif isinstance(step, steps.Replace):
        yield step.replace.node, "off"
    elif isinstance(step, steps.PowerOn):
        yield step.power_on, "on"
    elif isinstance(step, faults.When):
        yield from ((node, "unknown") for node, _ in _switched(step.when.do))
    elif isinstance(step, steps.RollBack):
        yield step.roll_back.on, "unknown"
