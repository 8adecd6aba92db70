"""A byte relay on loopback that cuts or stalls a TCP connection where a test says."""

from __future__ import annotations

import socket
import struct
from contextlib import suppress
from threading import Event, Thread

PIECE_SIZE = 16 * 1024
RESET = struct.pack("ii", 1, 0)


class Relay:
    """Passes one connection at a time on to a port.

    Attributes:
        port: where it listens.
        seen: bytes that the client has sent.
    """

    def __init__(self, target: int) -> None:
        self._target = target
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._cut_at: int | None = None
        self._stall_at: int | None = None
        self._released = Event()
        self._ends: list[socket.socket] = []
        self.seen = 0
        Thread(target=self._serve, daemon=True).start()

    def cut_after(self, size: int) -> None:
        """Reset both ends once the client has sent so much."""
        self._cut_at = size

    def stall_after(self, size: int) -> None:
        """Take nothing more from the client once it has sent so much; TCP stays open."""
        self._stall_at = size

    def cut(self) -> None:
        """Reset both ends now."""
        for end in self._ends:
            end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            with suppress(OSError):  # the other direction may have ended it just now
                end.shutdown(socket.SHUT_RDWR)
            end.close()
        self._ends.clear()

    def close(self) -> None:
        self._released.set()
        self._listener.close()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = socket.create_connection(("127.0.0.1", self._target))
            self._ends = [client, server]
            Thread(target=self._pass_back, args=(server, client), daemon=True).start()
            self._pass_on(client, server)

    def _pass_on(self, client: socket.socket, server: socket.socket) -> None:
        try:
            while piece := client.recv(PIECE_SIZE):
                self.seen += len(piece)
                server.sendall(piece)
                if self._cut_at is not None and self.seen >= self._cut_at:
                    self.cut()
                    return
                if self._stall_at is not None and self.seen >= self._stall_at:
                    self._released.wait()
                    return
            server.shutdown(socket.SHUT_WR)
        except OSError:
            return

    def _pass_back(self, server: socket.socket, client: socket.socket) -> None:
        try:
            while piece := server.recv(PIECE_SIZE):
                client.sendall(piece)
            client.shutdown(socket.SHUT_WR)
        except OSError:
            return
