"""The machine of a rollback: the seven steps of R57, in order, each with its check (D16, D18).

The rollback spans two boxes that are never up together at one address: the *acting* active
(steps a to c), the *original* (d to f), and the acting one again, now as the *standby* (g).
The record that the acting one writes before its backup of (a) travels inside that backup, so
the original goes on where the other left off.

Invariants:

- A step is done only after its predecessor, on the appliance where it belongs, and only when
  its checks hold (R58: no conflict); what cannot be seen from here is proved by what can.
- Doing a finished step again changes nothing, and every action may be repeated.
- The original never takes its address before that was silent, nor with another's licences.
- The new epoch opens at (e), on the original: from then on it is the active (D14).
- Until then the acting one can be put back into service (B4), once the address is silent.

The machine knows neither clock nor network: `step(state, observation)`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from redundancy.contract import NetworkSettings
from redundancy.journal import Record
from redundancy.role import Roles

Name = Literal["backup", "readdress", "shutdown", "import", "identity", "phones", "redundancy"]
Order = Name | Literal["abandon"]
Part = Literal["acting", "original", "standby"]

ORDER: tuple[Name, ...] = (
    "backup",  # (a) backup of the acting active, kept locally
    "readdress",  # (b) change the acting active's static IPv4
    "shutdown",  # (c) shut it down
    "import",  # (d) boot the original and restore the backup
    "identity",  # (e) adapt its IPv4 configuration, install its licences
    "phones",  # (f) restart the phones
    "redundancy",  # (g) restore the redundancy configuration on the standby
)
PARTS: Mapping[Order, tuple[Part, ...]] = {
    "backup": ("acting",),
    "readdress": ("acting",),
    "shutdown": ("acting",),
    "import": ("original",),
    "identity": ("original",),
    "phones": ("original",),
    "redundancy": ("standby", "original"),  # done on the one, seen as a run on the other
    "abandon": ("acting",),
}
PROVED: Mapping[Part, int] = {"acting": 0, "original": 3, "standby": 6}


@dataclass(frozen=True)
class State:
    """Where a rollback stands.

    Attributes:
        operation: in the journals of both boxes; "" before it was begun.
        epoch: that the acting active holds; the rollback opens the next one.
        hardware_id: of the acting active.
        network: that the original takes back.
        done: how many steps are done.
        file: the backup of (a).
        lost: objects that were changed between (a) and (b) (D16); None before (b).
        asked: the step that is being carried out.
        abandoned: the acting active is in service again.
    """

    operation: str = ""
    epoch: int = 0
    hardware_id: str = ""
    network: NetworkSettings | None = None
    done: int = 0
    file: str = ""
    lost: tuple[str, ...] | None = None
    asked: Order | None = None
    abandoned: bool = False

    @property
    def next(self) -> Name | None:
        """Return the step that is due; None when the rollback is finished."""
        return ORDER[self.done] if self.done < len(ORDER) else None


@dataclass(frozen=True)
class Facts:
    """What the box at hand shows; a check looks at these alone.

    Attributes:
        part: what the box is in this rollback.
        at_address: it is configured with the original's address, and holds it.
        answered_by: MACs of others that hold the address which this step takes, or relies on.
        file: the backup of (a), where this box has it.
        carried: its content came with the record of this rollback.
        licensed: its own licences are installed, the configured server key among them.
        holds: it holds an epoch beyond that of the acting active.
        protected: the standby has been brought up to the new epoch.
    """

    part: Part
    at_address: bool = False
    answered_by: tuple[str, ...] = ()
    file: str = ""
    carried: bool = False
    licensed: bool = False
    holds: bool = False
    protected: bool = False


# Observations


@dataclass(frozen=True)
class Asked:
    """A person says that a step is to be carried out."""

    step: Order
    by: str
    facts: Facts


@dataclass(frozen=True)
class Began:
    """The acting active is to be rolled back: what the record of it says."""

    operation: str
    epoch: int
    hardware_id: str
    network: NetworkSettings


@dataclass(frozen=True)
class Acted:
    """The step's action took effect; `facts` are from after it."""

    facts: Facts
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Failed:
    """The action failed."""

    cause: str
    message: str


