"""Faults of a drill: what each verb sets up, when it begins and ends, and that it is told.

The history has `fault` at the beginning, `fault.fired` when it acted, `fault.ended` at the
end, each with the fault's kind as the cause and its name in the drill.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from functools import singledispatch
from typing import Any

from emulator.faults import Ending, Fault
from emulator.faults.box import Damaged, DiskCache, Frozen, Inside, Killed, OlderDisk, PowerCut
from emulator.faults.line import Flapping, Obstructed, Stranger, Unplugged
from emulator.faults.mail import MailTrouble
from emulator.lab import Lab, LabError, NodeDown, NotThere
from emulator.levers import Moment, Obstruction
from scenarios.models import disks, faults
from scenarios.models.base import Strict
from scenarios.units import ClockedSpan

WRONG_PASSWORD = "changed-by-somebody"  # noqa: S105 - of a lab's box, for as long as the fault lasts
LOOK_S = 0.02
AT_ONCE = {"power-off", "kill", "unplugged", "flapping", "frozen", "stranger", "damaged"}
AT_ONCE |= {"older-disk"}
_FILES = {"blob": ("blobs", ""), "part": ("blobs", ".part"), "backup": ("backups", ".sar")}


@dataclass
class Ongoing:
    """A fault that has begun.

    Attributes:
        end: undoes it; how often it has acted.
        told: it was said already that it fired.
    """

    name: str
    fault: Fault
    end: Ending
    told: bool


@dataclass
class Faults:
    """The faults of a drill under way.

    Attributes:
        went_wrong: what a fault that began or ended by itself could not do.
    """

    lab: Lab
    went_wrong: list[Exception] = field(default_factory=list)
    _ongoing: dict[str, Ongoing] = field(default_factory=dict)
    _armed: dict[str, str] = field(default_factory=dict)  # kinds by name, until they have begun
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def begin(self, step: Strict) -> str:
        """Let the fault of a step begin; its name.

        Raises:
            LabError: it cannot be done, or one of that name is there already.
        """
        fault, detail = fault_of(step)
        spec = spec_of(step)
        name = getattr(spec, "as_", None) or f"{fault.kind}-{next(self._numbers)}"
        if name in self._ongoing:
            raise LabError(f"the fault {name} is there already", remedy="heal it first")
        began_s = self.lab.wall_s()
        end = fault.start(self.lab.levers)
        told = {"node": fault.node, "name": name, "began_s": began_s, **detail}
        self.lab.note("fault", fault.kind, **told)
        at_once = fault.kind in AT_ONCE
        if at_once:
            self._fired(name, fault, 1)
        self._ongoing[name] = Ongoing(name, fault, end, at_once)
        span: ClockedSpan | None = getattr(spec, "for_", None)
        if span is not None:
            self._end_after(name, span)
        return name

    def await_moment(self, moment: faults.Moment, done: Callable[[], None]) -> None:
        """Let a fault begin at a moment of an appliance's work; `done` is called then."""
        node = moment.on or moment.into
        place = moment.after
        kind = fault_of(moment.do)[0].kind
        name = moment.as_ or f"moment-{next(self._numbers)}"
        point = Moment(
            event=moment.event or "",
            times=moment.times,
            fraction=place.fraction if place else 0.0,
            before_last=bool(place and place.before_last),
        )

        def act() -> None:
            if name not in self._armed:  # it was called off
                return
            try:
                self.begin(moment.do)
                done()
            except (NodeDown, NotThere) as error:  # so it met nothing, and has not begun
                self.lab.note("fault.missed", kind, node=str(node), reason=str(error))
            except Exception as error:  # noqa: BLE001 - the runner raises it at its next look
                self.went_wrong.append(error)
            del self._armed[name]

        self._armed[name] = kind
        self.lab.levers.when(str(node), point, act)
        self.lab.note("fault.armed", kind, node=str(node))

    def await_armed(self, limit_s: float) -> None:
        """Wait until every fault that waits for a moment has begun.

        Raises:
            LabError: one has not within the limit, or could not.
        """
        left_s = limit_s
        while self._armed and left_s > 0:
            self.lab.pause(LOOK_S)
            left_s -= LOOK_S
        self.look()
        if self._armed:
            raise LabError(
                f"{', '.join(self._armed.values())} has not begun within {limit_s:g} s",
                remedy="the moment that `when` names did not come",
            )

    def end(self, name: str) -> None:
        """End a fault, or call off one whose moment has not come.

        Raises:
            NotThere: there is none of that name.
        """
        if name in self._armed:
            del self._armed[name]
            return
        one = self._ongoing.pop(name, None)
        if one is None:
            raise NotThere(
                f"there is no fault {name}", remedy="name it with `as`, and heal it once"
            )
        try:
            count = one.end()
        except NodeDown:  # it ended with the box
            count = 0
        if count and not one.told:
            self._fired(name, one.fault, count)
        self.lab.note("fault.ended", one.fault.kind, node=one.fault.node, name=name, fired=count)

    def end_of(self, kind: str, node: str) -> None:
        """End the fault of a kind that befell a node.

        Raises:
            NotThere: there is none.
        """
        for name, one in self._ongoing.items():
            if (one.fault.kind, one.fault.node) == (kind, node):
                self.end(name)
                return
        raise NotThere(f"{node} is not {kind}", remedy="look at the steps before")

    def befalls(self, kind: str, node: str) -> bool:
        """Say whether a fault of a kind goes on at a node."""
        known = [(one.fault.kind, one.fault.node) for one in self._ongoing.values()]
        return (kind, node) in known

    def forget_power_cut(self, node: str) -> None:
        """Note that an appliance was switched on again, if its plug was pulled before."""
        with suppress(NotThere):  # it was shut down in order
            self.end_of("power-off", node)

    def end_all(self) -> None:
        """End what is left, the newest first."""
        for name in reversed(list(self._ongoing)):
            if self._ongoing[name].fault.kind != "power-off":
                self.end(name)
        self.look()

    def look(self) -> None:
        """Raise what a fault could not do that began or ended by itself."""
        if self.went_wrong:
            raise self.went_wrong.pop()

    def _fired(self, name: str, fault: Fault, count: int) -> None:
        self.lab.note("fault.fired", fault.kind, node=fault.node, name=name, count=count)

    def _end_after(self, name: str, span: ClockedSpan) -> None:
        def end() -> None:
            if name not in self._ongoing:  # somebody has healed it before
                return
            try:
                self.end(name)
            except Exception as error:  # noqa: BLE001 - the runner raises it at its next look
                self.went_wrong.append(error)

        if span.clock == "calendar":
            keeper = self.lab.timekeeper
            keeper.at(keeper.now() + span.duration, end)
        else:
            self.lab.levers.later(span.duration.total_seconds(), end)


