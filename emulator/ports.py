"""What the appliance program needs from the machine that it runs on.

One program runs on every backend. On `docker` and `netns` the machine is Linux
(`emulator.appliance.linux`); in simulation it is `emulator.sim`. Paths are strings,
relative to the appliance's state directory.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, BinaryIO, Literal, Protocol


class Bell(Protocol):
    """Wakes the one thread that waits for it; rung early, it is remembered once."""

    def ring(self) -> None:
        """Wake the waiter; it holds the Calendar again before this returns."""


class Calendar(Protocol):
    """Date and time of day, possibly served by a lab's timekeeper."""

    def now(self) -> datetime:
        """Return what this machine's clock shows, timezone-aware, in UTC."""

    def reference(self) -> datetime:
        """Return the lab's instant, however this machine's clock is set: events are stamped so."""

    def shift(self, by: timedelta) -> None:
        """Set this machine's clock forward or back.

        Raises:
            NotImplementedError: it is the computer's own.
        """

    def bell(self) -> Bell:
        """Make a bell that `wait` listens to."""

    def wait(self, until: datetime | None, bell: Bell) -> bool:
        """Let go of the Calendar until an instant (True) or until the bell rings (False)."""

    def rest(self, duration: timedelta, bell: Bell) -> timedelta:
        """Let go until a duration has passed, however the clock is set meanwhile (C3).

        Returns:
            What is left of it: nothing, or the rest when the bell rang before.
        """

    def hold(self, why: str) -> AbstractContextManager[None]:
        """Keep the Calendar from moving while work that came from outside is done.

        Every thread that `Machine.start` did not start (a web request, a command) works
        inside a hold.
        """


class Stopwatch(Protocol):
    """Elapsed time, for waits for packets and bytes; holds the Calendar."""

    def now_s(self) -> float:
        """Return seconds since an arbitrary start; never goes back."""

    def sleep(self, duration_s: float) -> None:
        """Wait."""


class WritableFile(Protocol):
    """A file being written."""

    def write(self, data: bytes, /) -> int:
        """Append bytes; OSError(ENOSPC) when the disk is full."""

    def sync(self) -> None:
        """Make the bytes written so far durable (fsync)."""

    def close(self) -> None:
        """Close; harmless when repeated."""


class DatabaseLockedError(OSError):
    """Another program has a database to itself, and has not let go within the limit."""

    def __init__(self, path: str, holders: Sequence[str], waited_s: float) -> None:
        who = ", ".join(holders) or "another program"
        super().__init__(f"{path} has been locked by {who} for longer than {waited_s:g} s")


class Database(Protocol):
    """An SQLite database with durable commits."""

    def read(self, sql: str, values: Iterable[Any] = ()) -> list[sqlite3.Row]:
        """Run a query."""

    def transaction(self) -> AbstractContextManager[sqlite3.Connection]:
        """Open a transaction: committed durably at the end, rolled back on an exception.

        Serialised: one at a time. Nothing inside may wait on a clock.
        """

    def close(self) -> None:
        """Close the database."""


@dataclass(frozen=True)
class DiskUsage:
    """How much a disk holds and still takes, in bytes."""

    size: int
    used: int
    free: int


class Disk(Protocol):
    """The appliance's disk. Nothing is durable before `sync`, no name before `sync_dir`."""

    def create(self, path: str, mode: int = 0o600) -> WritableFile:
        """Create (or truncate) a file; parent folders are made."""

    def append(self, path: str, mode: int = 0o600) -> WritableFile:
        """Open a file for appending, creating it if need be."""

    def open(self, path: str) -> BinaryIO:
        """Open a file for reading, seekable."""

    def rename(self, old: str, new: str) -> None:
        """Replace `new` by `old` atomically."""

    def unlink(self, path: str) -> None:
        """Remove a file; FileNotFoundError if there is none."""

    def sync_dir(self, path: str) -> None:
        """Make the names in a folder durable."""

    def sync_all(self) -> None:
        """Make every byte and every name so far durable: one barrier for many files."""

    def folders(self, path: str) -> list[str]:
        """Return the names of the folders in a folder, sorted."""

    def list(self, path: str) -> list[str]:
        """Return the names of the files in a folder, sorted; empty if there is no folder."""

    def size(self, path: str) -> int:
        """Return a file's size in bytes; FileNotFoundError if there is none."""

    def usage(self) -> DiskUsage:
        """Return how full the disk is."""

    def database(self, path: str) -> Database:
        """Open or create a database file."""

    def location(self, path: str) -> str:
        """Return how other programs of this machine name a file (the absolute path)."""


@dataclass(frozen=True)
class Interface:
    """The LAN interface as the appliance wants it."""

    mac: str
    addresses: tuple[tuple[str, int], ...]  # (IPv4 address, prefix length); the first is primary
    gateway: str
    dns: tuple[str, ...]


