"""Where a rollback stands, as seen from this box: for its next step, and for people (R57)."""

from __future__ import annotations

from dataclasses import dataclass, replace

from redundancy import replay, rollback, rollback_steps
from redundancy.client import Appliance
from redundancy.configuration import ModuleConfiguration
from redundancy.console import RollbackStep, RollbackView
from redundancy.journal import Journal, Record, load
from redundancy.rollback import State
from redundancy.rollback_steps import Part
from redundancy.situation import Situation

RECORD = "redundanz-rollback"  # its name in the content


_OUTCOMES = {"rollback.step", "rollback.refused", "rollback.abandoned", "rollback.started"}


@dataclass(frozen=True)
class Standing:
    """Where a rollback stands, as seen from this box.

    Attributes:
        part: of this box; None when there is nothing to roll back.
        state: of the machine.
        carried: the content came with the record of it.
        protected: the standby has been brought up to the new epoch.
    """

    part: Part | None
    state: State
    carried: bool
    protected: bool


def look(local: Appliance, journal: Journal, here: Situation) -> Standing:
    """Find out where a rollback stands from the record in the content and the own journal."""
    lines = _carried(local)
    operation = _operation(lines, journal)
    own = journal.records(operation) if operation else []
    status, roles = here.status, here.roles
    box = rollback.Box(roles, status.lineage.epoch, status.hardware_id)
    part, state = rollback.place(box, replay.of_rollback([*lines, *own]))
    origin = status.origin
    if part == "standby":
        protected = roles.current == "standby" and origin is not None
        protected = protected and origin is not None and origin.epoch > state.epoch
    else:
        protected = part == "original" and _run_since(journal, state)
    carried = bool(lines) and origin is not None and origin.epoch >= state.epoch
    return Standing(part, state, carried, protected)


def _operation(lines: list[Record], journal: Journal) -> str | None:
    """Return the rollback that is under way, or was the last.

    On the box that began the one which the content carries, the own journal is ahead of that:
    a newer one may have been cut off before its record was in the content.
    """
    last = journal.last("rollback")
    if not lines or lines[0].detail in [
        one.detail for one in journal.records(lines[0].operation) if one.event == "rollback.started"
    ]:
        return last
    return lines[0].operation


def _carried(local: Appliance) -> list[Record]:
    """Return the records that the content carries; it may be anybody's, so none if malformed."""
    try:
        found = [load(one) for one in (local.record(RECORD) or {})["records"]]
        replay.of_rollback(found)
    except (KeyError, TypeError, ValueError):
        return []
    return found


def _run_since(journal: Journal, state: State) -> bool:
    """Tell whether a run has succeeded since the original took its part again (e)."""
    begun = [
        one.number
        for one in journal.records(state.operation)
        if (one.event, one.cause) == ("rollback.step", "identity")
        and one.detail["epoch"] == state.epoch
    ]
    ends = [one.number for one in journal.records() if one.event == "run.succeeded"]
    return bool(begun and ends) and ends[-1] > begun[-1]


def view(local: Appliance, journal: Journal, here: Situation) -> RollbackView:
    """Return what people are shown; changes nothing."""
    standing = look(local, journal, here)
    state = _as_it_is(standing)
    steps = tuple(
        RollbackStep(
            name,
            rollback_steps.PARTS[name],
            "done" if number < state.done else "next" if number == state.done else "later",
        )
        for number, name in enumerate(rollback_steps.ORDER)
    )
    waiting = standing.part == "acting" and state.next == "readdress" and bool(state.file)
    return RollbackView(
        part=standing.part,
        operation=state.operation,
        steps=steps,
        address=(state.network or here.status.network).address,
        moves_to=standby_address(here.configuration),
        file=state.file,
        unsaved=local.changed_since(state.file) if waiting else None,
        lost=state.lost,
        protected=standing.protected,
        refused=_last_refusal(journal, state) if state.next else None,
    )


def _as_it_is(standing: Standing) -> State:
    """Count the last step as done once the pair is protected: nothing is left to a person.

    The daemon writes that down a moment after its run has succeeded, or with the next one.
    """
    state = standing.state
    done = standing.protected and state.next == rollback_steps.ORDER[-1]
    return replace(state, done=len(rollback_steps.ORDER)) if done else state


def standby_address(configuration: ModuleConfiguration | None) -> str:
    """Return where the acting active goes at (b): the field *Server*, "" where it is empty."""
    return configuration.standby_server.partition(":")[0] if configuration else ""


def _last_refusal(
    journal: Journal, state: State
) -> tuple[str, str, tuple[tuple[str, str], ...]] | None:
    told = [one for one in journal.records(state.operation) if one.event in _OUTCOMES]
    if not told or told[-1].event != "rollback.refused":
        return None
    last = told[-1]
    reasons = tuple((code, value) for code, value in last.detail["reasons"])
    return last.detail["step"], last.cause, reasons
