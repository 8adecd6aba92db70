"""Streams of Docker Engine: of a program that it runs, of a folder that it packs.

A program's stream goes two ways. After the upgrade the connection carries raw standard input
one way, and the other way frames: one byte says which stream, three are empty, four give the
length, big-endian.
"""

from __future__ import annotations

import contextlib
import io
import socket
import struct
import threading
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

OUT, ERR = 1, 2
HEADER = struct.Struct(">BxxxI")
PIECE = 65536


class ExecStream:
    """A program's standard streams.

    Args:
        response: what the client library gives for an exec with `socket=True`.
    """

    def __init__(self, response: Any) -> None:
        self._response = response  # the connection lives as long as this
        # The library hands out a reader; the socket below it also writes.
        self._socket: socket.socket = getattr(response, "_sock", response)
        self._socket.settimeout(None)

    def send(self, data: bytes) -> None:
        """Write to standard input."""
        self._socket.sendall(data)

    def frames(self) -> Iterator[tuple[int, bytes]]:
        """Yield what comes from standard output and errors until the program ends."""
        while header := self._exactly(HEADER.size):
            stream, length = HEADER.unpack(header)
            yield stream, self._exactly(length)

    def communicate(self, stdin: bytes) -> tuple[bytes, bytes]:
        """Write everything, and read everything at the same time."""
        writer = threading.Thread(target=self._feed, args=(stdin,), daemon=True)
        writer.start()
        pieces: dict[int, list[bytes]] = {OUT: [], ERR: []}
        for stream, data in self.frames():
            pieces[stream].append(data)
        writer.join()
        self.close()
        return b"".join(pieces[OUT]), b"".join(pieces[ERR])

    def close(self) -> None:
        """Hang up; harmless when repeated."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._response.close()

    def _feed(self, stdin: bytes) -> None:
        with contextlib.suppress(OSError):  # the program ended without reading all of it
            self._socket.sendall(stdin)
            self._socket.shutdown(socket.SHUT_WR)

    def _exactly(self, length: int) -> bytes:
        """Read so many bytes; fewer only at the end of the stream."""
        data = b""
        while len(data) < length:
            piece = self._socket.recv(min(PIECE, length - len(data)))
            if not piece:
                return b""
            data += piece
        return data


class ExecPipe:
    """Lines over a program's standard streams (`emulator.nodelink.Pipe`)."""

    def __init__(self, stream: ExecStream) -> None:
        self._stream = stream

    def send(self, line: bytes) -> None:
        """Write one line."""
        self._stream.send(line)

    def lines(self) -> Iterable[bytes]:
        """Yield whole lines of standard output until the program ends."""
        rest = b""
        with contextlib.suppress(OSError):
            for stream, data in self._stream.frames():
                if stream == OUT:
                    *whole, rest = (rest + data).split(b"\n")
                    yield from (line + b"\n" for line in whole)

    def close(self) -> None:
        """Hang up; the program on the node ends."""
        self._stream.close()


class Coming(io.RawIOBase):
    """Bytes as they come, to be read as a file: not all of them need fit into memory."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = iter(pieces)
        self._left = memoryview(b"")

    def readable(self) -> bool:
        """Say that it can be read."""
        return True

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        """Fill a buffer as far as the piece at hand goes; 0 at the end."""
        if not self._left:
            self._left = memoryview(next(self._pieces, b""))
        target = memoryview(buffer).cast("B")
        count = min(len(self._left), len(target))
        target[:count] = self._left[:count]
        self._left = self._left[count:]
        return count
