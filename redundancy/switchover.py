"""The machine of a switchover: this standby becomes the active, because a person said so.

Invariants, whatever is observed and wherever it is interrupted:

- Nothing happens without a person's order (R46), and only on a standby.
- The address is claimed only after the wire was silent (D9); an answer ends the order, unless
  the person gave a reason, on the console, to claim it all the same. That is told as what it is.
- The claim is one commit on the appliance. Before it, an interrupted switchover never
  happened; after it, it is always completed, never undone.
- The person is answered as soon as the claim is announced once; modules, mails and the old
  address follow. Every step after the claim is idempotent, so all may be repeated.
- A repeated order changes nothing (F5).

The machine knows neither clock nor network: `step(state, observation)`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from redundancy.contract import NetworkSettings, Takeover
from redundancy.machine import Done, Failed, Tell

ANNOUNCEMENTS = 5  # one at once, the others spaced (D10, RFC 5227 section 2.3 asks for two)

Phase = Literal[
    "idle", "assessing", "listening", "claiming", "announcing", "repeating", "activating",
    "mailing", "settling", "finished", "refused",
]  # fmt: skip


@dataclass(frozen=True)
class State:
    """Where a switchover stands."""

    phase: Phase = "idle"
    operation: str = ""
    by: str = ""
    confirmed: bool = False
    override: str = ""  # why the address is claimed even from one that answers (D9)
    epoch: int = 0
    adopts: NetworkSettings | None = None

    @property
    def over(self) -> bool:
        """Tell whether nothing more will happen."""
        return self.phase in {"idle", "finished", "refused"}


# Observations


@dataclass(frozen=True)
class Asked:
    """A person ordered it."""

    operation: str
    by: str
    confirmed: bool
    override: str = ""


@dataclass(frozen=True)
class Assessed:
    """This appliance and its data were looked at.

    Attributes:
        standby: whether this is a standby now.
        epoch: of its state.
        adopts: the active's network settings, None when nothing was ever imported.
        doubts: what a person must confirm (D17): (code, value) pairs.
    """

    standby: bool
    epoch: int
    adopts: NetworkSettings | None
    doubts: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Silent:
    """Nothing answered at the address for long enough."""

    silent_s: float


@dataclass(frozen=True)
class Answered:
    """Something holds the address."""

    macs: tuple[str, ...]


@dataclass(frozen=True)
class Restarted:
    """The engine was restarted in between; `takeover` is what the appliance says."""

    takeover: Takeover | None


Observation = Asked | Assessed | Silent | Answered | Done | Failed | Restarted


# Actions


@dataclass(frozen=True)
class Assess:
    """Look at this appliance."""


@dataclass(frozen=True)
class Listen:
    """Wait until the wire is silent for long enough, or something answers."""

    address: str


@dataclass(frozen=True)
class Claim:
    """Open the epoch and adopt the address, in one commit."""

    operation: str
    epoch: int
    network: NetworkSettings


@dataclass(frozen=True)
class Announce:
    """Announce the address on the wire, once or spaced."""

    address: str
    times: int


@dataclass(frozen=True)
class Answer:
    """Tell the person what was decided."""

    outcome: Literal["claimed", "refused", "confirm"]
    code: str
    reasons: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Activate:
    """Bring the other modules to life (D13)."""


@dataclass(frozen=True)
class MailUsers:
    """Queue a mail for every user (R54)."""

    operation: str


@dataclass(frozen=True)
class Settle:
    """Give up the old address."""

    operation: str


@dataclass(frozen=True)
class Notify:
    """Send the notification of the outcome to the module's address (D5)."""

    kind: Literal["switchover-done", "switchover-refused"]
    reasons: tuple[tuple[str, str], ...] = ()


Action = Tell | Assess | Listen | Claim | Announce | Answer | Activate | MailUsers | Settle | Notify
Step = tuple[State, list[Action]]


def step(state: State, seen: Observation) -> Step:
    """Decide what follows from an observation; only the last action yields the next one."""
    return _HANDLERS[type(seen)](state, seen)


def _asked(state: State, seen: Asked) -> Step:
    if not state.over:
        return state, []
    fresh = State("assessing", seen.operation, seen.by, seen.confirmed, seen.override)
    detail = {"operation": seen.operation, "by": seen.by, "confirmed": seen.confirmed}
    return fresh, [Tell("switchover.asked", detail=detail), Assess()]


