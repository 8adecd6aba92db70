"""Fencing: of all receives and imports only the newest (epoch, run, attempt) acts (D2, D14)."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import BinaryIO, Literal

from emulator.appliance.identity import Identity
from emulator.appliance.records import Facts, Token
from emulator.appliance.refusal import Refusal
from emulator.appliance.reports import report
from emulator.ports import Machine

Work = Literal["receiving", "importing"]
LEAVE_LIMIT_S = 5.0
LEAVE_LOOK_S = 0.01


def fenced(token: Token, fence: Token) -> Refusal:
    """Return the refusal of an outdated token."""
    return Refusal("fenced", f"{token} is older than {fence}, which acts here now")


@dataclass(eq=False)
class Session:
    """A receive or an import that is under way."""

    token: Token
    work: Work
    stream: BinaryIO | None = None
    ended_by: Token | None = None

    def check(self) -> None:
        """Go on only while no newer token has come.

        Raises:
            Refusal: `fenced`.
        """
        if self.ended_by is not None:
            raise fenced(self.token, self.ended_by)


class Gate:
    """Lets the newest token in and ends all older ones."""

    def __init__(self, machine: Machine, identity: Identity) -> None:
        self._machine = machine
        self._identity = identity
        self._order = threading.Lock()  # held for decisions only, never while bytes move
        self._sessions: list[Session] = []

    def raise_to(self, token: Token) -> None:
        """Refuse from now on everything older than a token, and end what is under way.

        Raises:
            Refusal: `fenced`, `epoch`, `not-standby`.
        """
        with self._order:
            self._admit(token)
        self._let_older_leave(token)

    @contextmanager
    def session(
        self, token: Token, work: Work, stream: BinaryIO | None = None
    ) -> Iterator[Session]:
        """Work under a token; closing `stream` is how a newer token ends a waiting reader.

        Raises:
            Refusal: as `raise_to`, and `busy`.
        """
        session = Session(token, work, stream)
        self.raise_to(token)
        with self.at_work(session):
            yield session

    @contextmanager
    def at_work(self, session: Session) -> Iterator[None]:
        """Count a session while it works; one receive and one import at a time.

        Raises:
            Refusal: `busy`, `fenced`.
        """
        with self._order:
            if session.token < self._identity.facts().fence:
                raise fenced(session.token, self._identity.facts().fence)
            if any(_exclude(session, other) for other in self._sessions):
                raise Refusal(
                    "busy", f"{session.work} is under way here", "wait until it has ended"
                )
            self._sessions.append(session)
        try:
            yield
        finally:
            with self._order:
                self._sessions.remove(session)

    @property
    def at_rest(self) -> bool:
        """Whether no session works; it stays so while `alone`."""
        return not self._sessions

    def working(self, work: Work) -> str | None:
        """Return the token that is at this work now, if any."""
        found = [str(one.token) for one in self._sessions if one.work == work]
        return found[-1] if found else None

    @contextmanager
    def committing(self, session: Session) -> Iterator[None]:
        """Do a last, short step that no newer token may overtake.

        Raises:
            Refusal: `fenced`.
        """
        with self._order:
            session.check()
            yield

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Do a short step that overlaps no decision and no commit of a session."""
        with self._order:
            yield

    def _let_older_leave(self, token: Token) -> None:
        """Wait for receivers that were ended: their files are the newer one's now.

        A closed stream ends them at once; only a slow disk keeps them longer.
        """
        stopwatch = self._machine.stopwatch
        until_s = stopwatch.now_s() + LEAVE_LIMIT_S
        while self._older_receives(token) and stopwatch.now_s() < until_s:
            stopwatch.sleep(LEAVE_LOOK_S)

    def _older_receives(self, token: Token) -> bool:
        with self._order:
            return any(one.work == "receiving" and one.token < token for one in self._sessions)

    def _admit(self, token: Token) -> None:
        before = self._identity.facts().fence
        facts = self._identity.change(lambda facts: _raise(facts, token))
        if facts.fence == before:
            return
        for session in self._sessions:
            session.ended_by = token
            if session.stream is not None:
                with contextlib.suppress(OSError):
                    session.stream.close()
        report(self._machine, "fenced", token=str(token))


def _exclude(new: Session, other: Session) -> bool:
    """Whether a session cannot begin beside another, even one that is being ended."""
    return new.token == other.token or new.work == other.work


def _raise(facts: Facts, token: Token) -> Facts:
    if token < facts.fence:
        raise fenced(token, facts.fence)
    if token.epoch < facts.lineage.epoch:
        raise Refusal(
            "epoch",
            f"{token} belongs to epoch {token.epoch}; this appliance is in {facts.lineage.epoch}",
            "the appliance that sent it is not the active any more: do the rollback (R57)",
        )
    if facts.holds_epoch:
        raise Refusal(
            "not-standby",
            "this appliance is the current active and takes nothing from others (D14)",
            "check the field Server of the other appliance's standby settings",
        )
    if token == facts.fence:
        return facts
    return replace(facts, fence=token, received=None)
