"""How each verb of the language is carried out; one function a verb."""

from __future__ import annotations

from collections.abc import Callable
from functools import singledispatch
from typing import Any

from scenarios import administering
from scenarios.browsing import REDUNDANCY_TAB
from scenarios.declining import DrillEnded, declined
from scenarios.drill import Drill
from scenarios.entering import edit, enter, let_in, remove
from scenarios.faulting import fault_of
from scenarios.models import administration, faults, steps
from scenarios.models.base import Strict
from scenarios.models.disks import CopyDisk
from scenarios.models.faults import PowerOff
from scenarios.models.steps import (
    Advance,
    AdvanceToNextRun,
    AwaitFaults,
    Expect,
    Initialise,
    LookAt,
    MakeChange,
    OpenTab,
    PowerOn,
    Restore,
    RollBack,
    RunNow,
    Sighting,
    SwitchOver,
    Wait,
    WaitForOperator,
)
from scenarios.models.telephones import AwaitPhones, CallStep, RestartPhones
from scenarios.residue import paths_of, read_residue
from scenarios.returning import restore, roll_back
from scenarios.setup import configure_pair, initialise, offer
from scenarios.sighting import sighted
from scenarios.spares import exchange
from scenarios.telephoning import carry_out
from scenarios.units import render_duration, render_place
from scenarios.visiting import intrude, look, switch_over, visit

Say = Callable[[str], None]
_LAST = ("for", "as")
_RUN_ENDS = {"run.succeeded", "run.failed", "run.refused"}


@singledispatch
def describe(step: Strict) -> str:
    """Say in one line what a step does, as its author wrote it."""
    name, value = next(iter(step.model_dump(by_alias=True, exclude_defaults=True).items()))
    if isinstance(value, dict):  # what a fault is called and how long it lasts is said last
        value = {**{key: value[key] for key in value if key not in _LAST}, **value}
        value |= {key: value.pop(key) for key in _LAST if key in value}
    return f"{name} {_plain(value)}"


