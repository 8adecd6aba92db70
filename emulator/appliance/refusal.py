"""How the appliance declines: one exception, and what the disk's errors mean."""

from __future__ import annotations

import errno
import sqlite3

from emulator.ports import DatabaseLockedError


class Refusal(Exception):  # noqa: N818 - the field's word; "RefusalError" says nothing more
    """The appliance declines a command; becomes the `error` of its answer.

    Attributes:
        code: machine-readable, as listed in the contract.
        message: what is wrong and where.
        remedy: what to do.
    """

    def __init__(self, code: str, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.remedy = remedy


class Usage(Refusal):
    """The command itself is wrong (exit status 2)."""

    def __init__(
        self, message: str, remedy: str = "appliancectl --help lists the commands"
    ) -> None:
        super().__init__("usage", message, remedy)


def translate(error: Exception) -> Refusal:
    """Return the refusal that an error means; never shows more than the error's kind and place."""
    if isinstance(error, Refusal):
        return error
    of_disk = _of_disk(error)
    if of_disk is not None:
        return of_disk
    if isinstance(error, ConnectionError):
        return Refusal("connection-lost", "the connection ended before all bytes had arrived")
    if isinstance(error, DatabaseLockedError):
        return Refusal("locked", str(error), "end that program, then try again")
    if is_damage(error):
        return Refusal(
            "damaged",
            f"a database of this appliance is damaged ({error})",
            "restart the appliance: it puts the damaged file aside, and says so",
        )
    place = error.__traceback__
    while place is not None and place.tb_next is not None:
        place = place.tb_next
    where = "" if place is None else f" in {place.tb_frame.f_code.co_name}"
    return Refusal(
        "internal",
        f"{type(error).__name__}{where}",
        "this is a defect of the appliance; appliancectl log shows what came before",
    )


def _of_disk(error: Exception) -> Refusal | None:
    """Return the refusal that an error of the disk means; None for any other error."""
    if _disk_full(error):
        return Refusal(
            "disk-full",
            "the appliance's disk is full; nothing was changed",
            "remove old backups or give the appliance a larger disk",
        )
    if _disk_broken(error):
        return Refusal(
            "disk-error",
            "the appliance's disk cannot be read or written; nothing was changed",
            "check the disk; if it fails, restore a backup on other hardware",
        )
    return None


def is_damage(error: Exception) -> bool:
    """Whether an error of SQLite means that the file itself is broken."""
    codes = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
    code = getattr(error, "sqlite_errorcode", None)
    return isinstance(error, sqlite3.DatabaseError) and code is not None and code & 0xFF in codes


def _disk_full(error: Exception) -> bool:
    if isinstance(error, sqlite3.OperationalError):
        return getattr(error, "sqlite_errorcode", sqlite3.SQLITE_OK) == sqlite3.SQLITE_FULL
    return isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def _disk_broken(error: Exception) -> bool:
    if isinstance(error, sqlite3.DatabaseError):
        # The low byte is the kind, whatever detail SQLite adds above it.
        kind = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_OK) & 0xFF
        return kind in (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY)
    return isinstance(error, OSError) and error.errno in (errno.EIO, errno.EROFS)
