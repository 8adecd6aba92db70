"""Kills an appliance of a real lab at a named step, and sees the drill to its end.

One undisturbed drill lists the named steps of each appliance. Then each drill is run with one
crash: the appliance is armed at the beginning of the scenario's step, ends every process of
its own by SIGKILL before or after the line of that named step is written, boots, and the
person goes on.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from threading import Event as Signal
from typing import Any

from emulator.appliance.crash_point import Stop
from emulator.hosted import HostedLab, HostedMaker
from emulator.lab import Event, LabSpec, NodeDown
from scenarios.drill import Drill
from scenarios.models.scenario import Step
from scenarios.models.steps import OpenTab, SwitchOver
from scenarios.record import Record
from scenarios.residue import paths_of, read_holding, read_residue
from scenarios.steps import Say, describe
from scenarios.sweep.cells import Crash, NoCell
from scenarios.sweep.enduring import carry_on

NOT_NAMED = frozenset({"progress"})  # comes as often as time allows
NODE_SOURCES = frozenset({"appliance", "engine", "mail", "address"})


@dataclass(frozen=True)
class Kill:
    """One crash of a real appliance.

    Attributes:
        scenario, node: what runs, and what ends.
        position: of the scenario's step.
        step: the scenario's step in words; "" where it was read from a name.
        stop: at which named step, counted within that step of the scenario.
    """

    scenario: str
    node: str
    position: int
    stop: Stop
    step: str = ""

    @property
    def crash(self) -> Crash:
        """Which column of the table it is in."""
        return Crash.KILLED_AFTER if self.stop.after else Crash.KILLED_BEFORE

    def __str__(self) -> str:
        """Render as `--cell` takes it: `failover/pbx2/killed-after/3/engine:run.exported/1`."""
        stop = self.stop
        place = f"{self.position}/{stop.source}:{stop.event}/{stop.nth}"
        return f"{self.scenario}/{self.node}/{self.crash}/{place}"

    @classmethod
    def parse(cls, text: str) -> Kill:
        """Read what `str` rendered.

        Raises:
            NoCell: it is none.
        """
        try:
            scenario, node, crash, position, action, nth = text.split("/")
            source, event = action.split(":")
            after = {Crash.KILLED_BEFORE: False, Crash.KILLED_AFTER: True}[Crash(crash)]
            return cls(scenario, node, int(position), Stop(source, event, int(nth), after))
        except (ValueError, KeyError) as error:
            raise NoCell(
                f"{text!r} names no cell of a real backend: "
                "SCENARIO/NODE/killed-before|killed-after/STEP/SOURCE:EVENT/NTH"
            ) from error


class Killer:
    """Kills one node once (`enduring.Crashes`), and makes the lab where it does.

    Args:
        maker: makes the lab.
        kill: where; None: nowhere.
        steps: how many the scenario has.
    """

    def __init__(self, maker: HostedMaker, kill: Kill | None, steps: int) -> None:
        self._maker = maker
        self._kill = kill
        self._steps = steps
        self._lab: HostedLab | None = None
        self._armed = False
        self._back = False
        self._told = Signal()
        self._position = 0
        self._watching = False

    def make(self, spec: LabSpec, workdir: Path) -> HostedLab:
        """Make the lab (`emulator.lab.LabMaker`).

        Raises:
            LabError: it cannot be made here, with the remedy.
        """
        self._lab = self._maker.make(spec, workdir)
        self._lab.look_at_events(self._look)
        return self._lab

    def perform(self, step: Step, drill: Drill, say: Say) -> None:
        """Carry a step out, whatever is killed meanwhile (`scenarios.runner.Order.perform`)."""
        self._read(drill)
        self._position += 1
        kill = self._kill
        if kill is not None and kill.position == self._position and self._lab is not None:
            self._lab.appliance(kill.node).pull("crash", asdict(kill.stop))
            self._armed = True

        def within(word: str) -> None:
            say(word)
            if not self._told.is_set():
                self._read_all(drill)

        carry_on(step, drill, within, self)
        self._watching = isinstance(step, OpenTab) or (
            self._watching and not isinstance(step, SwitchOver)
        )
        self._settle(drill)  # what goes on after the answer belongs to the step
        self._read(drill)

    def happened(self) -> bool:
        """Whether the node has ended; its last word comes before the end of its channel."""
        kill = self._kill
        if kill is not None and self._lab is not None and self._armed and not self._told.is_set():
            with contextlib.suppress(NodeDown):
                self._lab.appliance(kill.node).ctl(["status"])
        return self._told.is_set()

    def recover(self, drill: Drill) -> None:
        """Boot the node once it is dead, and wait until nothing moves."""
        kill = self._kill
        if kill is not None and not self._back:
            self._back = True
            node = drill.node(kill.node)
            node.await_off()
            drill.off.discard(kill.node)
            lab = drill.lab
            lab.note("fault", "kill", node=kill.node, began_s=lab.wall_s(), cell=str(kill))
            node.boot()
            for what, argv in (("status", ["status"]), ("backups", ["backup", "list"])):
                drill.read(kill.node, "booted", what, node.ctl(argv))
            drill.read(
                kill.node, "booted", "holding", read_holding(node, paths_of(lab.levers, kill.node))
            )
            self._watching = False  # nobody's tab outlives the server
        self._settle(drill)

    def _settle(self, drill: Drill) -> None:
        """Wait until nothing moves; an open tab watches the address for a minute, of real time."""
        if not self._watching:
            drill.lab.timekeeper.settle()

    def _read(self, drill: Drill) -> None:
        """Put what the appliances hold now into the history, also if one ends meanwhile."""
        if self.happened():
            self.recover(drill)
        try:
            self._read_all(drill)
        except NodeDown:
            if self._back or not self.happened():
                raise
            self.recover(drill)
            self._read_all(drill)

    def _read_all(self, drill: Drill) -> None:
        """Note content, what is in hand, and the journal of each appliance."""
        for name in drill.running():
            node = drill.node(name)
            paths = paths_of(drill.lab.levers, name)
            answers: dict[str, Any] = {
                "holding": read_holding(node, paths),
                "residue": read_residue(node, paths),
                "journal": node.ctl(["redundancy", "log"]),
            }
            for what, answer in answers.items():
                drill.read(name, f"step-{self._position}", what, answer)
                if self._position == self._steps:
                    drill.read(name, "final", what, answer)

    def _look(self, event: Event) -> None:
        """Look at an event, on the thread that reads the node's channel."""
        if (event.source, event.event) == ("lab", "crashed"):
            self._told.set()


