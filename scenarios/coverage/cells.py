"""The cells of the coverage map: every fault verb in every state, but where it cannot be."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from scenarios.coverage.states import AT_REST, BETWEEN, MACHINES, STATES, State

FAMILIES: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    # Fault verbs of the language, with the words by which a history tells of each.
    "transfer": {
        "cut transfer": ("cut",),
        "flip bit": ("flipped",),
        "hold receiver": ("holding",),
        "feign import": ("feigning",),
    },
    "line": {
        "drop": ("dropping",),
        "drop one way": ("dropping-one-way",),
        "reset": ("resetting",),
        "throttle": ("throttled",),
        "lose packets": ("losing",),
        "part lan": ("parted",),
        "unplug": ("unplugged",),
        "flap": ("flapping",),
        "rogue": ("stranger",),
    },
    "box": {"power off": ("power-off",), "kill": ("kill",), "freeze": ("frozen",)},
    "disk": {
        "fill disk": ("disk-full",),
        "fail reads": ("unreadable",),
        "damage": ("damaged",),
        "disk cache": ("disk-torn", "disk-kept", "disk-lying"),
        "swap disk": ("older-disk",),
    },
    "access": {
        "stop ssh": ("ssh-stopped",),
        "move ssh": ("ssh-moved",),
        "change password": ("password-changed",),
        "change host key": ("host-key-changed",),
    },
    "mail": {
        "mail server": ("mail-down", "mail-refusing", "mail-slow", "mail-greylisting"),
    },
}
VERBS: Mapping[str, str] = {
    word: verb for verbs in FAMILIES.values() for verb, words in verbs.items() for word in words
}


class Cell(NamedTuple):
    """A fault verb in a state."""

    state: State
    verb: str


@dataclass(frozen=True)
class Never:
    """Cells that cannot be exercised, or where the fault could not change anything.

    Attributes:
        verbs: the faults.
        states: where they cannot act.
        because: why.
    """

    verbs: frozenset[str]
    states: frozenset[State]
    because: str


def _but(*states: State) -> frozenset[State]:
    return frozenset(STATES) - set(states)


def _run(*names: str) -> tuple[State, ...]:
    return tuple(State("run", name) for name in names)


_LOCAL = frozenset({*MACHINES["switchover"], *MACHINES["rollback"]}) - {State("rollback", BETWEEN)}
NEVER: tuple[Never, ...] = (
    Never(
        frozenset({"cut transfer", "flip bit"}),
        _but(*_run("sending")),
        "they act at a byte of the payload, and none is on its way",
    ),
    Never(
        frozenset({"hold receiver"}),
        _but(*_run("sending", "waiting", "checking", "fencing")),
        "a receiver that lives on matters until the next attempt has fenced it",
    ),
    Never(
        frozenset({"feign import"}),
        _but(*_run("importing", "verifying")),
        "nobody is asked to import",
    ),
    Never(
        frozenset({*FAMILIES["access"], "reset", "throttle"}),
        _LOCAL,
        "no box speaks to the other over SSH, and nothing large is on its way",
    ),
    Never(
        frozenset({"fail reads", "damage"}),
        _LOCAL - {State("rollback", "backup")},
        "no stored file is read",
    ),
    Never(
        frozenset({"swap disk"}),
        _but(AT_REST, State("rollback", BETWEEN), *_run("awaiting a backup", "waiting")),
        "a box that is off does nothing, and nothing is done with it",
    ),
    Never(
        frozenset({"throttle"}),
        frozenset({AT_REST, *_run("awaiting a backup", "waiting")}),
        "nothing is on its way",
    ),
)


def possible() -> tuple[Cell, ...]:
    """Return every cell that can be exercised, by state and then by verb."""
    return tuple(cell for cell in _all() if why_never(cell) is None)


def why_never(cell: Cell) -> str | None:
    """Return why a cell cannot be exercised, None if it can."""
    return next(
        (one.because for one in NEVER if cell.verb in one.verbs and cell.state in one.states), None
    )


def impossible() -> dict[Cell, str]:
    """Return every cell that cannot be exercised, and why."""
    return {cell: why for cell in _all() if (why := why_never(cell)) is not None}


def _all() -> Iterable[Cell]:
    verbs = [verb for family in FAMILIES.values() for verb in family]
    return (Cell(state, verb) for state in STATES for verb in verbs)
