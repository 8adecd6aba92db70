"""How far a backup is that is being written."""

from __future__ import annotations

from emulator.ports import WritableFile


class Progress:
    """A backup file while it is being written; counts the bytes that pass.

    Attributes:
        file: its name when it is whole.
        total: about how many bytes it will have.
        written: how many it has.
    """

    def __init__(self, file: str, total: int, target: WritableFile) -> None:
        self.file = file
        self.total = total
        self.written = 0
        self._target = target

    def write(self, data: bytes, /) -> int:
        """Append bytes."""
        self.written += len(data)
        return self._target.write(data)

    def sync(self) -> None:
        """Make them durable."""
        self._target.sync()

    def close(self) -> None:
        """Close the file."""
        self._target.close()
