"""The machine of a rollback: the seven steps of R57, in order, each with its check (D16, D18).

The rollback spans two boxes that are never up together at one address: the acting active
(steps a and b), the original (c, seen as silence, to f), then the standby (g). The machine
on each box goes on where the other one left off: the backup of (a) carries the record.

Invariants:

- A step is done only after its predecessor, and only when its check holds (R58: no conflict).
- Doing a finished step again changes nothing.
- The original never takes its address back before it was seen to be silent.

The machine knows neither clock nor network: `step(state, observation)`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from redundancy.journal import Record

Name = Literal[
    "backup", "readdress", "shutdown", "import", "identity", "phones", "redundancy"
]  # fmt: skip
ORDER: tuple[Name, ...] = (
    "backup",  # (a) backup of the acting active, kept locally
    "readdress",  # (b) change the acting active's static IPv4
    "shutdown",  # (c) shut it down
    "import",  # (d) boot the original and import the backup
    "identity",  # (e) adapt its IPv4 configuration, install its licences
    "phones",  # (f) restart the phones
    "redundancy",  # (g) restore the redundancy configuration on the standby
)
BOX: dict[Name, Literal["acting", "original", "standby"]] = {
    "backup": "acting",
    "readdress": "acting",
    "shutdown": "original",  # it is the other box that can see the silence
    "import": "original",
    "identity": "original",
    "phones": "original",
    "redundancy": "standby",
}


@dataclass(frozen=True)
class State:
    """Where a rollback stands: how many steps are done, and from which backup."""

    operation: str = ""
    done: int = 0
    generation: int | None = None

    @property
    def next(self) -> Name | None:
        """Return the step that is due; None when the rollback is finished."""
        return ORDER[self.done] if self.done < len(ORDER) else None


@dataclass(frozen=True)
class Facts:
    """What the box at hand shows; a step's check looks at these alone.

    Attributes:
        box: which of the three parts the box plays.
        generation: of the newest complete backup (acting), or of the imported one (others).
        at_old_address: the acting active still uses the address that it took over.
        address_silent: nothing answers at the contested address.
        licensed: the box's own licences are installed.
        addressed: the box uses its designated address.
        protected: a run has succeeded since.
    """

    box: Literal["acting", "original", "standby"]
    generation: int | None
    at_old_address: bool
    address_silent: bool
    licensed: bool
    addressed: bool
    protected: bool


@dataclass(frozen=True)
class Advance:
    """A person says that a step was carried out."""

    step: Name
    facts: Facts


@dataclass(frozen=True)
class Tell:
    """Write an event into the journal."""

    event: str
    cause: str
    step: Name
    generation: int | None


def step(state: State, seen: Advance) -> tuple[State, list[Tell]]:
    """Accept a step or refuse it; a refusal names why in `cause` and leaves the state as it is."""
    position = ORDER.index(seen.step)
    if position < state.done:
        return state, []
    if position > state.done:
        return state, [_refused(seen, "out-of-order")]
    if seen.facts.box != BOX[seen.step]:
        return state, [_refused(seen, "wrong-appliance")]
    lack = _lack(state, seen)
    if lack:
        return state, [_refused(seen, lack)]
    generation = seen.facts.generation if seen.step == "backup" else state.generation
    following = replace(state, done=state.done + 1, generation=generation)
    return following, [Tell("rollback.step", "", seen.step, generation)]


def _lack(state: State, seen: Advance) -> str:
    """Name the check that fails; "" when all hold."""
    facts = seen.facts
    checks: dict[Name, tuple[tuple[bool, str], ...]] = {
        "backup": ((facts.generation is not None, "no-backup"),),
        "readdress": ((not facts.at_old_address, "still-at-the-address"),),
        "shutdown": ((facts.address_silent, "address-answers"),),
        "import": ((facts.generation == state.generation, "other-generation"),),
        "identity": (
            (facts.addressed, "address-not-adapted"),
            (facts.licensed, "licences-missing"),
        ),
        "phones": (),
        "redundancy": ((facts.protected, "no-run-since"),),
    }
    return next((code for holds, code in checks[seen.step] if not holds), "")


def _refused(seen: Advance, cause: str) -> Tell:
    return Tell("rollback.refused", cause, seen.step, None)


def replay(records: Sequence[Record]) -> State:
    """Rebuild the state from the journal of either box (D18)."""
    state = State()
    for one in records:
        if one.event == "rollback.step":
            generation = one.detail["generation"]
            state = State(one.operation, ORDER.index(one.detail["step"]) + 1, generation)
    return state
