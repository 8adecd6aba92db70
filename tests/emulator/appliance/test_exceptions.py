"""Every exception that a library can raise is mapped: the libraries say which there are."""

from __future__ import annotations

import errno
import smtplib
import socket
import sqlite3
import ssl
from collections.abc import Iterator
from pathlib import Path

import paramiko
import pytest

from emulator.appliance import refusal
from emulator.appliance.linux import machine as linux
from emulator.ports import MailServer
from redundancy.adapters import ssh
from redundancy.adapters.ssh_channel import Limits, SshChannel
from redundancy.errors import ConnectionLost, IndefiniteError, RedundancyError

SERVER = MailServer("198.18.7.30", 25, "pbx@example.com")


def family(base: type[BaseException]) -> Iterator[type[BaseException]]:
    """Yield a class and everything below it that its own library (or Python) defines."""
    yield base
    for one in base.__subclasses__():
        if one.__module__.partition(".")[0] in LIBRARIES:
            yield from family(one)


LIBRARIES = {"builtins", "paramiko", "smtplib", "socket", "sqlite3", "ssl"}
KEY = paramiko.ECDSAKey.generate()
ARGUMENTS: dict[type[BaseException], tuple[object, ...]] = {
    paramiko.BadHostKeyException: ("host", KEY, KEY),
    paramiko.BadAuthenticationType: ("bad", ["publickey"]),
    paramiko.ssh_exception.PartialAuthentication: (["password"],),
    paramiko.ChannelException: (1, "administratively prohibited"),
    paramiko.ssh_exception.NoValidConnectionsError: ({("198.18.7.20", 22): OSError("refused")},),
    paramiko.ProxyCommandFailure: ("nc", "1"),
    paramiko.ssh_exception.CouldNotCanonicalize: ("x",),
    UnicodeEncodeError: ("ascii", "mü", 1, 2, "not in range"),
    smtplib.SMTPResponseException: (421, b"closing"),
    smtplib.SMTPSenderRefused: (550, b"no", "pbx@example.com"),
    smtplib.SMTPRecipientsRefused: ({"a@example.com": (550, b"unknown")},),
}  # fmt: skip


def made(kind: type[BaseException]) -> BaseException:
    for base in kind.__mro__:
        if base in ARGUMENTS:
            return kind(*ARGUMENTS[base])
    return kind("text") if kind.__module__ != "builtins" else kind(errno.EIO, "text")


SSH = {
    *family(paramiko.SSHException),
    *family(OSError),
    EOFError,
    ValueError,
    ssl.SSLError,
    socket.gaierror,
}
MAIL = {*family(smtplib.SMTPException), *family(OSError), *family(UnicodeError)} - {
    UnicodeDecodeError,
    UnicodeTranslateError,
}


class Breaking:
    """A transport of which everything raises the same."""

    sock = None

    def __init__(self, error: BaseException) -> None:
        self._error = error

    def open_session(self, **_limits: float) -> object:
        raise self._error

    def close(self) -> None:
        """Nothing is open."""


@pytest.mark.parametrize("kind", sorted(SSH, key=lambda one: one.__qualname__))
def test_no_exception_of_ssh_or_sockets_leaves_the_channel(kind: type[BaseException]) -> None:
    channel = SshChannel(Breaking(made(kind)), Limits())  # type: ignore[arg-type]  # breaks at once
    with pytest.raises(RedundancyError) as caught:
        channel.call(["status"])
    assert isinstance(caught.value, ConnectionLost | IndefiniteError)


@pytest.mark.parametrize("kind", sorted(SSH, key=lambda one: one.__qualname__))
def test_whatever_breaks_a_handshake_is_a_lost_connection(kind: type[BaseException]) -> None:
    error = ssh._translated(made(kind), "198.18.7.20:22")  # type: ignore[arg-type]  # no exit
    assert isinstance(error, ConnectionLost)
    assert "198.18.7.20:22" in error.message


@pytest.mark.parametrize("kind", sorted(MAIL, key=lambda one: one.__qualname__))
def test_every_error_of_mail_says_whether_the_server_or_this_message_is_at_fault(
    kind: type[BaseException],
) -> None:
    error = linux._undelivered(made(kind), SERVER, "a@example.com")  # type: ignore[arg-type]
    refused = issubclass(
        kind,
        smtplib.SMTPRecipientsRefused
        | smtplib.SMTPSenderRefused
        | smtplib.SMTPDataError
        | UnicodeError,
    )
    assert isinstance(error, ConnectionError) is not refused
    assert str(error)


@pytest.mark.covers("T11")
@pytest.mark.parametrize("number", sorted(errno.errorcode))
def test_every_error_of_the_file_system_becomes_a_refusal_with_a_cause(number: int) -> None:
    causes = {
        **dict.fromkeys((errno.ENOSPC, errno.EDQUOT, errno.EFBIG), "disk-full"),
        **dict.fromkeys((errno.EIO, errno.EROFS), "disk-error"),
    }
    error = OSError(number, "text")
    expected = "connection-lost" if isinstance(error, ConnectionError) else "internal"
    assert refusal.translate(error).code == causes.get(number, expected)


@pytest.mark.covers("T11")
@pytest.mark.parametrize("kind", sorted(family(sqlite3.Error), key=lambda one: one.__qualname__))
def test_every_error_of_sqlite_becomes_a_refusal(kind: type[BaseException]) -> None:
    assert refusal.translate(kind("text")).code == "internal"  # type: ignore[arg-type]  # no exit


@pytest.mark.covers("T11")
@pytest.mark.parametrize(
    ("number", "code"),
    [
        (sqlite3.SQLITE_FULL, "disk-full"),
        (sqlite3.SQLITE_IOERR_FSYNC, "disk-error"),
        (sqlite3.SQLITE_IOERR_WRITE, "disk-error"),
        (sqlite3.SQLITE_CORRUPT, "damaged"),
        (sqlite3.SQLITE_READONLY, "disk-error"),
        (sqlite3.SQLITE_BUSY, "internal"),
    ],
)
def test_an_error_of_the_disk_below_sqlite_says_so(number: int, code: str) -> None:
    error = sqlite3.OperationalError("text")
    error.sqlite_errorcode = number
    assert refusal.translate(error).code == code


def test_a_disk_that_is_really_full_is_told_by_sqlite(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / "x.db")
    connection.execute("PRAGMA max_page_count = 2")
    with pytest.raises(sqlite3.OperationalError) as caught:
        connection.execute("CREATE TABLE t AS SELECT zeroblob(100000) AS b")
    connection.close()
    assert refusal.translate(caught.value).code == "disk-full"
