"""The page of the rollback, under the tab "Redundanz" (R57): where it stands, one button."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, Response, request

from redundancy.console import RollbackStep, RollbackView, StepDecision
from redundancy.errors import RedundancyError
from redundancy.pages.navigation import ROLLBACK, SWITCHOVER
from redundancy.pages.session import CONFLICT, Session
from redundancy.rollback_texts import STEPS, Advice, StepText, advice

REFRESH_S = 5
ABANDON = "abandon"
ENDS_BY_ITSELF = "redundancy"  # (g), with the next run that succeeds
SHOWN_OBJECTS = 20


@dataclass(frozen=True)
class _Row:
    """One step as the page shows it."""

    step: RollbackStep
    text: StepText


def add_to(blueprint: Blueprint, session: Session) -> None:
    """Add the page and its button."""

    @session.read
    def show() -> Response:
        return _page(session, session.console.rollback())

    @session.act
    def order() -> Response:
        step = request.form.get("step", "")
        try:
            decision = session.console.roll_back(step, session.frame.user())
        except RedundancyError as error:
            reasons = (("message", error.message), ("remedy", error.remedy))
            decision = StepDecision("refused", error.code, reasons)
        if decision.outcome == "accepted":
            return _leaving(session, step)
        refused = None
        if decision.outcome == "refused":
            refused = advice(session.language, decision.code, decision.reasons)
        return _page(session, session.console.rollback(), refused)

    blueprint.add_url_rule(ROLLBACK, "rollback", show, methods=["GET"])
    blueprint.add_url_rule(ROLLBACK, "roll_back", order, methods=["POST"])


def _page(session: Session, seen: RollbackView, refused: Advice | None = None) -> Response:
    texts = STEPS[session.language]
    due = seen.next
    if refused is None and seen.refused is not None:
        _, code, reasons = seen.refused
        refused = advice(session.language, code, reasons)
    response = session.page(
        "rollback.html",
        CONFLICT if refused is not None and request.method == "POST" else 200,
        seen=seen,
        rows=[_Row(one, texts[one.name]) for one in seen.steps],
        here=due is not None and seen.part in due.parts,
        abandon=texts[ABANDON] if _may_abandon(seen) else None,
        refused=refused,
        unsaved=_names(seen.unsaved),
        lost=_names(seen.lost),
        action=ROLLBACK,
        back=SWITCHOVER,
        refresh_s=REFRESH_S if due is not None and due.name == ENDS_BY_ITSELF else None,
    )
    response.headers["Cache-Control"] = "no-store"
    return response


def _may_abandon(seen: RollbackView) -> bool:
    return seen.part == "acting" and any(one.stand == "done" for one in seen.steps)


def _names(objects: tuple[str, ...] | None) -> str:
    """Name objects for a person, not more than can be read."""
    found = objects or ()
    more = " …" if len(found) > SHOWN_OBJECTS else ""
    return ", ".join(found[:SHOWN_OBJECTS]) + more


def _leaving(session: Session, step: str) -> Response:
    """Say that this box goes where the person cannot follow, or at which address it will be."""
    moves_to = session.console.rollback().moves_to if step == "readdress" else ""
    target = session.frame.elsewhere(moves_to, ROLLBACK) if moves_to else ""
    return session.page(
        "rollback_leaving.html",
        step=step,
        address=moves_to,
        refresh_to=target,
        refresh_s=REFRESH_S if target else None,
    )
