"""Offers every instant of a drill for a crash, and crashes the node at the chosen one."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from emulator.lab import Event
from emulator.sim.disk import Operation
from emulator.sim.lab import SimLab
from emulator.sim.node import SimNode
from emulator.sim.survivors import Survivor, survivors
from scenarios.drill import Drill
from scenarios.models.scenario import Step
from scenarios.residue import read_holding, read_residue
from scenarios.steps import Say, describe
from scenarios.sweep.cells import Cell, Crash, Place, Point
from scenarios.sweep.enduring import carry_on

FINAL = "final reads"
DARK_S = 2.0  # on the Stopwatch, from a crash until the node boots
EVENT_LOG = "log/events.jsonl"  # written for people and labs; no program reads it
JOURNAL = "module/redundanz/journal.jsonl"
UNREAD = frozenset({EVENT_LOG})

Choose = Callable[[Cell], bool]


class Saboteur:
    """Watches the appliances of one simulated lab; at most one crash a drill.

    Args:
        scenario: for the names of cells.
        choose: told of every cell when its instant has come; True: crash there.
        bound: how many worlds of one power cut are examined at most.
        back: told, after the boot that follows the crash, all that the rest of the drill
            depends on: crashes with the same text here go the same way from here on.
        first: the number of the first step of the scenario in which anything is crashed.

    Attributes:
        crashed: where it crashed, None as long as it has not.
        places: what was offered so far.
    """

    def __init__(
        self,
        scenario: str,
        choose: Choose,
        bound: int,
        back: Callable[[str], None] = lambda _state: None,
        *,
        first: int = 1,
    ) -> None:
        self.crashed: tuple[Cell, Point] | None = None
        self.places: list[Place] = []
        self._scenario = scenario
        self._choose = choose
        self._bound = bound
        self._back = back
        self._first = first
        self._lab: SimLab | None = None
        self._eyes: dict[str, _Eye] = {}
        self._step = (0, "")
        self._seen: set[tuple[bytes, tuple[int, int]]] = set()

    def watch(self, lab: SimLab) -> None:
        """Look at every disk operation and every event of a lab from its first step on."""
        self._lab = lab
        for one in lab.spec.appliances:
            node = lab.appliance(one.name)
            self._eyes[one.name] = node.disk.onlooker = _Eye(node, self)
        lab.look_at_events(self._told)

    def perform(self, step: Step, drill: Drill, say: Say) -> None:
        """Carry a step out, whatever crashes meanwhile (`scenarios.runner.Order.perform`)."""
        if not self._step[0]:
            self._read_all(moment="step-0")
        self._step = (self._step[0] + 1, describe(step))

        def within(word: str) -> None:
            say(word)
            if self.crashed is None:
                self._read_all(moment=f"step-{self._step[0]}")

        carry_on(step, drill, within, self)
        if self.happened():
            self.recover(drill)
        self._read_all(moment=f"step-{self._step[0]}")

    def happened(self) -> bool:
        """Whether the crash has been (`enduring.Crashes`)."""
        return self.crashed is not None

    def recover(self, drill: Drill) -> None:
        """Wait until the node is back, as it comes by itself, and nothing moves."""
        drill.lab.timekeeper.settle()

    def _read_all(self, moment: str) -> None:
        """Put what the appliances hold and have in hand now into the history.

        What they hold between the boot that follows a crash and the end is judged by nobody.
        """
        lab = self._lab
        for node in (eye.node for eye in self._eyes.values()):
            if lab is None or not node.running():
                continue
            paths = node.disk.paths()
            answers = {"residue": read_residue(node, paths)}
            if self.crashed is None or moment == "final":
                answers["holding"] = read_holding(node, paths)
            for what, answer in answers.items():
                lab.note("read", what, node=node.name, moment=moment, answer=answer)

    def _told(self, event: Event) -> None:
        if (event.source, event.cause) == ("runner", FINAL):
            self._step = (0, "")  # nothing is crashed any more
            self._read_all(moment="final")
        eye = self._eyes.get(event.node)
        if eye is not None and event.source != "runner":
            eye.told()

    def offer(self, eye: _Eye, crash: Crash, place: int, operation: str = "") -> None:
        """Offer a place: a power cut in each of its worlds, or a kill."""
        node = eye.node
        if self.crashed is not None or self._step[0] < self._first or not node.running():
            return
        point = Point(*self._step, node.name, eye.action, operation)
        found = Offered()
        for number, survivor in self._worlds(node, crash, found):
            cell = Cell(self._scenario, node.name, crash, place, number)
            found.cells.append(cell)
            if self._choose(cell):
                self._crash(node, cell, point, survivor)
        self.places.append(Place(point, crash, tuple(found.cells), found.possible, found.same))

    def _worlds(
        self, node: SimNode, crash: Crash, found: Offered
    ) -> Iterator[tuple[int, Survivor | None]]:
        """Yield what a crash may leave; worlds that were met before are counted only."""
        if crash is not Crash.POWER_CUT or self._lab is None:
            yield 0, None
            return
        worlds = survivors(node.disk.pending(UNREAD), self._bound)
        found.possible = worlds.possible
        for number, survivor in enumerate(worlds.examined):
            key = (node.disk.image(survivor, UNREAD), self._lab.instant())
            if key in self._seen:
                found.same += 1
            else:
                self._seen.add(key)
                yield number, survivor

    def _crash(self, node: SimNode, cell: Cell, point: Point, survivor: Survivor | None) -> None:
        """End the node here; whoever runs on it now does not return from this."""
        lab = self._lab
        if lab is None:
            return
        self.crashed = (cell, point)
        cause = "kill" if survivor is None else "power-off"
        lab.note("fault", cause, node=node.name, began_s=lab.wall_s(), cell=str(cell))
        since = lab.instant()
        lab.later(DARK_S, lambda: self._bring_back(lab, node, f"{cell.crash} {since}"))
        if survivor is None:
            node.kill()
        else:
            node.lose_power(survivor)

    def _bring_back(self, lab: SimLab, node: SimNode, crash: str) -> None:
        known = len(lab.events())
        node.boot()
        for what, argv in (("status", ["status"]), ("backups", ["backup", "list"])):
            answer = dict(node.ctl(argv))
            lab.note("read", what, node=node.name, moment="booted", answer=answer)
        held = read_holding(node, node.disk.paths())
        lab.note("read", "holding", node=node.name, moment="booted", answer=held)
        told = [[one.node, one.event, one.cause, one.detail] for one in lab.events()[known:]]
        self._back(f"{crash} {node.disk.digest(UNREAD)} {json.dumps(told, default=str)}")


@dataclass
class Offered:
    """The worlds of one place, as they are counted."""

    cells: list[Cell] = field(default_factory=list)
    possible: int = 1
    same: int = 0


class _Eye:
    """Sees what one node does (`emulator.sim.disk.Onlooker`)."""

    def __init__(self, node: SimNode, saboteur: Saboteur) -> None:
        self.node = node
        self.action = ""
        self._saboteur = saboteur
        self._operations = 0
        self._named = 0

    def before(self, operation: Operation, data: bytes) -> None:
        """A line of the event log or of the journal is the beginning of a named step."""
        if operation.call == "write" and operation.path in {EVENT_LOG, JOURNAL}:
            row = json.loads(data)
            source = "journal" if operation.path == JOURNAL else row["source"]
            self.action = f"{source} {row['event']}"
            self._named += 1
            self._saboteur.offer(self, Crash.KILLED_BEFORE, self._named)

    def after(self, operation: Operation) -> None:
        """Any operation can be the last one before the power fails."""
        self._operations += 1
        if (operation.call, operation.path) == ("sync", JOURNAL):
            self._saboteur.offer(self, Crash.KILLED_AFTER, self._named)
        self._saboteur.offer(self, Crash.POWER_CUT, self._operations, str(operation))

    def told(self) -> None:
        """The lab was told of an event, which ends a named step."""
        self._saboteur.offer(self, Crash.KILLED_AFTER, self._named)
