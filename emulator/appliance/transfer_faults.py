"""Faults of a transfer into an appliance; the product's path knows only a stream (T1, T12)."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO, cast

from emulator.ports import Calendar, Machine

Deed = Callable[[bytes], bytes]


class TappedStream:
    """Hands over a number of bytes; then something happens to it.

    Args:
        after: how many bytes pass before it.
        deed: is given what is read next, one byte of it at least, and returns what the
            reader gets; b"" before the end of the stream was reached.
    """

    def __init__(self, source: BinaryIO, after: int, deed: Deed) -> None:
        self._source = source
        self._left = after
        self._deed: Deed | None = deed

    def read(self, size: int = -1, /) -> bytes:
        """Read on, at least one byte; b"" at the end."""
        if self._deed is None:
            return self._source.read(size)
        if self._left:
            wanted = self._left if size < 0 else min(size, self._left)
            piece = self._source.read(wanted)
            self._left -= len(piece)
            return piece
        deed, self._deed = self._deed, None
        return deed(self._source.read(min(size, 1) if size >= 0 else 1))

    def close(self) -> None:
        """End the reader, as fencing does."""
        self._source.close()


class HeldStream:
    """Hands over a number of bytes, then nothing until it is let go; the Calendar goes on.

    So a receiver lives on whose sender has long given up.
    """

    def __init__(self, source: BinaryIO, after: int, calendar: Calendar) -> None:
        self._source = source
        self._left = after
        self._calendar = calendar
        self._bell = calendar.bell()
        self._free = self._closed = False

    def read(self, size: int = -1, /) -> bytes:
        """Read on; at its byte only once it is let go.

        Raises:
            ConnectionAbortedError: it was closed, as fencing does.
        """
        if not self._left and not self._free:
            self._calendar.wait(None, self._bell)
        if self._closed:
            raise ConnectionAbortedError("the stream was closed")
        if self._free:
            return self._source.read(size)
        piece = self._source.read(self._left if size < 0 else min(size, self._left))
        self._left -= len(piece)
        return piece

    def let_go(self) -> None:
        """Let the reader go on; harmless when it was never held or has ended."""
        self._free = True
        self._bell.ring()

    def close(self) -> None:
        """End the reader."""
        self._closed = True
        self._source.close()
        self._bell.ring()


class CutStream:
    """Hands over a number of bytes, then the connection is gone.

    Args:
        cut: called once, when the last byte has been read.
    """

    def __init__(self, source: BinaryIO, after: int, cut: Callable[[], None]) -> None:
        self._source = source
        self._left = after
        self._cut = cut

    def read(self, size: int = -1, /) -> bytes:
        """Read on until the byte of the cut.

        Raises:
            ConnectionResetError: it is reached.
        """
        wanted = self._left if size < 0 else min(size, self._left)
        piece = self._source.read(wanted) if wanted else b""
        self._left -= len(piece)
        if self._left:
            return piece
        self._cut()
        raise ConnectionResetError("cut by the lab")

    def close(self) -> None:
        """End the reader, as fencing does."""
        self._source.close()


@dataclass
class _Armed:
    """What befalls the next transfers.

    Attributes:
        count: how many of them.
        fraction, before_last: at which byte.
        tap: makes the stream that they are read through, from it and that byte.
    """

    count: int
    fraction: float
    before_last: bool
    tap: Callable[[BinaryIO, int, int], BinaryIO]

    def byte(self, size: int) -> int:
        """Return how many bytes of a transfer pass before it."""
        return size - 1 if self.before_last else math.floor(self.fraction * size)


class TransferFaults:
    """Does something to the next transfers at an exact byte of their payload.

    Args:
        sever: breaks the connection that a stream belongs to.
    """

    def __init__(self, machine: Machine, sever: Callable[[BinaryIO], None]) -> None:
        self._machine = machine
        self._sever = sever
        self._order = threading.Lock()
        self._armed: list[_Armed] = []
        self._done = 0  # transfers that were cut or falsified
        self._held: list[HeldStream] = []

    def arm_cut(self, fraction: float, count: int, *, before_last: bool = False) -> None:
        """Cut the connection of the next transfers at a byte."""
        self._arm(_Armed(count, fraction, before_last, self._cut))

    def arm_flip(self, fraction: float, count: int, *, before_last: bool = False) -> None:
        """Turn one bit of a byte of the next transfers around."""
        self._arm(_Armed(count, fraction, before_last, self._flip))

    def disarm(self) -> int:
        """Let further transfers pass; how many were cut or falsified."""
        with self._order:
            self._armed.clear()
            done, self._done = self._done, 0
            return done

    def arm_halt(self, fraction: float, before_last: bool, halt: Callable[[], None]) -> None:  # noqa: FBT001 - which byte, as in a lever's values
        """Stand still at a byte of the next transfer."""

        def tap(stream: BinaryIO, after: int, _size: int) -> BinaryIO:
            def deed(piece: bytes) -> bytes:
                halt()
                return piece

            return cast("BinaryIO", TappedStream(stream, after, deed))

        self._arm(_Armed(1, fraction, before_last, tap))

    def arm_hold(self, fraction: float, *, before_last: bool = False) -> None:
        """Hold the reader of the next transfer at a byte, whatever becomes of its sender (T15)."""

        def tap(stream: BinaryIO, after: int, _size: int) -> BinaryIO:
            held = HeldStream(stream, after, self._machine.calendar)
            self._held.append(held)
            return cast("BinaryIO", held)

        self._arm(_Armed(1, fraction, before_last, tap))

    def release(self) -> int:
        """Let whoever is held go on; how many were."""
        with self._order:
            held, self._held = self._held, []
            self._armed.clear()
        for one in held:
            one.let_go()
        return len(held)

    def tap(self, stream: BinaryIO, size: int) -> BinaryIO:
        """Return what an announced transfer is to be read through."""
        with self._order:
            armed = [one for one in self._armed if one.count]
            for one in armed:
                one.count -= 1
        for one in armed:
            stream = one.tap(stream, one.byte(size), size)
        return stream

    def _arm(self, armed: _Armed) -> None:
        with self._order:
            self._armed.append(armed)

    def _cut(self, stream: BinaryIO, after: int, size: int) -> BinaryIO:
        def cut() -> None:
            self._done += 1
            self._machine.emit("wire", "cut", "", {"byte": after, "size": size})
            self._sever(stream)

        return cast("BinaryIO", CutStream(stream, after, cut))

    def _flip(self, stream: BinaryIO, after: int, size: int) -> BinaryIO:
        def flip(piece: bytes) -> bytes:
            self._done += 1
            self._machine.emit("wire", "flipped", "", {"byte": after, "size": size})
            return bytes([piece[0] ^ 1]) + piece[1:] if piece else piece

        return cast("BinaryIO", TappedStream(stream, after, flip))
