"""A scenario file: what it covers, the lab, steps, expectations."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any, Literal, get_args

from pydantic import Discriminator, Field, Tag

from scenarios.models import administration, faults, steps, telephones
from scenarios.models.base import Name, Requirement, Strict, verb
from scenarios.models.disks import CopyDisk
from scenarios.models.expectations import Expectation
from scenarios.models.lab import LabPlan, Objectives
from scenarios.units import Duration

Deed = Annotated[
    Annotated[steps.Initialise, Tag("initialise")]
    | Annotated[steps.Upload, Tag("upload")]
    | Annotated[steps.MakeChange, Tag("change")]
    | Annotated[administration.Configure, Tag("configure")]
    | Annotated[administration.RemoveLicence, Tag("remove licence")]
    | Annotated[administration.InstallLicence, Tag("install licence")]
    | Annotated[administration.Update, Tag("update")]
    | Annotated[administration.Job, Tag("job")]
    | Annotated[administration.StartJob, Tag("start job")]
    | Annotated[administration.SetClock, Tag("set clock")]
    | Annotated[steps.Advance, Tag("advance")]
    | Annotated[steps.AdvanceToNextRun, Tag("advance to the next run")]
    | Annotated[steps.RunNow, Tag("run now")]
    | Annotated[steps.Expect, Tag("expect")]
    | Annotated[steps.LookAt, Tag("look at")]
    | Annotated[steps.Wait, Tag("wait")]
    | Annotated[steps.AwaitFaults, Tag("await faults")]
    | Annotated[steps.WaitForOperator, Tag("wait for the operator")]
    | Annotated[steps.PowerOn, Tag("power on")]
    | Annotated[CopyDisk, Tag("copy disk")]
    | Annotated[steps.Replace, Tag("replace")]
    | Annotated[steps.PlugIn, Tag("plug in")]
    | Annotated[steps.Thaw, Tag("thaw")]
    | Annotated[steps.Heal, Tag("heal")]
    | Annotated[steps.OpenTab, Tag("open tab")]
    | Annotated[steps.Intrude, Tag("intrude")]
    | Annotated[steps.SwitchOver, Tag("switch over")]
    | Annotated[steps.RollBack, Tag("roll back")]
    | Annotated[steps.Restore, Tag("restore")]
    | Annotated[telephones.CallStep, Tag("call")]
    | Annotated[telephones.AwaitPhones, Tag("await phones")]
    | Annotated[telephones.RestartPhones, Tag("restart phones")]
    | Annotated[faults.When, Tag("when")],
    Discriminator(verb),
]


def tags(union: Any) -> list[str]:
    """Return the verbs of a union."""
    members = get_args(get_args(union)[0])
    return [tag.tag for member in members for tag in get_args(member)[1:]]


_FAULTS = frozenset(tags(faults.FaultStep))


def _sort(value: Any) -> str:
    return "fault" if verb(value) in _FAULTS else "deed"


Step = Annotated[
    Annotated[Deed, Tag("deed")] | Annotated[faults.FaultStep, Tag("fault")], Discriminator(_sort)
]


_PAIR = (
    steps.Initialise(initialise="pbx2"),
    steps.Advance(advance=steps.Arrival(on="pbx1", to="run.succeeded", within=timedelta(days=32))),
)
_SWITCHED = (
    *_PAIR,
    faults.PowerOff(power_off="pbx1"),
    steps.OpenTab(open_tab="pbx2"),
    steps.Wait(wait=timedelta(seconds=5)),
    steps.SwitchOver(switch_over=steps.Click(on="pbx2", confirm="yes")),
)
BEFORE: Mapping[str, tuple[Deed | faults.FaultStep, ...]] = {
    "fresh": (),
    "initialised": _PAIR,
    "failed-over": _SWITCHED,
}


class Tolerance(Strict):
    """An invariant that this drill breaks on purpose, how much, and why that must be.

    Attributes:
        invariant: the checker's name, as `run` and `verify` show it.
        at_most: how many violations.
        lasting_at_most: how long a violation that has a length may last.
        because: the reason, which the summary and the report repeat.
    """

    invariant: Name
    at_most: Annotated[int, Field(ge=1, le=99)] = 1
    lasting_at_most: Duration | None = None
    because: Annotated[str, Field(min_length=10)]


class Drawn(Strict):
    """Where a plan comes from that nobody wrote.

    Attributes:
        seed, profile: what it was drawn from; also the seed of the lab's content.
        commit: of the project that drew it: another one may draw another plan.
    """

    seed: Annotated[int, Field(ge=0)]
    profile: Name
    commit: str


class Scenario(Strict):
    """A scenario file.

    Attributes:
        drawn: where it comes from, if a seed drew it (`standby-lab drill`).
        manner: a `scripted` drill fails where an appliance declines a step, and is inconclusive
            where a fault met nothing; an `exploring` one passes over what is declined or
            cannot be done any more, and what its faults meet is left to chance.
        start: the state that the runner builds before the first step: `fresh` is two boxes
            as they come from the factory, `initialised` a pair after its first run,
            `failed-over` such a pair after a switchover to pbx2, with pbx1 off.
    """

    id: Name
    title: Annotated[str, Field(min_length=1)]
    covers: Annotated[tuple[Requirement, ...], Field(min_length=1)]
    drawn: Drawn | None = None
    manner: Literal["scripted", "exploring"] = "scripted"
    lab: LabPlan
    objectives: Objectives = Objectives()
    start: Literal["fresh", "initialised", "failed-over"] = "fresh"
    steps: Annotated[tuple[Step, ...], Field(min_length=1)]
    tolerate: tuple[Tolerance, ...] = ()
    expect: Annotated[tuple[Expectation, ...], Field(min_length=1)]

    @property
    def whole(self) -> tuple[Deed | faults.FaultStep, ...]:
        """Every step, those that lead to the state of `start` first."""
        return (*BEFORE[self.start], *self.steps)
