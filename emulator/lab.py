"""A lab as drills and the command line see it, the same on every backend."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO, Literal, Protocol

import httpx

from emulator.company.sounds import Sound
from emulator.levers import Levers
from emulator.telephones import Clients, Crowd, Telephone


@dataclass(frozen=True)
class ApplianceSpec:
    """One appliance to be made.

    Attributes:
        name: its identity in the lab, `pbx1` or `pbx2`.
        factory: the factory settings that it boots from for the first time
            (`emulator.factory` makes them).
        sounds: the files that its content refers to, by SHA-256; they are placed where the
            appliance keeps such files, before it boots for the first time.
    """

    name: str
    factory: Mapping[str, Any]
    sounds: Mapping[str, Sound] = field(default_factory=dict)


@dataclass(frozen=True)
class LabSpec:
    """A lab to be made.

    Attributes:
        name: lower case, digits, hyphens; part of every label.
        subnet: a /24 in CIDR form.
        appliances: the appliances, in boot order.
        seed: of everything that is generated.
        start: the Calendar at power-on; None: the real clock and real waits.
        phones: how many clients with a primed ARP cache stand on the LAN, from .101.
        clients: what they are instead; None: nothing else stands on the LAN.
        others: more clients, by name: a `router` with a long ARP cache, a `web` client.
        engine: a folder of this computer that holds another build of the module's package; None:
            the appliances have the one that came along.
    """

    name: str
    subnet: str
    appliances: tuple[ApplianceSpec, ...]
    seed: int
    start: datetime | None
    phones: int = 1
    clients: Clients | None = None
    others: tuple[str, ...] = ()
    engine: str | None = None


@dataclass(frozen=True)
class Event:
    """One line of a drill's history.

    Attributes:
        number: rises by one.
        wall_s: real seconds (Unix time on real backends, the Stopwatch in simulation).
        served: the Calendar.
        node: `pbx1`, `mail`, …, or `runner`.
        source: `engine`, `appliance`, `mail`, `address`, `wire`, `runner`.
        event, cause, detail: see docs/design.md, "Events".
    """

    number: int
    wall_s: float
    served: datetime
    node: str
    source: str
    event: str
    cause: str
    detail: Mapping[str, Any]


@dataclass(frozen=True)
class MailRecord:
    """A message that the sink took."""

    message_id: str
    sender: str
    recipients: tuple[str, ...]
    subject: str
    received_s: float
    raw: bytes


@dataclass(frozen=True)
class ArpReply:
    """One answer to the observer's who-has."""

    at_s: float  # Unix time of the frame
    mac: str


@dataclass(frozen=True)
class PingRecord:
    """A client's view of an address: round trips that were answered, and the MAC used."""

    sent: int
    answers: tuple[tuple[float, str], ...]  # (Unix time of the answer, neighbour's MAC)


class Observer(Protocol):
    """A station of its own on the LAN that asks who has an address (scapy)."""

    def who_has(self, address: str, listen_s: float = 0.5) -> tuple[ArpReply, ...]:
        """Ask once; every answer within the time."""

    def watch(self, address: str, interval_s: float = 0.01) -> None:
        """Ask again and again in the background, until `stop`."""

    def stop(self) -> tuple[ArpReply, ...]:
        """End the watch and return every answer."""


class Phone(Protocol):
    """A client on the LAN: a kernel with an ordinary ARP cache that pings an address."""

    def watch(self, address: str, interval_s: float = 0.01) -> None:
        """Ping in the background until `stop`; the first answer primes the cache."""

    def stop(self) -> PingRecord:
        """End the watch and return what was seen."""


class MailSink(Protocol):
    """The lab's SMTP server."""

    def messages(self) -> tuple[MailRecord, ...]:
        """Return everything it has taken, oldest first."""


class Wire(Protocol):
    """The switch: what crosses it, and its cables."""

    def capture(self) -> None:
        """Start to record ARP and SIP on the whole LAN."""

    def pcap(self) -> bytes:
        """Stop and return the recording in pcap form."""

    def carrier(self, node: str, *, up: bool) -> None:
        """Plug a node's cable in or out."""


class ApplianceNode(Protocol):
    """One appliance from outside."""

    @property
    def name(self) -> str:
        """Its identity."""

    def ctl(self, argv: Sequence[str], stdin: bytes = b"") -> Mapping[str, Any]:
        """Run `appliancectl --json ARGV` over the control channel; the `result`.

        Raises:
            CommandRefused: it answered with an error.
            NodeDown: the appliance is off.
        """

    def browser(self, address: str | None = None) -> httpx.Client:
        """Return an HTTP client whose base URL is the appliance's page at an address.

        The default is its factory address. Cookies are kept; redirects are followed.
        """

    def read(self, path: str) -> bytes:
        """Read a file below the state directory, also while the appliance is off."""

    def copy(self, path: str, into: BinaryIO) -> None:
        """Write such a file to another, a piece in memory at a time: it may have gigabytes."""

    def files(self, path: str) -> list[str]:
        """List a folder below the state directory, also while the appliance is off."""

    def power_off(self) -> None:
        """Pull the plug: link gone, every process dead at once."""

    def await_off(self) -> None:
        """Wait until an appliance that shuts down has ended; its link is gone then.

        Raises:
            LabError: it does not end.
        """

    def running(self) -> bool:
        """Say whether it is switched on."""

    def boot(self) -> None:
        """Power on; returns when it is up (SSH and pages answer)."""

    def exchange(self, spec: ApplianceSpec) -> None:
        """Put another box in its place, as it comes from the factory; nothing of the old stays.

        Raises:
            LabError: it is on.
        """


