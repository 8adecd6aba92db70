"""The module's own folder on the appliance's disk."""

from __future__ import annotations

import os
from pathlib import Path
from typing import BinaryIO

FILE_MODE = 0o600
FOLDER_MODE = 0o700


class FileStore:
    """Files of lines, each line durable before `append` returns.

    A line ends with a newline; what follows the last newline was torn by a power cut
    and never reported as written, so it is left out and cut off by the next append.

    Args:
        folder: where the files are; made when it does not exist.
    """

    def __init__(self, folder: str | Path) -> None:
        self._folder = Path(folder)
        if not self._folder.is_dir():
            self._folder.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
            _sync_folder(self._folder.parent)

    def append(self, name: str, line: str) -> None:
        """Append one line and make it durable; see `redundancy.ports.Store.append`.

        Raises:
            ValueError: the line holds a line break.
            OSError: the disk refused; the file is as it was before.
        """
        if "\n" in line:
            raise ValueError("one line is appended at a time")
        path = self._folder / name
        created = not path.exists()
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, FILE_MODE)
        try:
            end = _end_of_whole_lines(descriptor)
            os.ftruncate(descriptor, end)
            try:
                _write_at(descriptor, (line + "\n").encode(), end)
                os.fsync(descriptor)
            except OSError:
                os.ftruncate(descriptor, end)
                raise
        finally:
            os.close(descriptor)
        if created:
            _sync_folder(self._folder)

    def lines(self, name: str) -> list[str]:
        """Return the whole lines of a file, none if it does not exist; bytes of no text escaped."""
        try:
            content = (self._folder / name).read_bytes()
        except FileNotFoundError:
            return []
        return [line.decode(errors="backslashreplace") for line in content.split(b"\n")[:-1]]

    def open(self, path: str) -> BinaryIO:
        """Open a file that the contract named for reading."""
        return Path(path).open("rb")


def _end_of_whole_lines(descriptor: int) -> int:
    size = os.fstat(descriptor).st_size
    if size == 0 or os.pread(descriptor, 1, size - 1) == b"\n":
        return size
    return os.pread(descriptor, size, 0).rfind(b"\n") + 1


def _write_at(descriptor: int, data: bytes, offset: int) -> None:
    while data:
        written = os.pwrite(descriptor, data, offset)
        data, offset = data[written:], offset + written


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