Observation = Asked | Began | Acted | Failed


# Actions


@dataclass(frozen=True)
class Tell:
    """Write an event into the journal."""

    event: str
    cause: str = ""
    detail: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Act:
    """Carry a step out."""

    step: Order


@dataclass(frozen=True)
class PowerOff:
    """Shut the appliance down; nothing can be observed after it."""


@dataclass(frozen=True)
class Answer:
    """Tell the person what was decided; only the first answer to an order counts.

    `accepted`: the step ends the person's own way to the box, so it follows the answer.
    """

    outcome: Literal["done", "accepted", "refused"]
    code: str
    reasons: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Notify:
    """Send a mail that a step failed (D5)."""

    step: Order
    cause: str
    reasons: tuple[tuple[str, str], ...]


Action = Tell | Act | PowerOff | Answer | Notify
Step = tuple[State, list[Action]]


def step(state: State, seen: Observation) -> Step:
    """Decide what follows; a refusal names why and leaves the state as it is."""
    return _HANDLERS[type(seen)](state, seen)


def _began(state: State, seen: Began) -> Step:
    begun = State(seen.operation, seen.epoch, seen.hardware_id, seen.network, asked=state.asked)
    detail = {
        "operation": seen.operation,
        "epoch": seen.epoch,
        "hardware_id": seen.hardware_id,
        "network": seen.network.model_dump(),
    }
    return begun, [Tell("rollback.started", detail=detail)]


def _asked(state: State, seen: Asked) -> Step:
    if seen.step in ORDER and ORDER.index(seen.step) < state.done:
        return state, [Answer("done", "already", (("next", state.next or ""),))]
    wrong = _out_of_place(state, seen)
    if wrong:
        return _refuse(state, seen.step, wrong, (("next", state.next or ""),), failed=False)
    lack = _lack(BEFORE.get(seen.step, ()), seen.facts)
    if lack:
        return _refuse(state, seen.step, lack, _macs(lack, seen.facts), failed=True)
    told = Tell("rollback.asked", detail={**_which(state, seen.step), "by": seen.by})
    asked = replace(state, asked=seen.step)
    if seen.step == "shutdown":  # nothing can be written down on a box that is off
        following, actions = _acted(asked, Acted(seen.facts))
        return following, [told, Answer("accepted", seen.step), *actions, PowerOff()]
    early = [Answer("accepted", seen.step)] if seen.step == "readdress" else []
    return asked, [told, *early, Act(seen.step)]


def _out_of_place(state: State, seen: Asked) -> str:
    """Name what forbids a step here and now, whatever the checks say; "" when nothing does."""
    if seen.facts.part not in PARTS[seen.step]:
        return "wrong-appliance"
    if seen.step == "abandon":
        return "" if state.done and not seen.facts.holds else "nothing-to-abandon"
    return "" if seen.step == state.next else "out-of-order"


def _acted(state: State, seen: Acted) -> Step:
    if state.asked is None:
        return state, []
    lack = _lack(AFTER.get(state.asked, ()), seen.facts)
    if lack:
        return _refuse(state, state.asked, lack, _macs(lack, seen.facts), failed=True)
    detail = {**_which(state, state.asked), **seen.detail}
    if state.asked == "abandon":
        told: list[Action] = [Tell("rollback.abandoned", detail=detail)]
        return replace(state, asked=None, abandoned=True), [*told, Answer("done", "abandoned")]
    following = _after(state, state.asked, seen.detail)
    told = [Tell("rollback.step", state.asked, detail)]
    if following.next is None:
        told.append(Tell("rollback.finished", detail={"operation": state.operation}))
    return following, [*told, Answer("done", state.asked, (("next", following.next or ""),))]


def _failed(state: State, seen: Failed) -> Step:
    if state.asked is None:
        return state, []
    reasons = (("message", seen.message),)
    return _refuse(state, state.asked, seen.cause, reasons, failed=True)


def _refuse(
    state: State, name: Order, code: str, reasons: tuple[tuple[str, str], ...], *, failed: bool
) -> Step:
    """Refuse; what was tried in its turn and failed is also mailed (D5)."""
    detail = {**_which(state, name), "reasons": [list(one) for one in reasons]}
    actions: list[Action] = [Tell("rollback.refused", code, detail)]
    actions += [Notify(name, code, reasons)] if failed else []
    return replace(state, asked=None), [*actions, Answer("refused", code, reasons)]


