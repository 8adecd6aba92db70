"""A control channel over a stream socket."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterable


class SocketPipe:
    """Lines over a connected stream socket (`emulator.nodelink.Pipe`)."""

    def __init__(self, peer: socket.socket) -> None:
        self._peer = peer
        self._reader = peer.makefile("rb")

    def send(self, line: bytes) -> None:
        """Write one line."""
        self._peer.sendall(line)

    def lines(self) -> Iterable[bytes]:
        """Yield whole lines until the other side ends; a torn last line is left out."""
        with contextlib.suppress(OSError, ValueError):
            for line in self._reader:
                if line.endswith(b"\n"):
                    yield line

    def close(self) -> None:
        """Hang up; a reader in another thread ends."""
        with contextlib.suppress(OSError):
            self._peer.shutdown(socket.SHUT_RDWR)
        self._peer.close()