def spec_of(step: Strict) -> Any:
    """Return what stands beside a step's verb."""
    spec = getattr(step, "spec", None)
    return spec if spec is not None else getattr(step, next(iter(type(step).model_fields)))


Made = tuple[Fault, dict[str, Any]]


@singledispatch
def fault_of(step: Strict) -> Made:
    """Return the fault that a step sets up, and what the history says of it besides."""
    raise NotImplementedError(f"{type(step).__name__} sets no fault up")


@fault_of.register
def _(step: faults.CutTransfer) -> Made:
    cut = step.cut_transfer
    place = {"fraction": cut.after.fraction, "before_last": cut.after.before_last}
    inside = Inside(
        "cut-armed", cut.into, "transfer.cut", "transfer.disarm", {**place, "count": cut.count}
    )
    return inside, {"after": cut.after.fraction, "count": cut.count}


@fault_of.register
def _(step: faults.FlipBit) -> Made:
    flip = step.flip_bit
    place = {"fraction": flip.after.fraction, "before_last": flip.after.before_last}
    inside = Inside(
        "flip-armed", flip.into, "transfer.flip", "transfer.disarm", {**place, "count": flip.count}
    )
    return inside, {"after": flip.after.fraction, "count": flip.count}


def _line(kind: str, spec: faults.Passage, *, both_ways: bool) -> Made:
    what = Obstruction(
        "drop",
        frozenset({spec.from_}),
        frozenset({spec.to}),
        both_ways=both_ways,
        ip_only=True,
    )
    return Obstructed(kind, spec.to, what), {"from": spec.from_}


@fault_of.register
def _(step: faults.HoldReceiver) -> Made:
    spec = step.hold_receiver
    place = {"fraction": spec.after.fraction, "before_last": spec.after.before_last}
    inside = Inside("holding", spec.into, "transfer.hold", "transfer.release", place)
    return inside, {"after": spec.after.fraction}


@fault_of.register
def _(step: faults.Drop) -> Made:
    return _line("dropping", step.drop, both_ways=True)


