"""Ends a connection on which nothing moves (D12).

paramiko's own channel timeout does not end a blocked write; closing the transport does.
"""

from __future__ import annotations

import fcntl
import struct
import termios
from queue import Empty, SimpleQueue
from threading import Event, Thread
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import paramiko

LOOKS_PER_LIMIT = 8  # how finely a limit is measured


class Watchdog:
    """Looks at the progress of one command and closes the connection when there is none.

    Progress is what the far side's TCP has acknowledged, not what fits into buffers here:
    a line that is slow but alive counts, one that only fills buffers does not.

    Attributes:
        fired: it closed the connection.
    """

    def __init__(self, transport: paramiko.Transport) -> None:
        self._transport = transport
        self._session: paramiko.Channel | None = None
        self._handed_over = 0
        self._limits_s: SimpleQueue[float | None] = SimpleQueue()
        self._ended = Event()
        self.fired = False

    def start(self, limit_s: float) -> None:
        """Begin to watch."""
        Thread(target=self._watch, args=(limit_s,), name="ssh-watchdog", daemon=True).start()

    def guard(self, session: paramiko.Channel) -> None:
        """Name the channel whose waits are to be ended too."""
        self._session = session

    def limit(self, limit_s: float) -> None:
        """Begin a new phase with its own limit."""
        self._limits_s.put(limit_s)

    def moved(self, handed_over: int) -> None:
        """Tell how many bytes were handed to the connection so far."""
        self._handed_over = handed_over

    def pause(self, duration_s: float) -> None:
        """Wait a moment, less if the connection is ended."""
        self._ended.wait(duration_s)

    def stop(self) -> None:
        """Stop watching; harmless when it has fired."""
        self._limits_s.put(None)

    def _watch(self, limit_s: float | None) -> None:
        seen, quiet = 0, 0
        while limit_s is not None:
            try:
                limit_s, quiet = self._limits_s.get(timeout=limit_s / LOOKS_PER_LIMIT), 0
                continue
            except Empty:
                pass
            acknowledged = self._handed_over - self._unacknowledged()
            quiet = quiet + 1 if acknowledged == seen else 0
            seen = acknowledged
            if quiet >= LOOKS_PER_LIMIT:
                self._end()
                return

    def _unacknowledged(self) -> int:
        try:
            (size,) = struct.unpack(
                "i", fcntl.ioctl(self._transport.sock, termios.TIOCOUTQ, b"\0" * 4)
            )
        except (OSError, ValueError):  # closed meanwhile
            return 0
        return int(size)

    def _end(self) -> None:
        self.fired = True
        self._transport.close()
        self._ended.set()
        if self._session is not None:
            self._session.event.set()  # a wait that began after the connection died
