"""Commands of the contract over one SSH connection."""

from __future__ import annotations

import shlex
import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from threading import Thread
from typing import TYPE_CHECKING, Any

from redundancy.adapters import envelope
from redundancy.adapters.local import PIECE_SIZE, read_piece
from redundancy.adapters.read_ahead import ReadAhead
from redundancy.adapters.watchdog import Watchdog
from redundancy.errors import ConnectionLost, IndefiniteError, RedundancyError, Stalled
from redundancy.ports import Payload

if TYPE_CHECKING:
    import paramiko

TAIL_SIZE = 1024
UNREAD_PACKETS_MAX = 4
CATCH_UP_LOOK_S = 0.005
NO_STATUS = -1  # paramiko's word for a command that left no exit status
PROGRAM = "appliancectl"
STDERR_PIECE_SIZE = 4096


@dataclass(frozen=True)
class Limits:
    """How long a command may take, in seconds.

    Attributes:
        start_s: until the far side has started it.
        answer_s: until it has answered, once the payload is sent (an import takes long).
        dead_peer_s: bytes that stay unacknowledged for so long while the answer is awaited
            mean that the line is dead; a far side that works keeps acknowledging.
    """

    start_s: float = 30.0
    answer_s: float = 600.0
    dead_peer_s: float = 30.0


class SshChannel:
    """A logged-in connection; see `redundancy.ports.Channel`.

    Args:
        transport: authenticated.
        limits: of each command.
    """

    def __init__(self, transport: paramiko.Transport, limits: Limits) -> None:
        self._transport = transport
        self._limits = limits

    def call(self, argv: Sequence[str], payload: Payload | None = None) -> Mapping[str, Any]:
        """Run one command; see `redundancy.ports.Channel.call`."""
        return _Call(self._transport, self._limits, argv, payload).run()

    def close(self) -> None:
        """End the connection."""
        self._transport.close()


