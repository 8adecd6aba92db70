"""Who is logged in: sessions in memory, tokens against forged requests, a brake on guessing."""

from __future__ import annotations

import hmac
import threading
from collections import OrderedDict
from dataclasses import dataclass

from emulator.ports import Machine

IDLE_LIMIT_S = 30 * 60
SESSIONS_MAX = 1000
FAILURES_MAX = 5
FAILURES_OF_CLIENT_MAX = 25
ANY_LOGIN = "*"  # no login: those are digits
LOCK_S = 30.0
TOKEN_LENGTH = 24


@dataclass
class Session:
    """One browser.

    Attributes:
        key: what its cookie holds.
        csrf: what its forms must carry.
        login: who it is, "" before the login.
    """

    key: str
    csrf: str
    login: str
    seen_s: float

    def owns(self, token: str) -> bool:
        """Whether a form's token is this session's."""
        return hmac.compare_digest(token.encode(), self.csrf.encode())


class Sessions:
    """All sessions; gone with a restart. When there are too many, the oldest makes room.

    Sessions of nobody go first: whoever asks for the login page a thousand times must not log
    administrators out.
    """

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._order = threading.Lock()
        self._sessions: OrderedDict[str, Session] = OrderedDict()

    def find(self, key: str) -> Session | None:
        """Return a session that has not been idle for too long."""
        now_s = self._now_s()
        with self._order:
            session = self._sessions.get(key)
            if session is None:
                return None
            if now_s - session.seen_s > IDLE_LIMIT_S:
                del self._sessions[key]
                return None
            session.seen_s = now_s
            self._sessions.move_to_end(key)
            return session

    def open(self, login: str) -> Session:
        """Make a session; a login always gets a new one, so that none can be foisted."""
        key, csrf = (self._machine.entropy(TOKEN_LENGTH).hex() for _ in range(2))
        session = Session(key, csrf, login, self._now_s())
        with self._order:
            self._sessions[key] = session
            if len(self._sessions) > SESSIONS_MAX:
                of_nobody = (one.key for one in self._sessions.values() if not one.login)
                del self._sessions[next(of_nobody, next(iter(self._sessions)))]
        return session

    def _now_s(self) -> float:
        """Return the Calendar's time: half an hour without a click is a matter of the clock."""
        return self._machine.calendar.now().timestamp()

    def logins(self) -> set[str]:
        """Return who is logged in."""
        now_s = self._now_s()
        with self._order:
            alive = [one for one in self._sessions.values() if now_s - one.seen_s <= IDLE_LIMIT_S]
        return {one.login for one in alive if one.login}

    def close(self, key: str) -> None:
        """End a session."""
        with self._order:
            self._sessions.pop(key, None)

    def close_all_of(self, login: str, kept: str) -> None:
        """End all sessions of a user but one."""
        with self._order:
            for key in [one.key for one in self._sessions.values() if one.login == login]:
                if key != kept:
                    del self._sessions[key]


class Brake:
    """After several wrong passwords a login rests for a while, for that client only.

    A client that tries many logins rests altogether, so that one password is not tried on
    everybody.
    """

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._order = threading.Lock()
        self._failures: OrderedDict[tuple[str, str], tuple[int, float]] = OrderedDict()

    def wait_s(self, client: str, login: str) -> float:
        """Return how long a client must wait before it may try a login again, in seconds."""
        limits = {(client, login): FAILURES_MAX, (client, ANY_LOGIN): FAILURES_OF_CLIENT_MAX}
        return max(self._rest_s(key, limit) for key, limit in limits.items())

    def failed(self, client: str, login: str) -> None:
        """Count a wrong password."""
        with self._order:
            for key in ((client, login), (client, ANY_LOGIN)):
                count, _ = self._failures.pop(key, (0, 0.0))
                self._failures[key] = (count + 1, self._machine.stopwatch.now_s())
            while len(self._failures) > SESSIONS_MAX:
                self._failures.popitem(last=False)

    def passed(self, client: str, login: str) -> None:
        """Forget the failures of a login that worked; those of the client's other logins stay."""
        with self._order:
            self._failures.pop((client, login), None)

    def _rest_s(self, key: tuple[str, str], limit: int) -> float:
        with self._order:
            count, last_s = self._failures.get(key, (0, 0.0))
        if count < limit:
            return 0.0
        return max(0.0, last_s + LOCK_S - self._machine.stopwatch.now_s())
