"""The control socket: `appliancectl` hands over its arguments and its standard input.

A request is one message: the arguments, each ended by NUL, and the descriptor of standard
input (SCM_RIGHTS). The answer is the exit status as one digit, then the JSON envelope. So
the bytes of `receive` go from sshd's pipe straight to the appliance.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import socket
import struct
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO, cast

from emulator.ports import Calendar

LONGEST_REQUEST = 128 * 1024
CREDENTIALS = struct.Struct("3i")  # pid, uid, gid (unix(7))

Dispatch = Callable[[Sequence[str], BinaryIO], Mapping[str, Any]]


class PeerStream:
    """A client's standard input. Closing it from another thread ends a read that waits.

    Not a file object of `io`: those close themselves when they are collected, long after
    their descriptors' numbers have gone to somebody else.

    Args:
        descriptor: taken over; `release` gives it back.
        client: the process that it came from.
    """

    def __init__(self, descriptor: int, client: int) -> None:
        self.client = client
        self._descriptor = descriptor
        self._closing = os.eventfd(0, os.EFD_CLOEXEC)
        self._order = threading.Lock()  # between closing and releasing; never while reading
        self._released = False
        self._poll = select.poll()
        self._poll.register(descriptor, select.POLLIN)
        self._poll.register(self._closing, select.POLLIN)

    def read(self, size: int = -1, /) -> bytes:
        """Read what is there, at least one byte; b"" at the end.

        Raises:
            ConnectionAbortedError: the stream was closed.
        """
        ready = [descriptor for descriptor, _ in self._poll.poll()]
        if self._closing in ready:
            raise ConnectionAbortedError("the stream was closed")
        return os.read(self._descriptor, LONGEST_REQUEST if size < 0 else size)

    def close(self) -> None:
        """End the reader; harmless when repeated or too late."""
        with self._order:
            if not self._released:
                os.eventfd_write(self._closing, 1)

    def release(self) -> None:
        """Give the descriptors back; the reader is done."""
        with self._order:
            self._released = True
            os.close(self._descriptor)
            os.close(self._closing)


class ControlSocket:
    """Serves `appliancectl` clients, each in a thread that holds the Calendar."""

    def __init__(self, path: Path, dispatch: Dispatch, calendar: Calendar) -> None:
        self._dispatch = dispatch
        self._calendar = calendar
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(str(path))
        path.chmod(0o600)
        self._listener.listen(64)

    def start(self) -> None:
        """Take clients from now on."""
        threading.Thread(target=self._accept, name="control", daemon=True).start()

    def close(self) -> None:
        """Take no further clients."""
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                peer, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(peer,), daemon=True).start()

    def _serve(self, peer: socket.socket) -> None:
        with peer, contextlib.suppress(OSError):
            data, descriptors, _flags, _address = socket.recv_fds(peer, LONGEST_REQUEST, 1)
            raw = peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, CREDENTIALS.size)
            client, _uid, _gid = CREDENTIALS.unpack(raw)
            descriptor = descriptors[0] if descriptors else os.open("/dev/null", os.O_RDONLY)
            stream = PeerStream(descriptor, client)
            argv = data.decode("utf-8", "surrogateescape").split("\0")[:-1]
            try:
                with self._calendar.hold(" ".join(argv[:2])):
                    answer = self._dispatch(argv, cast("BinaryIO", stream))
                    # Sent within the hold: the far side counts on it until the answer is there.
                    peer.sendall(encode(answer))
            finally:
                stream.release()


def encode(answer: Mapping[str, Any]) -> bytes:
    """Render an answer with its exit status in front."""
    status = 0 if answer["ok"] else 2 if answer["error"]["code"] == "usage" else 1
    return f"{status}{json.dumps(answer)}\n".encode()
