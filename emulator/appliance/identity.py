"""`identity.db`: what stays with the box when its content is replaced (D7)."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable

from emulator.appliance.records import Facts
from emulator.ports import Database, Disk

FILE = "identity.db"


class Identity:
    """The one row of facts, and the register of backups beside it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @classmethod
    def open(cls, disk: Disk) -> Identity:
        """Open the database, making its tables if they are missing."""
        database = disk.database(FILE)
        with database.transaction() as connection:
            connection.execute(
                "CREATE TABLE IF NOT EXISTS facts"
                " (id INTEGER PRIMARY KEY CHECK (id = 1), body TEXT)"
            )
            connection.execute(
                "CREATE TABLE IF NOT EXISTS backup (file TEXT PRIMARY KEY, operation TEXT UNIQUE,"
                " epoch INTEGER, generation INTEGER, version TEXT, taken_at TEXT, size INTEGER,"
                " sha256 TEXT, held INTEGER NOT NULL DEFAULT 0, job TEXT NOT NULL DEFAULT '',"
                " keep INTEGER NOT NULL DEFAULT 5)"
            )
            connection.execute(
                "CREATE TABLE IF NOT EXISTS job (name TEXT PRIMARY KEY, took_s REAL NOT NULL)"
            )
        disk.sync_dir("")
        return cls(database)

    @property
    def database(self) -> Database:
        """The database itself, for the register of backups."""
        return self._database

    @property
    def is_new(self) -> bool:
        """Whether this box has never been given its facts."""
        return not self._database.read("SELECT 1 FROM facts")

    def create(self, facts: Facts) -> None:
        """Write the first facts."""
        with self._database.transaction() as connection:
            connection.execute("INSERT INTO facts VALUES (1, ?)", (facts.dump(),))

    def facts(self) -> Facts:
        """Read the current facts."""
        return Facts.load(self._database.read("SELECT body FROM facts")[0][0])

    def change(self, step: Callable[[Facts], Facts]) -> Facts:
        """Apply a pure step in one durable transaction; what it raises leaves all as it was."""
        with self._database.transaction() as connection:
            return self.change_within(connection, step)

    def change_within(
        self, connection: sqlite3.Connection, step: Callable[[Facts], Facts]
    ) -> Facts:
        """Apply a step within a transaction that changes more than the facts."""
        row = connection.execute("SELECT body FROM facts").fetchone()
        facts = step(Facts.load(row[0]))
        connection.execute("UPDATE facts SET body = ?", (facts.dump(),))
        return facts

    def close(self) -> None:
        """Close the database."""
        self._database.close()
