"""A payload read in a thread of its own, so that reading and checking it costs no sending time."""

from __future__ import annotations

import queue
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from threading import Event, Thread

PIECES_MAX = 8  # that wait to be sent


class ReadAhead:
    """Gives the pieces of a payload in order.

    Args:
        read: reads so many bytes, fewer only at the end; what it raises, `next` raises in turn.
        sizes: of the pieces.
    """

    def __init__(self, read: Callable[[int], bytes], sizes: Iterator[int]) -> None:
        self._read = read
        self._sizes = sizes
        self._pieces: queue.Queue[bytes | Exception] = queue.Queue(PIECES_MAX)
        self._unwanted = Event()
        self._thread = Thread(target=self._work, name="read-ahead", daemon=True)

    @contextmanager
    def reading(self) -> Iterator[ReadAhead]:
        """Read meanwhile; afterwards nobody reads any more."""
        self._thread.start()
        try:
            yield self
        finally:
            self._unwanted.set()
            with suppress(queue.Empty):  # a reader that waits for room goes on, and ends
                while True:
                    self._pieces.get_nowait()
            self._thread.join()

    def next(self) -> bytes:
        """Return the next piece, b"" where the payload has ended early."""
        piece = self._pieces.get()
        if isinstance(piece, Exception):
            raise piece
        return piece

    def _work(self) -> None:
        for size in self._sizes:
            if self._unwanted.is_set():
                return
            try:
                piece = self._read(size)
            except Exception as error:  # noqa: BLE001 - it is the sender's to deal with
                self._pieces.put(error)
                return
            self._pieces.put(piece)
            if not piece:
                return