def _which(state: State, name: Order) -> dict[str, Any]:
    return {"operation": state.operation, "epoch": state.epoch, "step": name}


Check = tuple[str, Callable[[Facts], bool]]

BEFORE: Mapping[Order, tuple[Check, ...]] = {
    "readdress": (
        ("no-backup", lambda facts: bool(facts.file)),
        ("address-answers", lambda facts: not facts.answered_by),
    ),
    "shutdown": (("still-at-the-address", lambda facts: not facts.at_address),),
    "import": (
        ("other-backup", lambda facts: facts.carried),
        ("address-answers", lambda facts: not facts.answered_by),
    ),
    "identity": (
        ("licences-missing", lambda facts: facts.licensed),
        ("address-answers", lambda facts: not facts.answered_by),
    ),
    "redundancy": (("not-protected", lambda facts: facts.protected),),
    "abandon": (("address-answers", lambda facts: not facts.answered_by),),
}
AFTER: Mapping[Order, tuple[Check, ...]] = {
    "backup": (("no-backup", lambda facts: bool(facts.file)),),
    "readdress": (("still-at-the-address", lambda facts: not facts.at_address),),
    "identity": (
        ("address-not-adapted", lambda facts: facts.at_address),
        ("epoch-not-opened", lambda facts: facts.holds),
    ),
    "abandon": (("address-not-adapted", lambda facts: facts.at_address),),
}


def _lack(checks: Sequence[Check], facts: Facts) -> str:
    """Name the first check that fails; "" when all hold."""
    return next((code for code, holds in checks if not holds(facts)), "")


def _macs(lack: str, facts: Facts) -> tuple[tuple[str, str], ...]:
    return tuple(("mac", one) for one in facts.answered_by) if lack == "address-answers" else ()


def _after(state: State, name: Name, detail: Mapping[str, Any]) -> State:
    following = replace(state, asked=None, done=ORDER.index(name) + 1)
    if name == "backup":
        return replace(following, file=str(detail.get("file", "")))
    if name == "readdress":
        return replace(following, lost=tuple(detail.get("lost", ())))
    return following


_HANDLERS: Mapping[type, Callable[[State, Any], Step]] = {
    Began: _began,
    Asked: _asked,
    Acted: _acted,
    Failed: _failed,
}


@dataclass(frozen=True)
class Box:
    """The box at hand, as far as its part in a rollback depends on it."""

    roles: Roles
    epoch: int
    hardware_id: str


def place(box: Box, state: State) -> tuple[Part | None, State]:
    """Derive what a box is in a rollback, and where that stands as seen from there.

    That the acting one has left (b, c) is proved by the silence that (d) and (e) ask for;
    that the original is back (d to f), by the higher epoch that the standby has from it.

    Args:
        box: the box at hand.
        state: of the rollback whose record the box has.

    Returns:
        None and a fresh state when there is nothing to roll back.
    """
    over = not state.operation or state.abandoned
    if over or box.epoch not in {state.epoch, state.epoch + 1}:
        acts = box.roles.current == "active" and box.roles.designated == "standby"
        return ("acting" if acts else None), State()
    own = box.hardware_id == state.hardware_id
    here: Part = "original"
    if own:
        here = "acting" if box.epoch == state.epoch else "standby"
    return here, replace(state, done=max(state.done, PROVED[here]))


def replay(records: Sequence[Record]) -> State:
    """Rebuild the state from what was carried and from the journal of the box (D18)."""
    state = State()
    for one in records:
        detail = one.detail
        if one.event == "rollback.started":
            network = NetworkSettings.model_validate(detail["network"])
            state = State(one.operation, detail["epoch"], detail["hardware_id"], network)
        elif detail.get("epoch") != state.epoch:
            continue  # of an earlier rollback that another box had numbered the same
        elif one.event == "rollback.step":
            state = _after(state, detail["step"], detail)
        elif one.event == "rollback.abandoned":
            state = replace(state, abandoned=True)
    return state
