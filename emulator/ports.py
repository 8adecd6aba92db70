"""What the appliance program needs from the machine that it runs on.

One program runs on every backend. On `docker` and `netns` the machine is Linux
(`emulator.appliance.linux`); in simulation it is `emulator.sim`. Paths are strings,
relative to the appliance's state directory.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, BinaryIO, Protocol


class Bell(Protocol):
    """Wakes the one thread that waits for it; rung early, it is remembered once."""

    def ring(self) -> None:
        """Wake the waiter; it holds the Calendar again before this returns."""


class Calendar(Protocol):
    """Date and time of day, possibly served by a lab's timekeeper."""

    def now(self) -> datetime:
        """Return the current instant, timezone-aware, in UTC."""

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

    def list(self, path: str) -> list[str]:
        """Return the names of the files in a folder, sorted; empty if there is no folder."""

    def size(self, path: str) -> int:
        """Return a file's size in bytes; FileNotFoundError if there is none."""

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


class Network(Protocol):
    """The LAN port of the machine."""

    def apply(self, interface: Interface) -> None:
        """Make the interface exactly so: own MAC, these addresses and no others, up."""

    def probe(self, address: str, listen_s: float) -> frozenset[str]:
        """Ask once who has an address and listen; the MACs of others that hold it."""


class RemoteShell(Protocol):
    """SSH into the appliance."""

    def serve(self, password: str) -> None:
        """Start (or go on) to answer; makes this machine's host keys on the first start."""

    def stop(self) -> None:
        """Stop answering and end the sessions."""


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

    def start(self, name: str, body: Callable[[], None]) -> None:
        """Start a thread; it holds the Calendar until it waits on it."""

    def submit_mail(
        self, host: str, port: int, sender: str, recipient: str, message: bytes
    ) -> None:
        """Hand one message to an SMTP server; OSError (with the server's words) if it fails."""

    def entropy(self, length: int) -> bytes:
        """Return unpredictable bytes (session keys, identifiers)."""

    def emit(self, source: str, event: str, cause: str, detail: Mapping[str, Any]) -> None:
        """Tell the lab what happened; also a line in the appliance's log. Never raises."""