class _Call:
    """One command. Until the payload is out whole, a failure is definite; then not (D2)."""

    def __init__(
        self,
        transport: paramiko.Transport,
        limits: Limits,
        argv: Sequence[str],
        payload: Payload | None,
    ) -> None:
        self._transport = transport
        self._limits = limits
        self._argv = argv
        self._payload = payload
        self._watchdog = Watchdog(transport)
        self._may_have_acted = False

    def run(self) -> Mapping[str, Any]:
        session: paramiko.Channel | None = None
        self._watchdog.start(self._limits.start_s)
        try:
            with self._translating():
                session = self._transport.open_session(timeout=self._limits.start_s)
                self._watchdog.guard(session)
            self._start(session)
            try:
                self._send(session)
            except RedundancyError:
                self._close(session)  # what has already come stays readable
                answer, status = self._answer(session)
                if not envelope.is_conclusive(answer, status):
                    raise
                return envelope.result(self._argv, answer, status)
            return self._await(session)
        finally:
            self._watchdog.stop()
            if session is not None:
                self._close(session)

    def _start(self, session: paramiko.Channel) -> None:
        # without a payload the far side acts as soon as it has the request
        self._may_have_acted = self._payload is None
        self._user_timeout(self._limits.dead_peer_s if self._may_have_acted else 0)
        with self._translating():
            session.exec_command(shlex.join([PROGRAM, "--json", *self._argv]))
        Thread(target=_drain, args=(session,), name="ssh-stderr", daemon=True).start()

    def _send(self, session: paramiko.Channel) -> None:
        if self._payload is not None:
            self._stream(session, self._payload)
        self._may_have_acted = True
        with self._translating():
            session.shutdown_write()

    def _stream(self, session: paramiko.Channel, payload: Payload) -> None:
        self._watchdog.limit(payload.stall_limit_s)
        ahead = ReadAhead(partial(read_piece, payload), _sizes(payload.size))
        window, sent = session.out_window_size, 0
        with ahead.reading():
            while (left := payload.size - sent) > 0:
                if left <= TAIL_SIZE:
                    self._let_catch_up(session, window, sent)
                piece = self._next(session, ahead)
                if not piece:
                    break  # shorter than announced: the far side refuses it
                with self._translating():
                    session.sendall(piece)
                sent += len(piece)
                self._watchdog.moved(sent)
                payload.progress(sent)

    def _next(self, session: paramiko.Channel, ahead: ReadAhead) -> bytes:
        """Return the next piece; if it cannot be read, let the far side end before it is told.

        The line is whole then: the far command sees a payload that ends too early, refuses it,
        and is gone. So whoever tries again meets nothing of this attempt.
        """
        try:
            return ahead.next()
        except RedundancyError:
            with suppress(RedundancyError):
                with self._translating():
                    session.shutdown_write()
                self._answer(session)
            raise

    def _let_catch_up(self, session: paramiko.Channel, window: int, sent: int) -> None:
        """Keep the tail back until the far command has read nearly all the rest.

        Buffers on the way take megabytes. Without this a cut at a tenth of a small backup
        would come after its last byte had left here, and could not be told from a cut
        while the far side was acting. What has been read shows in the SSH window: OpenSSH
        opens it again as soon as three packets have been taken.
        """
        unread_max = UNREAD_PACKETS_MAX * session.out_max_packet_size
        while not session.closed and (unread := window - session.out_window_size) > unread_max:
            self._watchdog.moved(sent - unread)
            self._watchdog.pause(CATCH_UP_LOOK_S)

    def _await(self, session: paramiko.Channel) -> Mapping[str, Any]:
        self._watchdog.limit(self._limits.answer_s)
        self._user_timeout(self._limits.dead_peer_s)
        answer, status = self._answer(session)
        if status == NO_STATUS and not envelope.is_conclusive(answer, status):
            raise self._failure("the connection or the command ended")
        return envelope.result(self._argv, answer, status)

    def _answer(self, session: paramiko.Channel) -> tuple[bytes, int]:
        """Read standard output to its end, and the exit status."""
        answer = bytearray()
        with self._translating():
            while part := session.recv(PIECE_SIZE):
                answer += part
                if len(answer) > envelope.ANSWER_SIZE_MAX:
                    raise IndefiniteError("the answer is larger than any answer of the contract")
            return bytes(answer), session.recv_exit_status()

    def _close(self, session: paramiko.Channel) -> None:
        with suppress(RedundancyError), self._translating():
            session.close()

    def _user_timeout(self, limit_s: float) -> None:
        """Set TCP's own limit on unacknowledged bytes; 0 leaves them to the watchdog."""
        wire = self._transport.sock
        if isinstance(wire, socket.socket):
            with suppress(OSError):  # closed meanwhile: the next read or write tells
                wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(limit_s * 1000))

    @contextmanager
    def _translating(self) -> Iterator[None]:
        """Let nothing of paramiko's out: it has five names for one and the same cut."""
        try:
            yield
        except RedundancyError:
            raise
        except Exception as error:
            raise self._failure(reason(error)) from error

    def _failure(self, why: str) -> RedundancyError:
        command = " ".join(self._argv[:2])
        if self._may_have_acted:
            return IndefiniteError(f"no answer to `{command}` came: {why}")
        if self._watchdog.fired and self._payload is not None:
            return Stalled(
                f"`{command}` made no progress for {self._payload.stall_limit_s:g} s",
                remedy="check the line; a slow one is fine as long as it moves",
            )
        return ConnectionLost(f"the connection was lost during `{command}`: {why}")


def _sizes(size: int) -> Iterator[int]:
    """Yield the sizes of a payload's pieces; its tail is one of its own."""
    left = size
    while left > 0:
        piece = min(PIECE_SIZE, max(left - TAIL_SIZE, TAIL_SIZE))
        yield piece
        left -= piece


def reason(error: Exception) -> str:
    """Say in words for a mail why a connection broke; a plain end comes without any."""
    ended = "the other side ended it"
    return ended if isinstance(error, EOFError) else str(error) or type(error).__name__


def _drain(session: paramiko.Channel) -> None:
    """Read standard error away: left alone it would fill the window and stop the answer."""
    with suppress(OSError, EOFError):
        while session.recv_stderr(STDERR_PIECE_SIZE):
            pass