def _assessed(state: State, seen: Assessed) -> Step:
    if state.phase != "assessing":
        return state, []
    if not seen.standby:
        return _refuse(state, "not-standby", ())
    if seen.adopts is None:
        return _refuse(state, "never-initialised", ())
    if seen.doubts and not state.confirmed:
        code = seen.doubts[0][0]
        told = Tell("switchover.confirm", code, {"operation": state.operation})
        return replace(state, phase="refused"), [told, Answer("confirm", code, seen.doubts)]
    listening = replace(state, phase="listening", epoch=seen.epoch + 1, adopts=seen.adopts)
    return listening, [Listen(seen.adopts.address)]


def _silent(state: State, _seen: Silent) -> Step:
    if state.phase != "listening" or state.adopts is None:
        return state, []
    detail = {
        "operation": state.operation,
        "epoch": state.epoch,
        "address": state.adopts.address,
    }
    told = Tell("switchover.silent", detail=detail)
    claim = Claim(state.operation, state.epoch, state.adopts)
    return replace(state, phase="claiming"), [told, claim]


def _answered(state: State, seen: Answered) -> Step:
    if state.phase != "listening" or state.adopts is None:
        return state, []
    if state.override:
        return _override(state, seen.macs, state.adopts)
    reasons = tuple(("mac", one) for one in seen.macs)
    return _refuse(state, "active-answers", (("address", state.adopts.address), *reasons))


def _override(state: State, macs: Sequence[str], adopts: NetworkSettings) -> Step:
    """Claim what another holds: a deviation, with the reason that the person typed (D9)."""
    detail = {
        "operation": state.operation,
        "epoch": state.epoch,
        "address": adopts.address,
        "macs": list(macs),
        "by": state.by,
        "reason": state.override,
    }
    told = Tell("switchover.overridden", "active-answers", detail)
    claim = Claim(state.operation, state.epoch, adopts)
    return replace(state, phase="claiming"), [told, claim]


def _failed(state: State, seen: Failed) -> Step:
    if state.phase in {"assessing", "listening", "claiming"}:
        return _refuse(state, seen.cause, (("message", seen.message),))
    if state.over:
        return state, []
    # After the commit a step that fails is told and passed: the address must not wait for mail.
    told = Tell("switchover.step-failed", seen.cause, {"message": seen.message})
    following, actions = _done(state, Done())
    return following, [told, *actions]


def _done(state: State, seen: Done) -> Step:
    if state.adopts is None:
        return state, []
    address = state.adopts.address
    detail = {"operation": state.operation, **seen.detail}
    if state.phase == "claiming":
        claimed = Tell("switchover.claimed", detail={**detail, "address": address})
        return replace(state, phase="announcing"), [claimed, Announce(address, 1)]
    if state.phase == "announcing":
        told = Tell("switchover.announced", detail={**detail, "address": address})
        answer = Answer("claimed", "claimed", (("address", address),))
        repeats = Announce(address, ANNOUNCEMENTS - 1)
        return replace(state, phase="repeating"), [told, answer, repeats]
    if state.phase == "settling":
        finished = Tell("switchover.finished", detail={"operation": state.operation})
        return replace(state, phase="finished"), [Notify("switchover-done"), finished]
    return _finish(state)


def _finish(state: State) -> Step:
    """Go through the idempotent steps that follow the announcements."""
    match state.phase:
        case "repeating":
            return replace(state, phase="activating"), [Activate()]
        case "activating":
            return replace(state, phase="mailing"), [MailUsers(state.operation)]
        case "mailing":
            return replace(state, phase="settling"), [Settle(state.operation)]
    return state, []


def _restarted(state: State, seen: Restarted) -> Step:
    """Complete what was committed; what was not committed never happened (F6)."""
    if state.over:
        return state, []
    mine = seen.takeover is not None and seen.takeover.operation == state.operation
    if not mine or state.adopts is None:
        return _refuse(state, "interrupted", ())
    resumed = replace(state, phase="claiming")
    following, actions = _done(resumed, Done())
    return following, [Tell("switchover.resumed", detail={"operation": state.operation}), *actions]


def _refuse(state: State, code: str, reasons: tuple[tuple[str, str], ...]) -> Step:
    detail = {"operation": state.operation, "reasons": [list(one) for one in reasons]}
    told = Tell("switchover.refused", code, detail)
    answer = Answer("refused", code, reasons)
    notify = Notify("switchover-refused", (("code", code), *reasons))
    return replace(state, phase="refused"), [notify, told, answer]


_HANDLERS: Mapping[type, Callable[[State, Any], Step]] = {
    Asked: _asked,
    Assessed: _assessed,
    Silent: _silent,
    Answered: _answered,
    Done: _done,
    Failed: _failed,
    Restarted: _restarted,
}