def _plain(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {_plain(one)}" for key, one in value.items())
    if isinstance(value, (list, tuple)):
        return " ".join(_plain(one) for one in value)
    return str(value)


@singledispatch
def perform(step: Strict, drill: Drill, say: Say) -> None:
    """Carry out one step; a verb that nobody else carries out sets a fault up.

    Raises:
        DrillEnded: what it needed did not come.
        CommandRefused, PageTrouble: an appliance declined.
        LabError: the lab broke.
    """
    if type(step) not in fault_of.registry:
        raise NotImplementedError(f"nobody performs {type(step).__name__}")
    say(f"set up as {drill.faults.begin(step)}")


@perform.register
def _(step: faults.When, drill: Drill, say: Say) -> None:
    def done() -> None:
        if isinstance(step.when.do, PowerOff):
            drill.off.add(step.when.do.power_off)

    drill.faults.await_moment(step.when, done)
    say("armed")


@perform.register
def _(step: steps.Heal, drill: Drill, say: Say) -> None:
    drill.faults.end(step.heal)
    say("ended")


@perform.register
def _(step: steps.PlugIn, drill: Drill, say: Say) -> None:
    drill.faults.end_of("unplugged", step.plug_in)
    say("linked")


@perform.register
def _(step: steps.Replace, drill: Drill, say: Say) -> None:
    say(exchange(drill, step.replace))


@perform.register
def _(step: steps.Thaw, drill: Drill, say: Say) -> None:
    drill.faults.end_of("frozen", step.thaw)
    drill.lab.timekeeper.settle()
    say("goes on")


@perform.register
def _(step: administration.Configure, drill: Drill, say: Say) -> None:
    say(administering.configure(drill, step.configure))


@perform.register
def _(step: administration.RemoveLicence, drill: Drill, say: Say) -> None:
    say(administering.remove_licence(drill, step.remove_licence))


@perform.register
def _(step: administration.InstallLicence, drill: Drill, say: Say) -> None:
    wanted = step.install_licence
    if wanted.refused is not None:
        say(declined(wanted.refused, lambda: administering.install_licence(drill, wanted)))
        return
    say(administering.install_licence(drill, wanted))


@perform.register
def _(step: administration.Update, drill: Drill, say: Say) -> None:
    say(administering.update(drill, step.update.on, step.update.to))


@perform.register
def _(step: administration.Job, drill: Drill, say: Say) -> None:
    say(administering.job(drill, step.job))


@perform.register
def _(step: administration.StartJob, drill: Drill, say: Say) -> None:
    say(administering.start_job(drill, step.start_job))


@perform.register
def _(step: administration.SetClock, drill: Drill, say: Say) -> None:
    say(administering.set_clock(drill, step.set_clock.on, step.set_clock.by))


@perform.register
def _(step: Initialise, drill: Drill, say: Say) -> None:
    wanted = step.set_up
    set_up = initialise if wanted.import_ == "yes" else configure_pair
    if wanted.refused is not None:
        say(declined(wanted.refused, lambda: set_up(drill.pair, wanted.standby, say)))
        return
    drill.fields.update(set_up(drill.pair, wanted.standby, say))


@perform.register
def _(step: steps.Upload, drill: Drill, say: Say) -> None:
    wanted = step.upload
    say(declined(wanted.refused, lambda: offer(drill.lab, wanted.to, wanted.file)))


@perform.register
def _(step: MakeChange, drill: Drill, say: Say) -> None:
    change, node = step.change, drill.node(step.change.on)
    if change.refused is not None:
        say(declined(change.refused, lambda: enter(node, change)))
        return
    if change.add is not None and change.as_ is not None:
        entry = enter(node, change)
        drill.entries[change.as_] = entry
        name = change.as_
        if change.logs_in is not None:
            password = drill.pair.access[change.on].password
            let_in(node, entry, password, administrator=change.logs_in == "as administrator")
    elif change.remove is not None:
        name, entry = change.remove, drill.entries[change.remove]
        remove(node, entry)
    else:
        name = str(change.edit)
        drill.edits[name] = drill.edits.get(name, 0) + 1
        entry = drill.entries[name]
        edit(node, entry, drill.edits[name])
    drill.lab.note("change", name, node=change.on, kind=entry.kind, key=entry.key)
    say(f"{entry.kind} {entry.key}")


@describe.register
def _(step: MakeChange) -> str:
    change = step.change
    if change.add is None:
        deed = "remove" if change.remove else "edit"
        return f"change on {change.on}: {deed} {change.remove or change.edit}"
    end = f", to be refused as {change.refused}" if change.refused else ""
    return f"change on {change.on}: add a {change.add} as {change.as_}{end}"


@perform.register
def _(step: RunNow, drill: Drill, say: Say) -> None:
    answer = drill.node(step.run_now).ctl(["redundancy", "run", "--by", "operator"])
    say(f"run {answer['run']}")


@perform.register
def _(step: AdvanceToNextRun, drill: Drill, say: Say) -> None:
    wanted = step.advance_to_the_next_run
    ends: list[str] = []

    def ended(event: Any) -> bool:
        if event.node == wanted.on and event.event in _RUN_ENDS:
            ends.append(event.event)
            return True
        return False

    if not drill.reach(wanted.within, ended):
        raise DrillEnded(f"no run of {wanted.on} ended within {render_duration(wanted.within)}")
    say(ends[0])


@perform.register
def _(step: WaitForOperator, drill: Drill, say: Say) -> None:
    keeper = drill.lab.timekeeper
    keeper.advance(keeper.now() + step.wait_for_the_operator)
    say(f"Calendar {keeper.now():%Y-%m-%d %H:%M:%S} UTC")


@describe.register
def _(step: WaitForOperator) -> str:
    return f"wait for the operator {render_duration(step.wait_for_the_operator)}"


@perform.register
def _(step: Advance, drill: Drill, say: Say) -> None:
    arrival = step.advance
    wanted = Sighting(on=arrival.on, event=arrival.to, within=arrival.within)
    if not sighted(wanted, drill, say):
        raise DrillEnded(f"no {arrival.to} on {arrival.on} within {render_duration(wanted.within)}")


@describe.register
def _(step: Advance) -> str:
    return f"advance to {step.advance.to} on {step.advance.on}"


@perform.register
def _(step: Expect, drill: Drill, say: Say) -> None:
    sighted(step.expect, drill, say)


@describe.register
def _(step: Expect) -> str:
    return f"expect {step.expect.event} on {step.expect.on}"


@describe.register
def _(step: faults.CutTransfer) -> str:
    cut = step.cut_transfer
    return f"cut transfer into {cut.into} after {render_place(cut.after)}, {cut.count} time(s)"


@perform.register
def _(step: PowerOff, drill: Drill, say: Say) -> None:
    drill.faults.begin(step)
    drill.off.add(step.power_off)
    say("dark")


@perform.register
def _(step: PowerOn, drill: Drill, say: Say) -> None:
    drill.node(step.power_on).boot()
    drill.off.discard(step.power_on)
    drill.faults.forget_power_cut(step.power_on)
    drill.lab.timekeeper.settle()
    say("up")


@perform.register
def _(step: CopyDisk, drill: Drill, say: Say) -> None:
    drill.lab.levers.copy_disk(step.copy_disk.of, step.copy_disk.as_)
    say("kept")


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
    say(f"logged in as {visit(drill, step.visit)}, {REDUNDANCY_TAB}")


@describe.register
def _(step: OpenTab) -> str:
    by = f" by {step.visit.by}" if step.visit.by else ""
    return f"open tab {step.visit.on}{by}"


@perform.register
def _(step: steps.Intrude, drill: Drill, say: Say) -> None:
    say(intrude(drill, step.intrude))


@describe.register
def _(step: steps.Intrude) -> str:
    return f"intrude on {step.intrude.on}: {step.intrude.by}"


@perform.register
def _(step: LookAt, drill: Drill, say: Say) -> None:
    spec = step.look_at
    look(drill, spec.node, spec.as_)
    paths = paths_of(drill.lab.levers, spec.node)
    drill.read(spec.node, spec.as_, "residue", read_residue(drill.node(spec.node), paths))
    say(f"{len(paths)} files")


@describe.register
def _(step: LookAt) -> str:
    return f"look at {step.look_at.node}: {step.look_at.as_}"


@perform.register
def _(step: Wait, drill: Drill, say: Say) -> None:
    drill.lab.pause(step.wait.total_seconds())
    say("waited")


@describe.register
def _(step: Wait) -> str:
    return f"wait {render_duration(step.wait)}"


@perform.register
def _(step: AwaitFaults, drill: Drill, say: Say) -> None:
    drill.faults.await_armed(step.await_faults.total_seconds())
    say("all have begun")


@describe.register
def _(step: AwaitFaults) -> str:
    return f"await faults, at most {render_duration(step.await_faults)}"


@perform.register
def _(step: CallStep | AwaitPhones | RestartPhones, drill: Drill, say: Say) -> None:
    say(carry_out(step, drill))


@perform.register
def _(step: SwitchOver, drill: Drill, say: Say) -> None:
    say(switch_over(drill, step.click))


@describe.register
def _(step: SwitchOver) -> str:
    click = step.click
    more = ", and confirm" if click.confirm == "yes" else ""
    more += f", {click.clicks} times" if click.clicks > 1 else ""
    more += f", by {click.by}" if click.by else ""
    return f"switch over {click.on}{more}"
