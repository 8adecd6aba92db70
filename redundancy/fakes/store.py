"""A disk in memory."""

from __future__ import annotations

import io
from typing import BinaryIO


class MemoryStore:
    """Files of lines, and files that the contract named.

    Attributes:
        files: what `open` finds, by path.
        failing: raised by the next so many appends, for each its error.
        unreadable: raised by every look at the lines, while it is set.
    """

    def __init__(self) -> None:
        self._content: dict[str, str] = {}
        self.files: dict[str, bytes] = {}
        self.failing: list[OSError] = []
        self.unreadable: OSError | None = None

    def append(self, name: str, line: str) -> None:
        """Append one line; a torn one before it is cut off."""
        if "\n" in line:
            raise ValueError("one line is appended at a time")
        if self.failing:
            raise self.failing.pop(0)
        self._content[name] = "".join(f"{one}\n" for one in [*self.lines(name), line])

    def lines(self, name: str) -> list[str]:
        """Return the whole lines of a file."""
        if self.unreadable is not None:
            raise self.unreadable
        return self._content.get(name, "").split("\n")[:-1]

    def tear(self, name: str, remains: str) -> None:
        """Leave the beginning of a line, as a power cut does."""
        self._content[name] = self._content.get(name, "") + remains

    def open(self, path: str) -> BinaryIO:
        """Open one of `files`."""
        if path not in self.files:
            raise FileNotFoundError(path)
        return io.BytesIO(self.files[path])
