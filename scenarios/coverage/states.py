"""The states of the engine's machines, as the events of a history tell them.

The words are those of the machines (`redundancy.run`, `.switchover`, `.rollback`). Where no
event parts two phases they are one state here: *checking* is also the export, *listening* also
the look at this box before, *repeating* also the waking of the modules.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from emulator.lab import Event


class State(NamedTuple):
    """A state of a machine; of none where nothing is under way."""

    machine: str
    name: str

    def __str__(self) -> str:
        """Show it in a table."""
        return f"{self.machine}: {self.name}" if self.machine else self.name


AT_REST = State("", "at rest")
BETWEEN = "between steps"
_NAMES: Mapping[str, str] = {
    "run": "checking, awaiting a backup, fencing, sending, importing, verifying, waiting",
    "switchover": "listening, claiming, announcing, repeating, mailing, settling",
    "rollback": "backup, readdress, shutdown, import, identity, phones, redundancy, abandon, "
    + BETWEEN,
}
MACHINES: Mapping[str, tuple[State, ...]] = {
    machine: tuple(State(machine, name) for name in names.split(", "))
    for machine, names in _NAMES.items()
}
STATES = (AT_REST, *(one for states in MACHINES.values() for one in states))

_OWN: Mapping[str, State | None] = {  # by the engine's event; None: the machine is idle again
    "run.started": State("run", "checking"),
    "attempt.started": State("run", "checking"),
    "run.backup-awaited": State("run", "awaiting a backup"),
    "run.exported": State("run", "fencing"),
    "attempt.indefinite": State("run", "verifying"),
    "run.waiting": State("run", "waiting"),
    "run.succeeded": None,
    "run.failed": None,
    "run.refused": None,
    "switchover.asked": State("switchover", "listening"),
    "switchover.silent": State("switchover", "claiming"),
    "switchover.overridden": State("switchover", "claiming"),
    "switchover.claimed": State("switchover", "announcing"),
    "switchover.resumed": State("switchover", "announcing"),
    "switchover.announced": State("switchover", "repeating"),
    "switchover.finished": None,
    "switchover.refused": None,
    "switchover.confirm": None,
    "rollback.started": State("rollback", BETWEEN),
    "rollback.step": State("rollback", BETWEEN),
    "rollback.refused": State("rollback", BETWEEN),
    "rollback.abandoned": None,
    "rollback.finished": None,
}
_OF_THE_BOX: Mapping[str, State] = {  # events of the appliance, while its engine switches over
    "modules.activated": State("switchover", "mailing"),
    "takeover.settled": State("switchover", "settling"),
}
_OF_THE_STANDBY: Mapping[str, State] = {  # events of the other box, of the active's attempt
    "fenced": State("run", "sending"),
    "receive.finished": State("run", "importing"),
    "import.committed": State("run", "verifying"),
}


class Machines:
    """In which states the machines of all appliances are, event by event."""

    def __init__(self) -> None:
        self._states: dict[tuple[str, str], State] = {}  # by node and machine

    def now(self) -> frozenset[State]:
        """Return the states that machines are in; `AT_REST` where nothing is under way."""
        return frozenset(self._states.values()) or frozenset({AT_REST})

    def take(self, event: Event) -> None:
        """Follow one event."""
        if event.source == "engine":
            self._of_the_engine(event)
        elif event.source == "appliance":
            self._of_an_appliance(event)
        elif (event.event, event.cause) in {("fault", "power-off"), ("fault", "kill")}:
            self._ended(str(event.detail.get("node")))

    def _of_the_engine(self, event: Event) -> None:
        machine = event.event.partition(".")[0]
        key = event.node, "run" if machine == "attempt" else machine
        if event.event == "rollback.asked":
            self._states[key] = State("rollback", str(event.detail["step"]))
        elif event.event == "rollback.refused" and key not in self._states:
            return  # none was begun
        elif event.event in _OWN:
            state = _OWN[event.event]
            if state is None:
                self._states.pop(key, None)
            else:
                self._states[key] = state

    def _of_an_appliance(self, event: Event) -> None:
        if event.event == "stopped":
            self._ended(event.node)
        elif event.event in _OF_THE_BOX and (event.node, "switchover") in self._states:
            self._states[event.node, "switchover"] = _OF_THE_BOX[event.event]
        elif event.event in _OF_THE_STANDBY and event.detail.get("token"):
            for node, machine in self._states:
                if machine == "run" and node != event.node:
                    self._states[node, machine] = _OF_THE_STANDBY[event.event]

    def _ended(self, node: str) -> None:
        """A box that is off does nothing; a rollback rests meanwhile."""
        for machine in ("run", "switchover"):
            self._states.pop((node, machine), None)
        if (node, "rollback") in self._states:
            self._states[node, "rollback"] = State("rollback", BETWEEN)
