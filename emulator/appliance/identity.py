"""`identity.db`: what stays with the box when its content is replaced (D7)."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import replace

from emulator.appliance.records import Facts
from emulator.appliance.vault import Vault
from emulator.ports import Database, Disk

FILE = "identity.db"
ROOT_PASSWORD = "identity/root_password"  # noqa: S105 - the secret's place, not the secret


class Identity:
    """The one row of facts, and the registers of backups and snapshots beside it.

    Attributes:
        vault: of this box; it seals the root password here and the secrets of the content.
    """

    def __init__(self, database: Database, vault: Vault) -> None:
        self._database = database
        self.vault = vault

    @classmethod
    def open(cls, disk: Disk, vault: Vault) -> Identity:
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
            connection.execute(
                "CREATE TABLE IF NOT EXISTS snapshot (file TEXT PRIMARY KEY,"
                " operation TEXT UNIQUE, epoch INTEGER, generation INTEGER, version TEXT,"
                " taken_at TEXT, size INTEGER, sha256 TEXT)"
            )
        disk.sync_dir("")
        return cls(database, vault)

    @property
    def database(self) -> Database:
        """The database itself, for the registers of backups and snapshots."""
        return self._database

    @property
    def is_new(self) -> bool:
        """Whether this box has never been given its facts."""
        return not self._database.read("SELECT 1 FROM facts")

    def create(self, facts: Facts) -> None:
        """Write the first facts."""
        with self._database.transaction() as connection:
            connection.execute("INSERT INTO facts VALUES (1, ?)", (self._dump(facts),))

    def facts(self) -> Facts:
        """Read the current facts."""
        return self._load(self._database.read("SELECT body FROM facts")[0][0])

    def change(self, step: Callable[[Facts], Facts]) -> Facts:
        """Apply a pure step in one durable transaction; what it raises leaves all as it was."""
        with self._database.transaction() as connection:
            return self.change_within(connection, step)

    def change_within(
        self, connection: sqlite3.Connection, step: Callable[[Facts], Facts]
    ) -> Facts:
        """Apply a step within a transaction that changes more than the facts."""
        row = connection.execute("SELECT body FROM facts").fetchone()
        facts = step(self._load(row[0]))
        connection.execute("UPDATE facts SET body = ?", (self._dump(facts),))
        return facts

    def _dump(self, facts: Facts) -> str:
        sealed = self.vault.seal(facts.root_password, ROOT_PASSWORD)
        return replace(facts, root_password=sealed).dump()

    def _load(self, text: str) -> Facts:
        facts = Facts.load(text)
        return replace(facts, root_password=self.vault.reveal(facts.root_password, ROOT_PASSWORD))

    def close(self) -> None:
        """Close the database."""
        self._database.close()
