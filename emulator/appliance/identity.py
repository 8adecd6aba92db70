"""`identity.db`: what stays with the box when its content is replaced (D7)."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace

from emulator.appliance.databases import DamagedDatabase, opened_or_made
from emulator.appliance.layout import IDENTITY
from emulator.appliance.records import Facts
from emulator.appliance.refusal import Refusal
from emulator.appliance.vault import Vault, without_key
from emulator.ports import Database, Disk

ROOT_PASSWORD = "identity/root_password"  # noqa: S105 - the secret's place, not the secret

SCHEMA = {
    "facts": "CREATE TABLE facts (id INTEGER PRIMARY KEY CHECK (id = 1), body TEXT)",
    "backup": (
        "CREATE TABLE backup (file TEXT PRIMARY KEY, operation TEXT UNIQUE, epoch INTEGER,"
        " generation INTEGER, version TEXT, taken_at TEXT, size INTEGER, sha256 TEXT,"
        " held INTEGER NOT NULL DEFAULT 0, job TEXT NOT NULL, keep INTEGER NOT NULL,"
        " contents TEXT NOT NULL)"
    ),
    "job": "CREATE TABLE job (name TEXT PRIMARY KEY, took_s REAL NOT NULL)",
    "snapshot": (
        "CREATE TABLE snapshot (file TEXT PRIMARY KEY, operation TEXT UNIQUE, epoch INTEGER,"
        " generation INTEGER, version TEXT, taken_at TEXT, size INTEGER, sha256 TEXT)"
    ),
}


class Identity:
    """The one row of facts, and the registers of backups and snapshots beside it.

    Nobody else writes this database, so what was committed last is known without reading it.

    Attributes:
        vault: of this box; it seals the root password here and the secrets of the content.
    """

    def __init__(self, database: Database, vault: Vault) -> None:
        self._database = database
        self.vault = vault
        self._facts: Facts | None = None
        self._order = threading.Lock()  # held from looking at the facts until others are durable
        self._watchers: list[Callable[[], None]] = []

    @classmethod
    def open(cls, disk: Disk, vault: Vault) -> Identity:
        """Open the database; on the first boot, make it.

        Raises:
            OutOfOrder: `damaged`, `newer-format`, `locked`.
        """
        database = opened_or_made(disk, IDENTITY, SCHEMA)
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
        self._write("INSERT INTO facts VALUES (1, ?)", facts)

    def watch(self, told: Callable[[], None]) -> None:
        """Tell somebody whenever the standing of this box has changed (`Facts.standing`)."""
        self._watchers.append(told)

    def facts(self) -> Facts:
        """Return the current facts."""
        if self._facts is None:
            self._facts = self._load(self._database.read("SELECT body FROM facts")[0][0])
        return self._facts

    def change(
        self, step: Callable[[Facts], Facts], then: Callable[[Facts], None] = lambda _facts: None
    ) -> Facts:
        """Apply a pure step in one durable transaction; what it raises leaves all as it was.

        Args:
            step: what is to be different.
            then: what is due before anybody else is told and begins to work on it.
        """
        with self._order:
            before = self.facts()
            facts = step(before)
            if facts != before:
                self._write("UPDATE facts SET body = ?", facts)
        try:
            then(facts)
        finally:
            if facts.standing != before.standing:
                for told in self._watchers:
                    told()
        return facts

    def _write(self, sql: str, facts: Facts) -> None:
        sealed = self.vault.seal(facts.root_password, ROOT_PASSWORD)
        with self._database.transaction() as connection:
            connection.execute(sql, (replace(facts, root_password=sealed).dump(),))
        self._facts = facts

    def _load(self, text: str) -> Facts:
        try:
            facts = Facts.load(text)
        except (ValueError, KeyError, TypeError) as error:
            raise DamagedDatabase(IDENTITY, "its facts cannot be read") from error
        try:
            password = self.vault.reveal(facts.root_password, ROOT_PASSWORD)
        except Refusal as error:
            raise without_key("is another one's") from error
        return replace(facts, root_password=password)

    def close(self) -> None:
        """Close the database."""
        self._database.close()
