"""Opening a database: sound, of a format that is known here, and not in use by others.

What is damaged is never written to. A content or a mail queue that is damaged is put aside,
whole, so that the appliance can come up without it and what it held can still be saved;
without its identity, or with a state of a newer format, an appliance does not come up.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from emulator.appliance.refusal import Refusal, is_damage
from emulator.appliance.reports import report
from emulator.ports import Database, DatabaseLockedError, Disk, Machine

FORMAT = 1
ASIDE = "damaged"
SIDE_FILES = ("", "-wal", "-shm")  # SQLite's own, beside a database

Schema = Mapping[str, str]  # table -> how it is created


class OutOfOrder(Refusal):
    """The appliance cannot come up; people must act. Nothing was changed."""


class DamagedDatabase(OutOfOrder):
    """A database that SQLite cannot read, or that lacks what it must hold."""

    def __init__(self, path: str, why: str) -> None:
        super().__init__(
            "damaged",
            f"the database {path} is damaged ({why}); it was left as it is",
            "keep a copy of it, and restore the appliance from a backup",
        )


def make(connection: sqlite3.Connection, schema: Schema) -> None:
    """Make the tables of a new database, within a transaction."""
    for statement in schema.values():
        connection.execute(statement)
    connection.execute(f"PRAGMA user_version = {FORMAT}")


def opened(disk: Disk, path: str, schema: Schema) -> Database:
    """Open a database and look whether it is sound.

    Raises:
        DamagedDatabase: it is not sound, or is not there.
        OutOfOrder: `newer-format`, `locked`.
    """
    return _opened(disk, path, schema, lambda _database: None)


def opened_or_made(disk: Disk, path: str, schema: Schema) -> Database:
    """Open a database, making its tables where there is nothing yet.

    Raises:
        OutOfOrder: as `opened`.
    """

    def make_tables(database: Database) -> None:
        if not _tables(database):
            with database.transaction() as connection:
                make(connection, schema)

    return _opened(disk, path, schema, make_tables)


def _opened(disk: Disk, path: str, schema: Schema, prepare: Callable[[Database], None]) -> Database:
    with understood(path):
        database = disk.database(path)
        try:
            prepare(database)
            _examine(database, path, schema)
        except BaseException:
            with contextlib.suppress(sqlite3.Error):
                database.close()
            raise
    return database


def _tables(database: Database) -> set[str]:
    rows = database.read("SELECT name FROM sqlite_master WHERE type = 'table'")
    return {str(row[0]) for row in rows}


def _examine(database: Database, path: str, schema: Schema) -> None:
    version = int(database.read("PRAGMA user_version")[0][0])
    if version > FORMAT:
        raise OutOfOrder(
            "newer-format",
            f"the database {path} is of format {version}; this version knows {FORMAT} at most",
            "start the version again that wrote it, or restore a backup of this version",
        )
    missing = sorted(set(schema) - _tables(database))
    if missing:
        raise DamagedDatabase(path, f"the table {missing[0]} is missing")
    if database.read("PRAGMA quick_check(1)")[0][0] != "ok":
        raise DamagedDatabase(path, "its pages do not fit together")


@contextmanager
def understood(path: str) -> Iterator[None]:
    """Turn what SQLite says of a database into a refusal that names it."""
    try:
        yield
    except DatabaseLockedError as error:
        raise OutOfOrder("locked", str(error), "end that program, then try again") from error
    except sqlite3.DatabaseError as error:
        if is_damage(error):
            raise DamagedDatabase(path, str(error)) from error
        raise


def set_aside(machine: Machine, path: str) -> None:
    """Put a damaged database aside, with what SQLite keeps beside it, and say so."""
    disk = machine.disk
    folder, _, name = path.rpartition("/")
    stamp = round(machine.calendar.now().timestamp() * 1000)
    disk.sync_dir(ASIDE)  # makes the folder
    for suffix in reversed(SIDE_FILES):  # the database last: what is cut before starts over
        with contextlib.suppress(FileNotFoundError):
            disk.rename(f"{path}{suffix}", f"{ASIDE}/{stamp}-{name}{suffix}")
    disk.sync_dir(ASIDE)
    disk.sync_dir(folder)
    report(machine, "database.set-aside", path, file=f"{ASIDE}/{stamp}-{name}")


def kept_aside(disk: Disk) -> list[str]:
    """Return the names of the damaged databases that are kept aside."""
    return [name for name in disk.list(ASIDE) if name.endswith(".db")]


def forget(disk: Disk, name: str) -> None:
    """Remove a damaged database that is kept aside.

    Raises:
        Refusal: `no-such-file`.
    """
    if name not in kept_aside(disk):
        raise Refusal("no-such-file", f"{name[:60]} is not kept aside", "status lists what is")
    for suffix in reversed(SIDE_FILES):
        with contextlib.suppress(FileNotFoundError):
            disk.unlink(f"{ASIDE}/{name}{suffix}")
