"""Kills a node of a real lab by SIGKILL as soon as one of its named steps is told.

The event comes over the control channel while the node goes on, so the kill falls at that
step or shortly after it; where exactly is in the record.
"""

from __future__ import annotations

from pathlib import Path
from threading import Thread

from emulator.hosted import HostedLab, HostedMaker
from emulator.lab import Event, LabSpec
from scenarios.drill import Drill
from scenarios.models import Step
from scenarios.steps import Say
from scenarios.sweep.enduring import carry_on
from scenarios.sweep.residue import read_residue

FOLDERS = ("incoming", "backups", "content")


class Killer:
    """Kills one node once (`enduring.Crashes`), and makes the lab where it does.

    Args:
        maker: makes the lab.
        node: who is killed.
        event: when it tells of this.
    """

    def __init__(self, maker: HostedMaker, node: str, event: str) -> None:
        self._maker = maker
        self._node = node
        self._event = event
        self._lab: HostedLab | None = None
        self._kill: Thread | None = None

    def make(self, spec: LabSpec, workdir: Path) -> HostedLab:
        """Make the lab (`emulator.lab.LabMaker`).

        Raises:
            LabError: it cannot be made here, with the remedy.
        """
        self._lab = self._maker.make(spec, workdir)
        self._lab.look_at_events(self._told)
        return self._lab

    def perform(self, step: Step, drill: Drill, say: Say) -> None:
        """Carry a step out, whatever is killed meanwhile (`scenarios.runner.Order.perform`)."""
        carry_on(step, drill, say, self)
        if self.happened():
            self.recover(drill)
        drill.lab.timekeeper.settle()
        for name in drill.running():
            node = drill.node(name)
            paths = [f"{folder}/{file}" for folder in FOLDERS for file in node.files(folder)]
            drill.read(name, "step", "residue", read_residue(node, paths))

    def happened(self) -> bool:
        """Whether the node was killed."""
        return self._kill is not None

    def recover(self, drill: Drill) -> None:
        """Boot the node, once it is dead, and wait until nothing moves."""
        node = drill.node(self._node)
        if self._kill is not None and self._node not in drill.off:
            self._kill.join()
            if self._lab is not None and not self._lab.appliance(self._node).running():
                node.boot()
                for what, argv in (("status", ["status"]), ("backups", ["backup", "list"])):
                    drill.read(self._node, "booted", what, node.ctl(argv))
        drill.lab.timekeeper.settle()

    def _told(self, event: Event) -> None:
        """Start the kill: this is called on the thread that reads the node's channel."""
        if self._kill is None and (event.node, event.event) == (self._node, self._event):
            self._kill = Thread(target=self._end, name=f"kill {self._node}")
            self._kill.start()

    def _end(self) -> None:
        lab = self._lab
        if lab is not None:
            began_s = lab.wall_s()
            lab.appliance(self._node).kill()
            cell = f"{self._node} at {self._event}"
            lab.note("fault", "power-off", node=self._node, began_s=began_s, cell=cell)