@fault_of.register
def _(step: faults.DropOneWay) -> Made:
    return _line("dropping-one-way", step.drop_one_way, both_ways=False)


@fault_of.register
def _(step: faults.Reset) -> Made:
    spec = step.reset
    what = Obstruction("reset", frozenset({spec.from_}), frozenset({spec.to}))
    return Obstructed("resetting", spec.to, what), {"from": spec.from_}


@fault_of.register
def _(step: faults.Throttle) -> Made:
    spec = step.throttle
    what = Obstruction("rate", frozenset(), frozenset({spec.into}), bytes_per_s=spec.to)
    return Obstructed("throttled", spec.into, what), {"bytes_per_s": spec.to}


@fault_of.register
def _(step: faults.LosePackets) -> Made:
    spec = step.lose_packets
    what = Obstruction("loss", frozenset({spec.of}), frozenset(), both_ways=True, part=spec.part)
    return Obstructed("losing", spec.of, what), {"part": spec.part}


@fault_of.register
def _(step: faults.PartLan) -> Made:
    off = frozenset(step.part_lan.off)
    what = Obstruction("drop", off, frozenset(), both_ways=True)
    return Obstructed("parted", "lan", what), {"off": sorted(off)}


@fault_of.register
def _(step: faults.Unplug) -> Made:
    return Unplugged(step.spec.node), {}


@fault_of.register
def _(step: faults.Flap) -> Made:
    loose = step.flap
    down_s, up_s = loose.down.total_seconds(), loose.up.total_seconds()
    return Flapping(loose.node, down_s, up_s, loose.times), {"times": loose.times}


@fault_of.register
def _(step: faults.Rogue) -> Made:
    return Stranger(step.rogue.takes), {}


@fault_of.register
def _(step: faults.PowerOff) -> Made:
    return PowerCut(step.power_off), {}


@fault_of.register
def _(step: faults.Freeze) -> Made:
    return Frozen(step.spec.node), {}


@fault_of.register
def _(step: faults.Kill) -> Made:
    back_in_s = step.kill.back_in.total_seconds()
    return Killed(step.kill.node, back_in_s), {"back_in_s": back_in_s}


@fault_of.register
def _(step: faults.FillDisk) -> Made:
    spec = step.fill_disk
    values = {"leaving": spec.leaving}
    return Inside("disk-full", spec.on, "disk.fill", "disk.free", values), values


@fault_of.register
def _(step: faults.FailReads) -> Made:
    spec = step.fail_reads
    values = {"folder": spec.of}
    return Inside("unreadable", spec.on, "disk.fail-reads", "disk.read", values), values


@fault_of.register
def _(step: disks.DiskCache) -> Made:
    return DiskCache(step.disk_cache.of, step.disk_cache.is_), {}


@fault_of.register
def _(step: disks.SwapDisk) -> Made:
    return OlderDisk(step.swap_disk.of, step.swap_disk.to), {"copy": step.swap_disk.to}


@fault_of.register
def _(step: faults.Damage) -> Made:
    spec = step.damage
    folder, ending = _FILES[spec.file]
    fault = Damaged(spec.on, folder, spec.by == "truncation", ending)
    return fault, {"file": spec.file, "by": spec.by}


@fault_of.register
def _(step: faults.StopSsh) -> Made:
    return Inside("ssh-stopped", step.stop_ssh.node, "ssh.stop", "ssh.start"), {}


@fault_of.register
def _(step: faults.MoveSsh) -> Made:
    values = {"port": step.move_ssh.to}
    return Inside("ssh-moved", step.move_ssh.node, "ssh.move", "ssh.move-back", values), values


@fault_of.register
def _(step: faults.FeignImport) -> Made:
    return Inside("feigning", step.feign_import.node, "import.feign", "import.mean"), {}


@fault_of.register
def _(step: faults.ChangePassword) -> Made:
    node = step.change_password.node
    values = {"password": WRONG_PASSWORD}
    return Inside("password-changed", node, "ssh.password", "ssh.password-back", values), {}


@fault_of.register
def _(step: faults.ChangeHostKey) -> Made:
    return Inside("host-key-changed", step.change_host_key, "ssh.host-key", ""), {}


@fault_of.register
def _(step: faults.MailServer) -> Made:
    spec = step.mail_server
    delay_s = (spec.answers_after or timedelta()).total_seconds()
    return MailTrouble(spec.is_, delay_s), {"delay_s": delay_s}
