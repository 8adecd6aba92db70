"""What is crashed where: a cell of the sweep, and how it is named."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from scenarios.models.scenario import Scenario


class Crash(StrEnum):
    """How a node ends.

    A power cut leaves what was synced and a part of what was not; a kill ends every process
    at once and leaves kernel, page cache and addresses.
    """

    POWER_CUT = "power-cut"
    KILLED_BEFORE = "killed-before"
    KILLED_AFTER = "killed-after"


class NoCell(ValueError):  # noqa: N818 - says what is wrong with the name
    """The text names no cell."""


class SweepBroken(Exception):  # noqa: N818 - says what happened
    """The drill does not pass even without a crash, or never came to the cell that was named."""


@dataclass(frozen=True)
class Cell:
    """One crash.

    Attributes:
        scenario, node: what runs, and what ends.
        crash: how.
        place: for a power cut the number of the node's disk operation, counted from the first
            step on; else the number of its named step.
        survivor: which of the worlds that a power cut may leave.
    """

    scenario: str
    node: str
    crash: Crash
    place: int
    survivor: int = 0

    def __str__(self) -> str:
        """Render as `--cell` takes it: `failover/pbx2/power-cut/37/2`."""
        return f"{self.scenario}/{self.node}/{self.crash}/{self.place}/{self.survivor}"

    @classmethod
    def parse(cls, text: str) -> Cell:
        """Read what `str` rendered.

        Raises:
            NoCell: it is none.
        """
        parts = text.split("/")
        try:
            scenario, node, crash, place, survivor = parts
            return cls(scenario, node, Crash(crash), int(place), int(survivor))
        except ValueError as error:
            kinds = ", ".join(Crash)
            raise NoCell(
                f"{text!r} names no cell: SCENARIO/NODE/CRASH/PLACE/SURVIVOR, CRASH one of {kinds}"
            ) from error


@dataclass(frozen=True)
class Point:
    """Where in a drill a node can be crashed.

    Attributes:
        number: of the scenario's step.
        step: the scenario's step.
        action: the node's last named step: an event, or a record of the engine's journal.
        operation: the disk operation just done, "" for a kill.
    """

    number: int
    step: str
    node: str
    action: str
    operation: str = ""


@dataclass(frozen=True)
class Place:
    """A point and the crashes that are examined there.

    Attributes:
        cells: those that are examined.
        possible: how many worlds a power cut may leave there.
        same: worlds left out because an examined one is the same: same disk, same instant,
            and nothing has acted since.
    """

    point: Point
    crash: Crash
    cells: tuple[Cell, ...]
    possible: int = 1
    same: int = 0

    @property
    def left_out(self) -> int:
        """How many worlds the bound has cut off."""
        return self.possible - len(self.cells) - self.same


def first_own_step(scenario: Scenario, earlier: Sequence[Scenario]) -> int:
    """Return the number, from 1, of a scenario's first step that no earlier scenario has.

    How a drill begins (set-up, first transfer, failover) is the same in many; what a crash
    leaves there was examined with the first of them. Steps that `start` stands for count.
    """
    known = [step for one in earlier for step in one.whole]
    numbered = enumerate(scenario.whole, 1)
    return next((number for number, step in numbered if step not in known), len(scenario.whole) + 1)
