"""The machine of a rollback: the seven steps of R57, in order, each with its check (D16, D18).

The rollback spans two boxes that are never up together at one address: the *acting* active
(steps a to c), the *original* (d to f), and the acting one again, now as the *standby* (g).
The record that the acting one writes before its backup of (a) travels inside that backup, so
the original goes on where the other left off.

Invariants:

- A step is done only after its predecessor, on the appliance where it belongs, and only when
  its checks hold (R58: no conflict); what cannot be seen from here is proved by what can.
- Doing a finished step again changes nothing, and every action may be repeated. Only a box
  that is up again and asked to shut down does so: it cannot have stayed off.
- The original never takes its address before that was silent, nor with another's licences.
- The new epoch opens at (e), on the original: from then on it is the active (D14).
- Until then the acting one can be put back into service (B4), once the address is silent.

The machine knows neither clock nor network: `step(state, observation)`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from redundancy.contract import NetworkSettings
from redundancy.machine import Failed, Tell
from redundancy.role import Roles
from redundancy.rollback_steps import (
    AFTER,
    BEFORE,
    ORDER,
    PARTS,
    PROVED,
    Facts,
    Name,
    Order,
    Part,
    first_lack,
    macs,
)


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


Observation = Asked | Began | Acted | Failed


# Actions


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
    if _already(state, seen):
        return state, [Answer("done", "already", (("next", state.next or ""),))]
    wrong = _out_of_place(state, seen)
    if wrong:
        return _refuse(state, seen.step, wrong, (("next", state.next or ""),), failed=False)
    lack = first_lack(BEFORE.get(seen.step, ()), seen.facts)
    if lack:
        return _refuse(state, seen.step, lack, macs(lack, seen.facts), failed=True)
    told = Tell("rollback.asked", detail={**_which(state, seen.step), "by": seen.by})
    asked = replace(state, asked=seen.step)
    if seen.step == "shutdown":  # nothing can be written down on a box that is off
        following, actions = _acted(asked, Acted(seen.facts))
        return following, [told, Answer("accepted", seen.step), *actions, PowerOff()]
    early = [Answer("accepted", seen.step)] if seen.step == "readdress" else []
    return asked, [told, *early, Act(seen.step)]


def _already(state: State, seen: Asked) -> bool:
    """Whether a step is done; a box that is asked to shut down is up, whatever was written."""
    up = seen.step == "shutdown" and seen.facts.part == "acting"
    return seen.step in ORDER and ORDER.index(seen.step) < state.done and not up


def _out_of_place(state: State, seen: Asked) -> str:
    """Name what forbids a step here and now, whatever the checks say; "" when nothing does."""
    if seen.facts.part not in PARTS[seen.step]:
        return "wrong-appliance"
    if seen.step == "abandon":
        return "" if state.done and not seen.facts.holds else "nothing-to-abandon"
    repeated = seen.step == "shutdown" and state.done > ORDER.index("shutdown")
    return "" if seen.step == state.next or repeated else "out-of-order"


def _acted(state: State, seen: Acted) -> Step:
    if state.asked is None:
        return state, []
    lack = first_lack(AFTER.get(state.asked, ()), seen.facts)
    if lack:
        return _refuse(state, state.asked, lack, macs(lack, seen.facts), failed=True)
    detail = {**_which(state, state.asked), **seen.detail}
    if state.asked == "abandon":
        told: list[Action] = [Tell("rollback.abandoned", detail=detail)]
        return replace(state, asked=None, abandoned=True), [*told, Answer("done", "abandoned")]
    following = after(state, state.asked, seen.detail)
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


def after(state: State, name: Name, detail: Mapping[str, Any]) -> State:
    """Return where a rollback stands once a step is done; `detail` is what the step told."""
    following = replace(state, asked=None, done=max(state.done, ORDER.index(name) + 1))
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
