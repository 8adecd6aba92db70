"""How far the copy of a large file is: told as its bytes pass."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import IO, Any

Told = Callable[[float], None]  # the fraction that has passed


class Metered(io.RawIOBase):
    """A file that tells how much of it has been read or written.

    Args:
        file: the real one; it stays open.
        size: of the whole, in bytes.
        told: hears the fraction after each piece.
    """

    def __init__(self, file: IO[bytes], size: int, told: Told) -> None:
        super().__init__()
        self._file = file
        self._size = size
        self._told = told

    def readable(self) -> bool:
        """It can be read."""
        return True

    def writable(self) -> bool:
        """It can be written."""
        return True

    def seekable(self) -> bool:
        """It can be begun anew."""
        return True

    def read(self, size: int = -1, /) -> bytes:
        """Read a piece."""
        data = self._file.read(size)
        self._tell()
        return data

    def write(self, data: Any, /) -> int:
        """Write a piece."""
        written = self._file.write(data)
        self._tell()
        return written

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """Go to another place; nothing has passed by that."""
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        """Return the place."""
        return self._file.tell()

    def _tell(self) -> None:
        self._told(min(1.0, self._file.tell() / self._size) if self._size else 1.0)
