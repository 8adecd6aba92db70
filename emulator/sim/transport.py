"""SSH to the other appliance over the simulated LAN (`redundancy.ports.Transport`).

Errors are those of the real adapter (`redundancy.adapters.ssh`) for the same cause.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from emulator.sim.lan import Station
from emulator.sim.life import Life
from emulator.sim.shell import Session, SimShell
from emulator.sim.site import Line, Site
from redundancy.adapters import envelope
from redundancy.adapters.local import PIECE_SIZE, read_piece
from redundancy.adapters.ssh import Patience
from redundancy.adapters.ssh_channel import Limits
from redundancy.errors import (
    AuthenticationFailed,
    ConnectionLost,
    HostKeyChanged,
    IndefiniteError,
    RedundancyError,
    Stalled,
)
from redundancy.ports import Payload, StandbyAccess

HANDSHAKE_S = 0.05
WINDOW_SIZE = 2 * 1024 * 1024  # of an OpenSSH session: so far the sender runs ahead
TAIL_SIZE = 1024  # what the sender keeps back …
SOCKET_BUFFER = 64 * 1024  # bytes that the kernel takes though the line stands
UNREAD_MAX = 4 * 32 * 1024  # … until only so much of the rest is still unread


class SimTransport:
    """Connects with a password to a pinned host key."""

    def __init__(self, site: Site, life: Life, station: Station) -> None:
        self._site = site
        self._life = life
        self._station = station

    def connect(self, access: StandbyAccess) -> SimChannel:
        """Log in and return a channel to the far appliance."""
        far, shell = self._reach(access)
        if access.host_key is not None and shell.host_key() != access.host_key:
            raise HostKeyChanged(
                f"{access.host} shows another SSH host key than the one that was confirmed",
                remedy="if the standby was replaced, save Standby-Einstellungen and"
                " confirm the new fingerprint",
            )
        if not shell.accepts(access.user, access.password):
            raise AuthenticationFailed(
                f"the standby {access.host} does not accept user or password",
                remedy="check Benutzername and Passwort in Standby-Einstellungen",
            )
        line = Line(self._site, self._station, far, access.host, self._life, shell.life)
        return SimChannel(self._site, line, shell)

    def host_key(self, access: StandbyAccess) -> str:
        """Return the host key that the far side shows, without logging in (D11)."""
        _, shell = self._reach(access)
        return shell.host_key()

    def _reach(self, access: StandbyAccess) -> tuple[Station, SimShell]:
        self._life.check()
        far = self._site.route(self._station, access.host)
        if far is None:
            raise _unreachable(access, "No route to host")
        shell = self._site.shells.get(far.name)
        if shell is None or not shell.answers or access.port != shell.port:
            raise _unreachable(access, "Connection refused")
        self._site.world.sleep(HANDSHAKE_S)
        line = Line(self._site, self._station, far, access.host, self._life, shell.life)
        if line.is_reset():
            raise _unreachable(access, "Connection reset by peer")
        if not line.carried(Patience().connect_s):
            raise _unreachable(access, "timed out")
        self._await_thaw(access, shell)
        if not shell.answers:
            raise _unreachable(access, "Connection reset by peer")
        return far, shell

    def _await_thaw(self, access: StandbyAccess, shell: SimShell) -> None:
        """A frozen far side takes the connection, and says nothing."""
        waited_s, limit_s = 0.0, Patience().handshake_s
        while shell.life.frozen:
            if waited_s >= limit_s:
                raise _unreachable(access, "it takes the connection and says nothing")
            self._site.world.sleep(1.0)
            waited_s += 1.0


def _unreachable(access: StandbyAccess, reason: str) -> ConnectionLost:
    return ConnectionLost(
        f"no SSH connection to {access.host}:{access.port}: {reason}",
        remedy="check that the standby is on, on the LAN, and answers SSH there",
    )


class SimChannel:
    """A logged-in connection (`redundancy.ports.Channel`)."""

    LIMITS = Limits()

    def __init__(self, site: Site, line: Line, shell: SimShell) -> None:
        self._site = site
        self._line = line
        self._shell = shell
        self._open = True

    def call(self, argv: Sequence[str], payload: Payload | None = None) -> Mapping[str, Any]:
        """Run one command. Until the payload is out whole, a failure is definite (D2)."""
        self._line.near_life.check()
        command = " ".join(argv[:2])
        if not (self._open and self._line.carried(self.LIMITS.start_s) and self._shell.answers):
            self._open = False
            raise ConnectionLost(f"the connection was lost before `{command}` was started")
        session = Session(self._site.world, self._line)
        self._shell.run(session, argv)
        try:
            if payload is not None:
                self._send(session, command, payload)
            session.end()
            answer = self._await(session, command)
        finally:
            session.end()
        return envelope.result(argv, answer, 0)

    def close(self) -> None:
        """End the connection; harmless when repeated."""
        self._open = False

    def _send(self, session: Session, command: str, payload: Payload) -> None:
        """Hand the payload over, as the real adapter does: see `redundancy.adapters`."""
        sent = 0
        while (left := payload.size - sent) > 0 and session.answer is None:
            ahead_max = UNREAD_MAX if left <= TAIL_SIZE else WINDOW_SIZE
            self._await_reader(session, ahead_max, command, payload)
            size = min(PIECE_SIZE, max(left - TAIL_SIZE, TAIL_SIZE))
            piece = self._read(session, command, payload, size)
            if not piece:
                return  # shorter than announced: the far side refuses it
            self._site.world.sleep(len(piece) / self._line.bytes_per_s())
            self._notice_reset(command)
            if left <= SOCKET_BUFFER and not self._line.carried(self.LIMITS.dead_peer_s):
                raise self._unanswered(command)  # the kernel took it all, and nobody confirms it
            if not self._line.carried(payload.stall_limit_s):
                self._notice_reset(command)
                raise self._stalled(command, payload)
            session.put(piece)
            if session.lost:
                self._open = False
                raise ConnectionLost(f"the connection was lost during `{command}`")
            sent += len(piece)
            payload.progress(sent)

    def _read(self, session: Session, command: str, payload: Payload, size: int) -> bytes:
        """Read a piece of the payload; if that fails, let the far side end before it is told."""
        try:
            return read_piece(payload, size)
        except RedundancyError:
            session.end()
            with suppress(IndefiniteError):
                self._await(session, command)
            raise

    def _notice_reset(self, command: str) -> None:
        if self._line.is_reset():
            self._open = False
            raise ConnectionLost(f"the connection was lost during `{command}`: it was reset")

    def _await_reader(
        self, session: Session, ahead_max: int, command: str, payload: Payload
    ) -> None:
        """Let the far side read until the sender is not too far ahead."""
        while session.unread > ahead_max and session.answer is None:
            if not session.changed.wait("room in the SSH window", payload.stall_limit_s):
                raise self._stalled(command, payload)

    def _stalled(self, command: str, payload: Payload) -> Stalled:
        self._open = False
        return Stalled(
            f"`{command}` made no progress for {payload.stall_limit_s:g} s",
            remedy="check the line; a slow one is fine as long as it moves",
        )

    def _await(self, session: Session, command: str) -> bytes:
        """Wait for the answer; it crosses the line when the line carries."""
        waited_s, dead_peer_s = 0.0, self.LIMITS.dead_peer_s
        while session.answer is None:
            if session.lost or waited_s >= self.LIMITS.answer_s:
                raise self._unanswered(command)
            if not session.changed.wait(f"the answer to `{command}`", dead_peer_s):
                waited_s += dead_peer_s
                session.lost = session.lost or not self._line.carries()
        if not self._line.carried(dead_peer_s):
            raise self._unanswered(command)
        return session.answer

    def _unanswered(self, command: str) -> IndefiniteError:
        self._open = False
        return IndefiniteError(f"no answer to `{command}` came: the connection ended")
