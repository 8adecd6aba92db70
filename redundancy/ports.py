"""What the engine asks of the world: small protocols, each with a real and a fake adapter.

Two ports are time. The **Calendar** says when something is due (schedule slots, the
wait between attempts, the age of data); in a lab it may be served. The **Stopwatch**
measures waits for packets and bytes; it is real wherever packets are real. A thread
that runs, or waits on the Stopwatch, holds the Calendar; only `Calendar.wait` lets go.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, BinaryIO, Protocol


class Bell(Protocol):
    """Wakes the one thread that waits for it; rung early, it is remembered once."""

    def ring(self) -> None:
        """Wake the waiter. The waiter holds the Calendar again before this returns."""


class Calendar(Protocol):
    """Date and time of day of this appliance."""

    def now(self) -> datetime:
        """Return the current instant, timezone-aware, in UTC."""

    def bell(self) -> Bell:
        """Make a bell that `wait` listens to."""

    def wait(self, until: datetime | None, bell: Bell) -> bool:
        """Let go of the Calendar until an instant is reached or the bell rings.

        Returns:
            True when `until` was reached, False when the bell rang. None waits for the bell.
        """

    def rest(self, duration: timedelta, bell: Bell) -> timedelta:
        """Let go until a duration has passed, however the clock is set meanwhile (C3).

        Returns:
            What is left of it: nothing, or the rest when the bell rang before.
        """

    def hold(self, why: str) -> AbstractContextManager[None]:
        """Keep the Calendar from moving while a thread that nobody started works."""


class Stopwatch(Protocol):
    """Elapsed time, for everything that waits for packets or bytes."""

    def now_s(self) -> float:
        """Return seconds since an arbitrary start; never goes back."""

    def sleep(self, duration_s: float) -> None:
        """Wait, holding the Calendar."""


@dataclass(frozen=True)
class Payload:
    """Bytes that go to a command's standard input.

    Attributes:
        stream: where they are read from.
        size: how many there are, in bytes.
        stall_limit_s: the longest time without progress (D12).
        progress: called with the number of bytes handed over so far.
    """

    stream: BinaryIO
    size: int
    stall_limit_s: float
    progress: Callable[[int], None]


class Channel(Protocol):
    """A way to run commands of the appliance contract on one appliance."""

    def call(self, argv: Sequence[str], payload: Payload | None = None) -> Mapping[str, Any]:
        """Run `appliancectl --json ARGV` and return the `result` of its answer.

        Raises:
            RedundancyError: as in `redundancy.errors`. A cut before the command was
                started, or while its payload was still being sent, is definite; a cut
                while its answer was awaited is indefinite.
        """

    def close(self) -> None:
        """End the connection; harmless when repeated."""


@dataclass(frozen=True)
class StandbyAccess:
    """How the active reaches the standby (R33 to R36, D11, D19)."""

    user: str
    password: str
    host: str
    port: int = 22
    host_key: str | None = None  # "ssh-ed25519 AAAA…"; None: not pinned yet

    def __repr__(self) -> str:
        """Leave the password out of logs and tracebacks."""
        return f"StandbyAccess({self.user}@{self.host}:{self.port})"


class Transport(Protocol):
    """SSH to the other appliance."""

    def connect(self, access: StandbyAccess) -> Channel:
        """Log in and return a channel to the far appliance.

        Raises:
            ConnectionLost, AuthenticationFailed, HostKeyChanged: see `redundancy.errors`.
        """

    def host_key(self, access: StandbyAccess) -> str:
        """Return the host key that the far side shows, without logging in (D11)."""


class Addresses(Protocol):
    """IPv4 addresses on the wire (RFC 826, RFC 5227); raw frames, no ARP cache."""

    def probe(self, address: str, listen_s: float) -> frozenset[str]:
        """Ask once who has an address, with an all-zero sender, and listen.

        Returns:
            The MAC addresses (lower case, colons) of *others* that answered, or that
            showed by any ARP packet of theirs that they hold the address.
        """

    def announce(self, address: str) -> None:
        """Send one gratuitous ARP request and one gratuitous reply for an address of ours."""


class Store(Protocol):
    """A durable place for the module's journal and state, on this appliance's disk."""

    def append(self, name: str, line: str) -> None:
        """Append one line to a file and make it durable before returning."""

    def lines(self, name: str) -> list[str]:
        """Return the whole lines of a file; a torn last line is left out."""

    def open(self, path: str) -> BinaryIO:
        """Open a file that the contract named (a backup's `path`) for reading."""


class Services(Protocol):
    """What the module host gives to a module that it loads."""

    @property
    def calendar(self) -> Calendar:
        """The appliance's clock."""

    @property
    def stopwatch(self) -> Stopwatch:
        """Elapsed time."""

    @property
    def local(self) -> Channel:
        """The contract of the appliance that the module runs on."""

    @property
    def transport(self) -> Transport:
        """SSH to the other appliance."""

    @property
    def addresses(self) -> Addresses:
        """The LAN."""

    @property
    def store(self) -> Store:
        """The module's own folder."""

    def secret(self, field: str) -> str:
        """Return a secret field of the module's own configuration, "" if it has none.

        `module get` shows no secret to anybody: fields named `…_password` or `…_secret` come
        back empty there, and only the module that owns them is given them, in memory (D15).
        """

    def start(self, name: str, body: Callable[[], None]) -> None:
        """Start a thread of the module; it holds the Calendar until it waits on it."""

    def report(self, event: str, cause: str, detail: Mapping[str, Any]) -> None:
        """Write one line to the appliance's log (and, in a lab, to its event stream)."""
