"""A disk that a lab can fill, and whose reads it can let fail (`emulator.ports.Disk`)."""

from __future__ import annotations

import contextlib
import errno
import os
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO, Self, cast

from emulator.ports import Database, Disk, DiskUsage, WritableFile

PAGE = 4096  # the least that a database commits


class Room:
    """How much the disk still takes.

    Attributes:
        refused: how often it had none.
    """

    def __init__(self) -> None:
        self._order = threading.Lock()
        self._left: int | None = None  # None: as much as the machine's disk takes
        self.refused = 0

    def limit(self, size: int | None) -> None:
        """Take so many bytes more; None: no limit."""
        with self._order:
            self._left = size

    def left(self, free: int) -> int:
        """Return how many of so many free bytes can be had."""
        with self._order:
            return free if self._left is None else min(self._left, free)

    def take(self, size: int) -> int:
        """Return how many of some bytes there is room for; it is taken."""
        with self._order:
            if self._left is None:
                return size
            fits = min(size, self._left)
            self._left -= fits
            self.refused += fits < size
            return fits

    def give(self, size: int) -> None:
        """Give bytes back."""
        with self._order:
            if self._left is not None:
                self._left += size


class RiggedFile:
    """A file being written, as long as there is room."""

    def __init__(self, file: WritableFile, room: Room) -> None:
        self._file = file
        self._room = room

    def write(self, data: bytes, /) -> int:
        """Append bytes.

        Raises:
            OSError: ENOSPC; what there was room for has been written.
        """
        fits = self._room.take(len(data))
        if fits < len(data):
            self._file.write(data[:fits])
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return self._file.write(data)

    def sync(self) -> None:
        """Make the bytes written so far durable."""
        self._file.sync()

    def close(self) -> None:
        """Close."""
        self._file.close()


class UnreadableFile:
    """A file whose every read fails."""

    def __init__(self, file: BinaryIO, failed: Callable[[], None]) -> None:
        self._file = file
        self._failed = failed

    def read(self, size: int = -1, /) -> bytes:
        """Fail.

        Raises:
            OSError: EIO.
        """
        del size
        self._failed()
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()


class RiggedDatabase:
    """A database that commits as long as there is room."""

    def __init__(self, database: Database, room: Room) -> None:
        self._database = database
        self._room = room

    def read(self, sql: str, values: Iterable[Any] = ()) -> list[sqlite3.Row]:
        """Run a query."""
        return self._database.read(sql, values)

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Open a transaction.

        Raises:
            sqlite3.OperationalError: SQLITE_FULL at the commit, which is rolled back.
        """
        with self._database.transaction() as connection:
            before = connection.total_changes
            yield connection
            if connection.total_changes != before and self._room.take(PAGE) < PAGE:
                error = sqlite3.OperationalError("database or disk is full")
                error.sqlite_errorcode = sqlite3.SQLITE_FULL
                raise error

    def close(self) -> None:
        """Close the database."""
        self._database.close()


class RiggedDisk:
    """The machine's disk, with what a lab does to it."""

    def __init__(self, disk: Disk) -> None:
        self._disk = disk
        self._room = Room()
        self._unreadable = ""
        self._failed = 0

    def fill(self, leaving: int) -> None:
        """Be full after so many bytes more; what is removed makes room again."""
        self._room.limit(leaving)

    def free(self) -> int:
        """Take anything again; how often it was full."""
        self._room.limit(None)
        return self._room.refused

    def fail_reads(self, folder: str) -> None:
        """Let reads of the files below a folder fail."""
        self._unreadable = folder

    def read(self) -> int:
        """Let all reads succeed again; how many failed."""
        self._unreadable = ""
        return self._failed

    def create(self, path: str, mode: int = 0o600) -> RiggedFile:
        """Create (or truncate) a file."""
        self._give_back(path)
        return RiggedFile(self._disk.create(path, mode), self._room)

    def append(self, path: str, mode: int = 0o600) -> RiggedFile:
        """Open a file for appending."""
        return RiggedFile(self._disk.append(path, mode), self._room)

    def open(self, path: str) -> BinaryIO:
        """Open a file for reading."""
        file = self._disk.open(path)
        if self._unreadable and path.startswith(f"{self._unreadable}/"):
            return cast("BinaryIO", UnreadableFile(file, self._note_failure))
        return file

    def rename(self, old: str, new: str) -> None:
        """Replace `new` by `old` atomically."""
        self._give_back(new)
        self._disk.rename(old, new)

    def unlink(self, path: str) -> None:
        """Remove a file."""
        self._give_back(path)
        self._disk.unlink(path)

    def sync_dir(self, path: str) -> None:
        """Make the names in a folder durable."""
        self._disk.sync_dir(path)

    def sync_all(self) -> None:
        """Make every byte and every name so far durable."""
        self._disk.sync_all()

    def folders(self, path: str) -> list[str]:
        """Return the names of the folders in a folder, sorted."""
        return self._disk.folders(path)

    def list(self, path: str) -> list[str]:
        """Return the names of the files in a folder, sorted."""
        return self._disk.list(path)

    def size(self, path: str) -> int:
        """Return a file's size in bytes."""
        return self._disk.size(path)

    def usage(self) -> DiskUsage:
        """Return how full the disk is, or seems."""
        found = self._disk.usage()
        free = self._room.left(found.free)
        return DiskUsage(found.size, found.size - free, free)

    def database(self, path: str) -> RiggedDatabase:
        """Open or create a database file."""
        return RiggedDatabase(self._disk.database(path), self._room)

    def location(self, path: str) -> str:
        """Return how other programs of this machine name a file."""
        return self._disk.location(path)

    def _give_back(self, path: str) -> None:
        with contextlib.suppress(FileNotFoundError):
            self._room.give(self._disk.size(path))

    def _note_failure(self) -> None:
        self._failed += 1
