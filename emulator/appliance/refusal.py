"""How the appliance declines: one exception, and what the disk's errors mean."""

from __future__ import annotations

import errno
import sqlite3


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
    if _disk_full(error):
        return Refusal(
            "disk-full",
            "the appliance's disk is full; nothing was changed",
            "remove old backups or give the appliance a larger disk",
        )
    if isinstance(error, ConnectionError):
        return Refusal("connection-lost", "the connection ended before all bytes had arrived")
    place = error.__traceback__
    while place is not None and place.tb_next is not None:
        place = place.tb_next
    where = "" if place is None else f" in {place.tb_frame.f_code.co_name}"
    return Refusal(
        "internal",
        f"{type(error).__name__}{where}",
        "this is a defect of the appliance; appliancectl log shows what came before",
    )


def _disk_full(error: Exception) -> bool:
    if isinstance(error, sqlite3.OperationalError):
        return error.sqlite_errorcode == sqlite3.SQLITE_FULL
    return isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
