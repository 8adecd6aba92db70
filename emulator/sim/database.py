"""SQLite in memory whose commits go through the simulated disk.

A commit writes the serialised image beside the old one, syncs it, renames it over the
old one and syncs the folder: it is durable or it never happened, as a real commit is.
"""

from __future__ import annotations

import contextlib
import posixpath
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from emulator.ports import Disk
from emulator.sim.life import Life


class SharedDatabase:
    """The one connection to a database file, however often it was opened.

    Args:
        disk: where the image is kept.
        path: the image's name there.
    """

    def __init__(self, disk: Disk, path: str) -> None:
        self.users = 0
        self._disk = disk
        self._path = path
        self._image = b""
        self.connection = sqlite3.connect(":memory:", isolation_level=None)
        self.connection.row_factory = sqlite3.Row
        if posixpath.basename(path) in disk.list(posixpath.dirname(path)):
            self._image = disk.open(path).read()
            self._load()

    def _load(self) -> None:
        """Copy the image, as a deserialised database serialises only what is committed."""
        with contextlib.closing(sqlite3.connect(":memory:")) as frozen:
            frozen.deserialize(self._image)
            frozen.backup(self.connection)

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Commit durably at the end, or undo everything."""
        self.connection.execute("BEGIN IMMEDIATE")
        try:
            yield self.connection
            self._write()
        except BaseException:
            if self.connection.in_transaction:
                self.connection.execute("ROLLBACK")
            raise
        if self.connection.in_transaction:
            self.connection.execute("COMMIT")

    def _write(self) -> None:
        image = self.connection.serialize()
        if image == self._image:
            return
        written = self._disk.create(f"{self._path}-commit")
        written.write(image)
        written.sync()
        written.close()
        self._disk.rename(f"{self._path}-commit", self._path)
        self._disk.sync_dir(posixpath.dirname(self._path))
        self._image = image

    def leave(self) -> None:
        """Count one user less."""
        self.users -= 1
        if not self.users:
            self.connection.close()


class SimDatabase:
    """A database as one user of it holds it (`emulator.ports.Database`)."""

    def __init__(self, life: Life, shared: SharedDatabase) -> None:
        self._life = life
        self._shared = shared
        self._closed = False
        shared.users += 1

    def read(self, sql: str, values: Iterable[Any] = ()) -> list[sqlite3.Row]:
        """Run a query."""
        self._life.check()
        return self._shared.connection.execute(sql, tuple(values)).fetchall()

    def transaction(self) -> AbstractContextManager[sqlite3.Connection]:
        """Open a transaction."""
        self._life.check()
        return self._shared.transaction()

    def close(self) -> None:
        """Close; harmless when repeated."""
        if not self._closed:
            self._closed = True
            self._shared.leave()
