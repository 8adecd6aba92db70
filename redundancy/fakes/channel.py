"""An appliance that answers from a script."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from redundancy.errors import (
    AuthenticationFailed,
    ConnectionLost,
    HostKeyChanged,
    RedundancyError,
    Refused,
)
from redundancy.ports import Channel, Payload, StandbyAccess

PIECE_SIZE = 64 * 1024

Outcome = Mapping[str, Any] | Exception | Callable[[Sequence[str], bytes], Mapping[str, Any]]


@dataclass(frozen=True)
class Call:
    """One call that was made.

    Attributes:
        argv: the command.
        payload: the bytes that went over before it ended.
    """

    argv: tuple[str, ...]
    payload: bytes = b""


class FakeChannel:
    """A Channel whose answers are scripted by command.

    Attributes:
        calls: all calls, in order.
        closed: whether it was closed; a call then fails as on a lost connection.
    """

    def __init__(self) -> None:
        self._script: dict[tuple[str, ...], list[tuple[Outcome, int | None]]] = {}
        self.calls: list[Call] = []
        self.closed = False

    def answer(self, command: str, *outcomes: Outcome) -> None:
        """Script the outcomes of a command, such as `backup create`; the last one repeats.

        An outcome is a `result`, an exception, or a function of (argv, payload).
        """
        self._script[tuple(command.split())] = [(one, None) for one in outcomes]

    def fail(self, command: str, error: RedundancyError, *, after_bytes: int) -> None:
        """Let the next call of a command fail in the middle of its payload."""
        key = tuple(command.split())
        self._script.setdefault(key, []).insert(0, (error, after_bytes))

    def commands(self) -> list[str]:
        """Return all calls as command lines."""
        return [" ".join(one.argv) for one in self.calls]

    def call(self, argv: Sequence[str], payload: Payload | None = None) -> Mapping[str, Any]:
        """Answer from the script; see `redundancy.ports.Channel.call`."""
        if self.closed:
            raise ConnectionLost("the connection is closed")
        outcome, after_bytes = self._outcome(argv)
        data = _consume(payload, after_bytes) if payload else b""
        self.calls.append(Call(tuple(argv), data))
        if isinstance(outcome, Exception):
            raise outcome
        return outcome(argv, data) if callable(outcome) else outcome

    def close(self) -> None:
        """Close; harmless when repeated."""
        self.closed = True

    def _outcome(self, argv: Sequence[str]) -> tuple[Outcome, int | None]:
        for length in range(len(argv), 0, -1):
            outcomes = self._script.get(tuple(argv[:length]))
            if outcomes:
                return outcomes.pop(0) if len(outcomes) > 1 else outcomes[0]
        return Refused("usage", f"nothing is scripted for `{' '.join(argv)}`"), None


class FakeTransport:
    """A Transport that hands out scripted channels.

    Attributes:
        key: the host key that the far side shows.
        password: the one that it accepts; None accepts any.
        logins: the accesses that were tried.
        asked: the accesses whose host key was asked for.
    """

    def __init__(self, *channels: Channel | RedundancyError) -> None:
        self._channels = list(channels)
        self.key = "ssh-ed25519 AAAAFAKE"
        self.password: str | None = None
        self.logins: list[StandbyAccess] = []
        self.asked: list[StandbyAccess] = []

    def connect(self, access: StandbyAccess) -> Channel:
        """Hand out the next channel (the last one repeats), or fail as scripted."""
        self.logins.append(access)
        chosen = self._next()
        if access.host_key not in (None, self.key):
            raise HostKeyChanged(f"{access.host} shows another host key")
        if self.password is not None and access.password != self.password:
            raise AuthenticationFailed(f"{access.host} does not accept user or password")
        if isinstance(chosen, FakeChannel):
            chosen.closed = False  # a new connection to the same scripted appliance
        return chosen

    def host_key(self, access: StandbyAccess) -> str:
        """Return the host key; fails like `connect` when nobody can be reached."""
        self.asked.append(access)
        if self._channels and isinstance(self._channels[0], RedundancyError):
            raise self._channels[0]
        return self.key

    def _next(self) -> Channel:
        if not self._channels:
            raise ConnectionLost("nobody answers")
        chosen = self._channels.pop(0) if len(self._channels) > 1 else self._channels[0]
        if isinstance(chosen, RedundancyError):
            raise chosen
        return chosen


def _consume(payload: Payload, after_bytes: int | None) -> bytes:
    end = payload.size if after_bytes is None else min(after_bytes, payload.size)
    data = b""
    while len(data) < end:
        piece = payload.stream.read(min(PIECE_SIZE, end - len(data)))
        if not piece:
            break
        data += piece
        payload.progress(len(data))
    return data