class Ear(Protocol):
    """Is told of the LAN port, on a thread that does not hold the Calendar."""

    def claimed(self, address: str, mac: str) -> None:
        """An ARP packet of another says that it holds an address of ours (RFC 5227, 2.4)."""

    def linked(self, *, up: bool) -> None:
        """The link has come or gone."""


class Network(Protocol):
    """The LAN port of the machine."""

    def apply(self, interface: Interface) -> None:
        """Make the interface exactly so: own MAC, these addresses and no others, up."""

    def probe(self, address: str, listen_s: float) -> frozenset[str]:
        """Ask once who has an address and listen; the MACs of others that hold it."""

    def listen(self, ear: Ear) -> None:
        """Tell of conflicts and of the link, from now on to the machine's end."""

    def announce(self, address: str) -> None:
        """Announce an address of ours, and once more after 2 s (RFC 5227 section 2.3).

        The second announcement is left out where another has claimed the address meanwhile.
        """

    def defend(self, address: str) -> None:
        """Send one announcement of an address of ours (RFC 5227 section 2.4)."""

    def down(self) -> None:
        """Take the port out of service, so that nothing is answered any more."""


class RemoteShell(Protocol):
    """SSH into the appliance."""

    def serve(self, password: str) -> None:
        """Start (or go on) to answer; makes this machine's host keys on the first start."""

    def await_listening(self, stopwatch: Stopwatch) -> None:
        """Wait until connections are taken; OSError when they never are."""

    def listen_at(self, port: int) -> None:
        """Take connections at a port from the next start on (D19)."""

    def stop(self) -> None:
        """Stop answering and end the sessions."""


@dataclass(frozen=True)
class SipAccount:
    """What one phone logs in with (RFC 3261 section 22).

    Attributes:
        name: the user name of its digest; a phone of its own each.
        extension: under which it is called; several phones of one user share it.
        secret: the password of its digest.
    """

    name: str
    extension: str
    secret: str = field(repr=False)


@dataclass(frozen=True)
class Registration:
    """A phone that the registrar knows (RFC 3261 section 10).

    Attributes:
        contact: where it is called.
        expires_s: so long it is known, unless it comes back.
    """

    extension: str
    contact: str
    expires_s: int


class Telephony(Protocol):
    """The SIP server of the machine: registrar, proxy, and relay of the calls' audio."""

    def serve(self, address: str, accounts: Sequence[SipAccount]) -> None:
        """Answer at an address; from now on these accounts count, and no others.

        The server starts anew only where the address is another one; then it knows no
        registration. Nothing happens where all is so already.

        Raises:
            OSError: it does not start.
        """

    def stop(self) -> None:
        """Refuse everyone: nothing listens any more, and calls lose their audio."""

    def registrations(self) -> tuple[Registration, ...]:
        """Return who is registered, by extension; nobody where nothing is served."""


@dataclass(frozen=True)
class MailServer:
    """Where the appliance hands its mails in (R56).

    Attributes:
        sender: of all mails.
        security: `starttls` (RFC 3207) or `tls` (RFC 8314), certificates checked; or `none`.
        user, password: for SMTP AUTH (RFC 4954); no user, no AUTH.
        html: mails carry an HTML form beside the text.
    """

    host: str
    port: int
    sender: str
    security: Literal["none", "starttls", "tls"] = "none"
    user: str = ""
    password: str = field(default="", repr=False)
    html: bool = False


class Machine(Protocol):
    """The box: everything outside of the appliance program."""

    @property
    def disk(self) -> Disk:
        """The disk."""

    @property
    def calendar(self) -> Calendar:
        """The clock."""

    @property
    def stopwatch(self) -> Stopwatch:
        """Elapsed time."""

    @property
    def network(self) -> Network:
        """The LAN port."""

    @property
    def remote_shell(self) -> RemoteShell:
        """SSH."""

    @property
    def telephony(self) -> Telephony:
        """SIP."""

    def listens(self, port: int) -> bool:
        """Tell whether a program of this machine takes TCP connections at a port."""

    def start(self, name: str, body: Callable[[], None]) -> None:
        """Start a thread; it holds the Calendar until it waits on it."""

    def submit_mail(self, server: MailServer, recipient: str, message: bytes) -> None:
        """Hand one message to an SMTP server.

        Raises:
            ConnectionError: the server is away or takes nothing from us now.
            OSError: it refuses this message, with its words.
        """

    def entropy(self, length: int) -> bytes:
        """Return unpredictable bytes (session keys, identifiers)."""

    def emit(self, source: str, event: str, cause: str, detail: Mapping[str, Any]) -> None:
        """Tell the lab what happened; also a line in the appliance's log. Never raises."""
