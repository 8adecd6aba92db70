"""The tab "Redundanz" under Admin > Erweiterte Einstellungen (R49 to R53)."""

from __future__ import annotations

import threading
from ipaddress import IPv4Network

from flask import Blueprint, Response, request

from redundancy.console import Decision, Overview, Watch
from redundancy.contract import NetworkSettings
from redundancy.pages import texts
from redundancy.pages.navigation import ROLLBACK, SWITCHOVER
from redundancy.pages.session import CONFLICT, WRONG_FIELDS, Session

REFRESH_S = 3
UNDER_WAY_REFRESH_S = 1  # between the claim and the end of the old address lies not much more
DECIDING = ("switchover.asked", "switchover.silent")
MOVING = ("switchover.claimed", "switchover.announced")


def add_to(blueprint: Blueprint, session: Session) -> None:
    """Add the tab and its one button."""
    clicked = threading.Lock()

    @session.read
    def tab() -> Response:
        session.console.open_watch()
        seen = session.console.overview()
        return _claimed(session, seen.own.address) if _moving(seen) else _tab(session, seen)

    @session.act
    def switch() -> Response:
        asked = "asked" in request.form
        confirmed = "confirmed" in request.form
        if asked and not confirmed:
            return _confirmation(session, _doubts_as_asked(session), WRONG_FIELDS)
        # A second click would wait for the end of the first, after which its address is gone.
        if not clicked.acquire(blocking=False):
            return _under_way(session)
        try:
            if session.console.last_switchover() in MOVING:
                seen = session.console.overview()
                if _moving(seen):
                    return _claimed(session, seen.own.address)
            decision = session.console.switch_over(session.frame.user(), confirmed=confirmed)
        finally:
            clicked.release()
        if decision.outcome == "claimed":
            return _claimed(session, decision.address, dict(decision.reasons).get("why", ""))
        if decision.outcome == "confirm":
            return _confirmation(session, _reasons(session, decision.reasons), 200)
        return _refused(session, decision)

    blueprint.add_url_rule(SWITCHOVER, "switchover_tab", tab, methods=["GET"])
    blueprint.add_url_rule(f"{SWITCHOVER}/switchover", "switchover", switch, methods=["POST"])


def _tab(session: Session, seen: Overview) -> Response:
    standby = seen.role == "standby"
    age = None if seen.origin_age is None else texts.age(session.language, seen.origin_age)
    response = session.page(
        "switchover.html",
        seen=seen,
        age=age,
        rows=_rows(seen.own, seen.adopts) if seen.adopts else [],
        last=_last(session, seen.switchover),
        watch_class=_watch_class(seen.watch),
        transfer=texts.transfer(session.language, seen.transfer) if seen.transfer else "",
        action=f"{SWITCHOVER}/switchover",
        rollback=ROLLBACK,
        refresh_s=_refresh_s(seen) if standby or seen.transfer else None,
    )
    response.headers["Cache-Control"] = "no-store"
    return response


def _refresh_s(seen: Overview) -> int:
    """Whoever looks while somebody else's click is decided must not miss the move (D17)."""
    return UNDER_WAY_REFRESH_S if seen.switchover in DECIDING else REFRESH_S


def _watch_class(watch: Watch | None) -> str:
    if watch is None:
        return "notice"
    if watch.answered_by:
        return "warning"
    return "good" if watch.silent_s >= watch.needed_s else "notice"


def _rows(own: NetworkSettings, adopts: NetworkSettings) -> list[tuple[str, str, str]]:
    """Lay the settings of now and then side by side (R51)."""
    return [
        ("address", own.address, adopts.address),
        ("netmask", _mask(own), _mask(adopts)),
        ("gateway", own.gateway, adopts.gateway),
        ("dns", ", ".join(own.dns), ", ".join(adopts.dns)),
    ]


def _mask(settings: NetworkSettings) -> str:
    return f"{IPv4Network(f'0.0.0.0/{settings.prefix}').netmask} (/{settings.prefix})"


def _last(session: Session, event: str | None) -> str:
    if event is None:
        return texts.text(session.language, "switch.last.never")
    word = event.rpartition(".")[2]
    return texts.known(session.language, f"event.{word}") or word


def _reasons(session: Session, reasons: tuple[tuple[str, str], ...]) -> list[str]:
    """Put reasons into sentences; a code without a sentence is shown as it is."""
    sentences = []
    for code, value in reasons:
        said = texts.known(session.language, f"line.{value}") if code == "lines" else value
        sentence = texts.known(session.language, f"reason.{code}")
        sentences.append(sentence.format(value=said or value) if sentence else f"{code}: {value}")
    return sentences


def _doubts_as_asked(session: Session) -> list[str]:
    """Repeat why a confirmation is asked, for a person who did not tick the box."""
    seen = session.console.overview()
    doubts = [("lines", one) for one in seen.lines_to_replug]
    if seen.origin_age is None:
        doubts.insert(0, ("never-initialised", ""))
    elif seen.origin_stale:
        doubts.insert(0, ("data-stale", f"{seen.origin_age.total_seconds() / 3600:.0f}"))
    return _reasons(session, tuple(doubts))


def _confirmation(session: Session, reasons: list[str], status: int) -> Response:
    return session.page(
        "confirm.html",
        status,
        reasons=reasons,
        missing=status == WRONG_FIELDS,
        action=f"{SWITCHOVER}/switchover",
        back=SWITCHOVER,
    )


def _moving(seen: Overview) -> bool:
    """Whether the new address is there and the old one is about to go (D17)."""
    return seen.role == "active" and seen.switchover in MOVING


def _under_way(session: Session) -> Response:
    """Answer a double click, or the other administrator: the tab will tell how it ends (F5)."""
    return session.page("under_way.html", 202, refresh_to=SWITCHOVER, refresh_s=UNDER_WAY_REFRESH_S)


def _claimed(session: Session, address: str, trouble: str = "") -> Response:
    """Lead to the address that was taken; a trouble, by its code, holds up what follows."""
    target = session.frame.elsewhere(address, SWITCHOVER)
    return session.page(
        "claimed.html",
        address=address,
        unfinished=bool(trouble),
        why=texts.known(session.language, f"why.{trouble}") or trouble,
        todo=texts.known(session.language, f"do.{trouble}"),
        refresh_to=target,
        refresh_s=REFRESH_S,
    )


def _refused(session: Session, decision: Decision) -> Response:
    language = session.language
    return session.page(
        "refused.html",
        CONFLICT,
        why=texts.known(language, f"why.{decision.code}"),
        reasons=_reasons(session, decision.reasons),
        todo=texts.known(language, f"do.{decision.code}") or texts.text(language, "do.other"),
        back=SWITCHOVER,
    )