def kills(record: Record) -> Iterator[Kill]:
    """Name every crash of a scenario, from the record of its undisturbed drill.

    Of a named step that comes several times within one step of the scenario the first and
    the last are taken. What a node does before it can be told where to end, as in a boot, is
    not reached here.
    """
    scenario = record.plan.scenario
    for (position, node, source, event), count in _named_steps(record).items():
        if not _reached(record, node, position):
            continue
        step = describe(scenario.whole[position - 1])
        for nth in sorted({1, count}):
            for after in (False, True):
                yield Kill(scenario.id, node, position, Stop(source, event, nth, after), step)


def _named_steps(record: Record) -> Counter[tuple[int, str, str, str]]:
    """Count each named step, by the scenario's step, in the order of its first coming."""
    counts: Counter[tuple[int, str, str, str]] = Counter()
    position = 0
    seen: Counter[str] = Counter()  # lines of each journal so far
    for one in record.events:
        if (one.source, one.event) == ("runner", "step"):
            position = int(one.detail["position"])
        elif position and one.source in NODE_SOURCES and one.event not in NOT_NAMED:
            counts[position, one.node, one.source, one.event] += 1
        elif (one.event, one.cause) == ("read", "journal"):
            lines = one.detail["answer"]["records"]
            node = str(one.detail["node"])
            for line in lines[seen[node] :]:
                counts[position, node, "journal", line["event"]] += 1
            seen[node] = len(lines)
    return counts


def _reached(record: Record, node: str, position: int) -> bool:
    """Whether a node is up at the beginning of a step, so that it can be armed."""
    moment = f"step-{position - 1}"
    return any((read.node, read.moment) == (node, moment) for read in record.reads)
