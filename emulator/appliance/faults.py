"""Transfer faults that a lab arms; the product's path knows only a stream (T1)."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from typing import BinaryIO, cast

from emulator.ports import Machine


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


class TransferFaults:
    """Cuts the next transfers after an exact part of their payload.

    Args:
        sever: breaks the connection that a stream belongs to.
    """

    def __init__(self, machine: Machine, sever: Callable[[BinaryIO], None]) -> None:
        self._machine = machine
        self._sever = sever
        self._order = threading.Lock()
        self._fraction = 0.0
        self._count = 0

    def arm(self, fraction: float, count: int) -> None:
        """Cut the next `count` transfers after `fraction` of their bytes."""
        with self._order:
            self._fraction, self._count = fraction, count

    def tap(self, stream: BinaryIO, size: int) -> BinaryIO:
        """Return what an announced transfer is to be read through."""
        with self._order:
            if not self._count:
                return stream
            self._count -= 1
            after = math.floor(self._fraction * size)

        def cut() -> None:
            self._machine.emit("wire", "cut", "", {"byte": after, "size": size})
            self._sever(stream)

        return cast("BinaryIO", CutStream(stream, after, cut))