class Timekeeper(Protocol):
    """Serves the Calendar to the appliances of a lab."""

    def now(self) -> datetime:
        """Return the lab's Calendar."""

    def advance(self, until: datetime, condition: Callable[[], bool] = lambda: False) -> bool:
        """Let time pass until an instant, or until a condition holds.

        The condition is looked at only when everything is quiet (all participants wait),
        before each release. With real time it is looked at several times a second.

        Returns:
            Whether the condition held.

        Raises:
            TimeStands: something held the Calendar longer than the real-time watchdog
                allows; the message names who and why.
        """

    def settle(self) -> None:
        """Wait until everything is quiet without moving time."""

    def at(self, instant: datetime, action: Callable[[], None]) -> None:
        """Do something when time gets to an instant, before anyone who waits for the same."""


@dataclass(frozen=True)
class NodeInfo:
    """One row of `inspect`."""

    name: str
    address: str
    mac: str
    role: str  # "active", "standby", "unconfigured", "mail", "observer", "phone"
    version: str
    url: str
    ssh: str  # the command line, "" where there is none
    health: str  # "up", "off"


class Lab(Protocol):
    """Appliances, mail sink, observer, phones and the wire between them."""

    @property
    def spec(self) -> LabSpec:
        """What it was made from."""

    @property
    def backend(self) -> str:
        """`docker`, `netns` or `sim`."""

    @property
    def timekeeper(self) -> Timekeeper:
        """The Calendar."""

    @property
    def observer(self) -> Observer:
        """The station that asks."""

    @property
    def phones(self) -> Mapping[str, Phone]:
        """Phones that ping, by name (`phone1`, …), and clients of other sorts."""

    @property
    def telephones(self) -> Mapping[str, Telephone]:
        """Phones with a user agent by name (`phone1`, …); then `phones` is empty."""

    @property
    def crowd(self) -> Crowd | None:
        """Many more of them at one place; None where nobody asked for them."""

    @property
    def mail(self) -> MailSink:
        """The mail sink."""

    @property
    def wire(self) -> Wire:
        """The switch."""

    @property
    def levers(self) -> Levers:
        """What faults are made of."""

    def appliance(self, name: str) -> ApplianceNode:
        """Return an appliance by name; KeyError if there is none."""

    def events(self) -> Sequence[Event]:
        """Return everything that happened so far, in order."""

    def note(self, event: str, cause: str = "", **detail: Any) -> None:
        """Add an event of the runner's own."""

    def wall_s(self) -> float:
        """Return the clock that `Event.wall_s`, answers and frames are stamped with."""

    def pause(self, duration_s: float) -> None:
        """Let real time (in simulation: the Stopwatch) pass, holding the Calendar."""

    def describe(self) -> tuple[NodeInfo, ...]:
        """Return the rows of `inspect`."""

    def down(self) -> None:
        """Remove everything; harmless when repeated."""


class LabError(Exception):
    """The lab broke, or cannot be made here (exit code 4)."""

    def __init__(self, message: str, *, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy


class WhichLab(LabError):  # noqa: N818 - says what is asked
    """No lab has the name that was given, or several are up and none was named (exit code 2)."""


class TimeStands(LabError):  # noqa: N818 - says what happened
    """Something holds the Calendar and does not let go."""


class NodeDown(LabError):  # noqa: N818 - says what happened
    """The node is off."""


class NotThere(LabError):  # noqa: N818 - says what happened
    """What somebody wanted to act upon is not there, or is so already; the lab is well."""


class CommandRefused(Exception):  # noqa: N818 - says what happened
    """An appliance declined a command."""

    def __init__(self, code: str, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.remedy = remedy


@dataclass
class History:
    """The growing list of events behind `Lab.events` and `Lab.note`."""

    rows: list[Event] = field(default_factory=list)
    sink: Callable[[Event], None] | None = None

    def add(self, **fields: Any) -> Event:
        """Append an event; its number is given here."""
        event = Event(number=len(self.rows) + 1, **fields)
        self.rows.append(event)
        if self.sink is not None:
            self.sink(event)
        return event


Backend = Literal["docker", "netns", "sim"]


class LabMaker(Protocol):
    """Makes labs on one backend."""

    def make(self, spec: LabSpec, workdir: Path) -> Lab:
        """Build and boot; on failure nothing is left behind.

        Raises:
            LabError: it cannot be made here, with the remedy.
        """
