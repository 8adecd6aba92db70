"""What people are doing on the appliance right now: a restore would interrupt it."""

from __future__ import annotations

from typing import TypedDict

from emulator.appliance.web.sessions import Sessions


class Doing(TypedDict):
    """How many users are logged in, and how many calls are under way."""

    logged_in: int
    calls: int


class Activity:
    """Counts logged-in users and calls.

    Attributes:
        calls: under way. Those of the telephones are not counted: a lab says how many there are
            (`calls emulate`), and they end with the appliance.
    """

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions
        self.calls = 0

    def now(self) -> Doing:
        """Return what is going on."""
        return Doing(logged_in=len(self._sessions.logins()), calls=self.calls)
