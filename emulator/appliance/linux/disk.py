"""The disk port on a Linux file system."""

from __future__ import annotations

import contextlib
import ctypes
import os
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

from emulator.ports import DatabaseLockedError, DiskUsage

FOLDER_MODE = 0o700
WRITE_BEHIND = 8 * 2**20
SYNC_FILE_RANGE_WRITE = 2  # sync_file_range(2): begin to write what is dirty, wait for nothing
LOCK_LIMIT_S = 5.0  # for a database that another program has to itself
_LIBC = ctypes.CDLL(None, use_errno=True)  # neither syncfs nor sync_file_range is in Python's os
_LIBC.sync_file_range.argtypes = (ctypes.c_int, ctypes.c_int64, ctypes.c_int64, ctypes.c_uint)


class LinuxFile:
    """A file being written; unbuffered, so that every byte is where the kernel counts it."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._open = True
        self._unsent = 0  # bytes that the kernel has not been asked to write yet

    def write(self, data: bytes, /) -> int:
        """Append bytes, all of them."""
        view = memoryview(data)
        while view:
            view = view[os.write(self._descriptor, view) :]
        self._unsent += len(data)
        if self._unsent >= WRITE_BEHIND:
            self._unsent = 0
            # Only asks: so the disk works while the next bytes are hashed, and `sync` has little
            # left to wait for. Where it cannot be done, `sync` does it all.
            _LIBC.sync_file_range(self._descriptor, 0, 0, SYNC_FILE_RANGE_WRITE)
        return len(data)

    def sync(self) -> None:
        """Make the bytes durable."""
        os.fsync(self._descriptor)

    def close(self) -> None:
        """Close; harmless when repeated."""
        if self._open:
            self._open = False
            os.close(self._descriptor)


class LinuxDatabase:
    """SQLite in WAL mode: one synced write a commit (synchronous=FULL)."""

    def __init__(self, path: Path, lock_limit_s: float) -> None:
        self._path = path
        self._lock_limit_s = lock_limit_s
        self._connection = sqlite3.connect(
            path, timeout=lock_limit_s, isolation_level=None, check_same_thread=False
        )
        self._connection.row_factory = sqlite3.Row
        self._one_at_a_time = threading.RLock()
        try:
            self.read("PRAGMA journal_mode = WAL")
            self.read("PRAGMA synchronous = FULL")
        except BaseException:
            self._connection.close()
            raise
        path.chmod(0o600)

    def read(self, sql: str, values: Iterable[Any] = ()) -> list[sqlite3.Row]:
        """Run a query."""
        with self._one_at_a_time, self._naming_holders():
            return self._connection.execute(sql, tuple(values)).fetchall()

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Commit durably at the end, roll back on an exception."""
        with self._one_at_a_time:
            with self._naming_holders():
                self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    def close(self) -> None:
        """Close the database."""
        with self._one_at_a_time:
            self._connection.close()

    @contextmanager
    def _naming_holders(self) -> Iterator[None]:
        """Say who has the database, when it stays locked for longer than the limit."""
        try:
            yield
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF not in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
                raise
            who = holders(self._path)
            raise DatabaseLockedError(self._path.name, who, self._lock_limit_s) from error


def holders(path: Path) -> list[str]:
    """Return which other processes have a database open, as far as this machine tells."""
    names = {f"{path}{suffix}" for suffix in ("", "-wal", "-shm")}
    found = []
    for process in sorted(Path("/proc").glob("[0-9]*")):
        if int(process.name) == os.getpid():
            continue
        with contextlib.suppress(OSError):  # it has ended, or is not ours to look at
            opened = {str(link.readlink()) for link in (process / "fd").iterdir()}
            if opened & names:
                found.append(f"{(process / 'comm').read_text().strip()} (process {process.name})")
    return found


class LinuxDisk:
    """A folder of the file system, with fsync where the port promises durability."""

    def __init__(self, root: Path, lock_limit_s: float = LOCK_LIMIT_S) -> None:
        self._root = root.absolute()
        self._lock_limit_s = lock_limit_s
        self._make(self._root)

    def create(self, path: str, mode: int = 0o600) -> LinuxFile:
        """Create or truncate a file."""
        return self._open_for(path, os.O_TRUNC, mode)

    def append(self, path: str, mode: int = 0o600) -> LinuxFile:
        """Open a file for appending."""
        return self._open_for(path, os.O_APPEND, mode)

    def open(self, path: str) -> BinaryIO:
        """Open a file for reading."""
        return self._path(path).open("rb")

    def rename(self, old: str, new: str) -> None:
        """Replace `new` by `old`."""
        self._path(old).replace(self._path(new))

    def unlink(self, path: str) -> None:
        """Remove a file."""
        self._path(path).unlink()

    def sync_dir(self, path: str) -> None:
        """Make the names in a folder durable."""
        folder = self._path(path)
        self._make(folder)
        _sync_folder(folder)

    def sync_all(self) -> None:
        """Make everything on this file system durable (syncfs(2)).

        Raises:
            OSError: something could not be written; Linux 5.8 and later tell.
        """
        descriptor = os.open(self._root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            if _LIBC.syncfs(descriptor):
                number = ctypes.get_errno()
                raise OSError(number, os.strerror(number))
        finally:
            os.close(descriptor)

    def folders(self, path: str) -> list[str]:
        """Return the names of the folders in a folder, sorted."""
        return self._names(path, os.DirEntry.is_dir)

    def _names(self, path: str, wanted: Callable[[os.DirEntry[str]], bool]) -> list[str]:
        try:
            with os.scandir(self._path(path)) as entries:
                return sorted(entry.name for entry in entries if wanted(entry))
        except FileNotFoundError:
            return []

    def list(self, path: str) -> list[str]:
        """Return the names of the files in a folder, sorted."""
        return self._names(path, os.DirEntry.is_file)

    def size(self, path: str) -> int:
        """Return a file's size."""
        return self._path(path).stat().st_size

    def usage(self) -> DiskUsage:
        """Return how full the file system is (statvfs(3)); root's reserve counts as used."""
        found = os.statvfs(self._root)
        size, free = found.f_blocks * found.f_frsize, found.f_bavail * found.f_frsize
        return DiskUsage(size, size - free, free)

    def database(self, path: str) -> LinuxDatabase:
        """Open or create a database."""
        found = self._path(path)
        self._make(found.parent)
        return LinuxDatabase(found, self._lock_limit_s)

    def location(self, path: str) -> str:
        """Return the absolute path."""
        return str(self._path(path))

    def _path(self, path: str) -> Path:
        relative = PurePosixPath(path)
        if relative.is_absolute() or ".." in relative.parts:
            raise ValueError(f"{path!r} is not below the state directory")
        return self._root / relative

    def _open_for(self, path: str, how: int, mode: int) -> LinuxFile:
        found = self._path(path)
        self._make(found.parent)
        flags = os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | how
        return LinuxFile(os.open(found, flags, mode))

    def _make(self, folder: Path) -> None:
        """Make a folder and its parents, their names durable."""
        if folder.is_dir():
            return
        self._make(folder.parent)
        folder.mkdir(mode=FOLDER_MODE, exist_ok=True)
        _sync_folder(folder.parent)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
