"""What a drill left behind, as checkers read it: history, recording, mails, clients."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from email import message_from_bytes, policy
from functools import cached_property
from typing import Any

from pydantic import AwareDatetime, BaseModel, ConfigDict

from emulator.lab import Event, NodeInfo
from emulator.telephones import Call
from emulator.telephones import Telephone as Phone
from scenarios.frames import ArpFrame, arp_frames
from scenarios.models.scenario import Scenario


class EngineBuild(BaseModel):
    """Another build of the module that the appliances were given (`run --engine`).

    Attributes:
        path: where it was taken from.
        sha256: of all of its files.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: str
    sha256: str


class Asked(BaseModel):
    """How a scenario was asked for on the command line.

    Attributes:
        name: its id in the library, or its file.
        options: `KEY=VALUE` of every parameter, those of a profile first.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    options: tuple[str, ...] = ()


class Plan(BaseModel):
    """What was run: enough to run it again.

    Attributes:
        scenario: the scenario as it was read.
        seed: of everything that was generated.
        commit: of the project, "unknown" outside of a work tree.
        backend: where it ran.
        real_time: whether the Calendar was the computer's own.
        start: the Calendar at power-on.
        engine: the module's build, if it is not the project's own.
        asked: how the scenario was asked for, if not by its id alone.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    scenario: Scenario
    seed: int
    commit: str
    backend: str
    real_time: bool
    start: AwareDatetime
    engine: EngineBuild | None = None
    asked: Asked | None = None


@dataclass(frozen=True)
class Times:
    """When a drill took place, by the clock of whoever ran it.

    Attributes:
        began, ended: before the lab was built, after it was removed.
    """

    began: datetime
    ended: datetime

    @property
    def took_s(self) -> float:
        """How long it took, set-up and removal included."""
        return (self.ended - self.began).total_seconds()


@dataclass(frozen=True)
class StoredMail:
    """A message that the sink took."""

    message_id: str
    sender: str
    recipients: tuple[str, ...]
    subject: str
    received_s: float


@dataclass(frozen=True)
class Watch:
    """What a station saw of an address: when who answered."""

    address: str
    sent: int
    answers: tuple[tuple[float, str], ...]


@dataclass(frozen=True)
class Telephone:
    """A telephone with a user agent: how it behaves, and what it saw.

    Attributes:
        extension, model: whose it is, and vendor and model.
        transport: of SIP.
        registers_every_s, neighbour_cache_s, heeds_announcements: `emulator.telephones.Behaviour`,
            scaled as the lab says.
        address: at which it registers.
        answers: every good answer to a registration: when, and from which MAC.
        restarts: when somebody pulled its plug and put it in again.
        calls: as it saw them.
    """

    extension: str
    model: str
    transport: str
    registers_every_s: float
    neighbour_cache_s: float
    heeds_announcements: bool
    address: str
    answers: tuple[tuple[float, str], ...]
    restarts: tuple[float, ...] = ()
    calls: tuple[Call, ...] = ()

    @classmethod
    def of(cls, phone: Phone, address: str) -> Telephone:
        """Take down what a telephone of a lab has seen."""
        handset, seen = phone.handset, phone.record()
        behaviour = handset.behaviour
        return cls(
            extension=handset.extension,
            model=handset.model,
            transport=behaviour.transport,
            registers_every_s=behaviour.registers_every_s,
            neighbour_cache_s=behaviour.neighbour_cache_s,
            heeds_announcements=behaviour.heeds_announcements,
            address=address,
            answers=seen.answers,
            restarts=seen.restarts,
            calls=seen.calls,
        )

    @property
    def watch(self) -> Watch:
        """What it saw of the address."""
        return Watch(self.address, len(self.answers), self.answers)


@dataclass(frozen=True)
class SecretScan:
    """How the lab's own secrets were looked for in the evidence.

    Attributes:
        searched: how many secrets were looked for.
        found: files that hold one; never the secret itself.
    """

    searched: int
    found: tuple[str, ...]


@dataclass(frozen=True)
class Seal:
    """Whether the evidence is as the run wrote it.

    Attributes:
        files: how many were sealed.
        broken: those that were changed, removed or added since.
    """

    files: int
    broken: tuple[str, ...]


@dataclass(frozen=True)
class Read:
    """An appliance's state at a moment, as one of its commands told it (`status`, `users`)."""

    number: int
    node: str
    moment: str
    what: str
    answer: Mapping[str, Any]


@dataclass(frozen=True)
class Record:
    """A drill's record."""

    plan: Plan
    events: tuple[Event, ...]
    stations: tuple[NodeInfo, ...] = ()
    mails: tuple[StoredMail, ...] = ()
    observed: Watch | None = None
    pings: Mapping[str, Watch] = field(default_factory=dict)
    telephones: Mapping[str, Telephone] = field(default_factory=dict)
    crowd: Mapping[str, Watch] = field(default_factory=dict)
    pcap: bytes = b""
    texts: Mapping[str, str] = field(default_factory=dict)
    scan: SecretScan | None = None
    sealed: Seal | None = None
    times: Times | None = None

    @property
    def watches(self) -> Mapping[str, Watch]:
        """What every client saw of the address that it watched, by name."""
        return {**self.pings, **{name: one.watch for name, one in self.telephones.items()}}

    @cached_property
    def frames(self) -> tuple[ArpFrame, ...]:
        """The ARP packets of the recording, in order of time; none where none was made."""
        if not self.pcap:
            return ()
        return tuple(sorted(arp_frames(self.pcap), key=lambda frame: frame.at_s))

    @cached_property
    def reads(self) -> tuple[Read, ...]:
        """Everything that the runner read from the appliances."""
        return tuple(
            Read(
                number=event.number,
                node=str(event.detail["node"]),
                moment=str(event.detail["moment"]),
                what=event.cause,
                answer=event.detail["answer"],
            )
            for event in self.select("runner", "read")
        )

    def select(self, source: str, *names: str, node: str | None = None) -> Iterator[Event]:
        """Yield the events of a source by name, in order."""
        for event in self.events:
            if event.source == source and event.event in names and node in {None, event.node}:
                yield event

    def answer(self, node: str, what: str, moment: str = "final") -> Mapping[str, Any] | None:
        """Return the last answer of a kind that was read from an appliance at a moment."""
        found = [
            read.answer
            for read in self.reads
            if (read.node, read.what, read.moment) == (node, what, moment)
        ]
        return found[-1] if found else None

    def message(self, mail: StoredMail) -> str | None:
        """Return subject and text of a message as its reader sees it; None where not stored."""
        for name, raw in self.texts.items():
            if name.startswith("mails/") and name.endswith(".eml") and mail.message_id in raw:
                parsed = message_from_bytes(raw.encode(), policy=policy.default)
                body = parsed.get_body(("plain",))
                return None if body is None else f"{mail.subject}\n{body.get_content()}"
        return None

    def station(self, name: str) -> NodeInfo:
        """Return a node of the lab as it was made.

        Raises:
            KeyError: the record speaks of none.
        """
        for station in self.stations:
            if station.name == name:
                return station
        raise KeyError(f"the record knows no node {name}")

    @property
    def appliances(self) -> tuple[NodeInfo, ...]:
        """The appliances of the lab."""
        return tuple(one for one in self.stations if one.name.startswith("pbx"))

    def name_of(self, mac: str) -> str:
        """Return the node with a MAC address, or the MAC itself of a stranger."""
        return next((one.name for one in self.stations if one.mac == mac), mac)


def event_row(event: Event) -> dict[str, Any]:
    """Render an event for `events.jsonl`."""
    return {
        "number": event.number,
        "wall_s": event.wall_s,
        "served": event.served.isoformat(),
        "node": event.node,
        "source": event.source,
        "event": event.event,
        "cause": event.cause,
        "detail": dict(event.detail),
    }


def event_from(row: Mapping[str, Any]) -> Event:
    """Read what `event_row` rendered."""
    return Event(**{**row, "served": datetime.fromisoformat(row["served"])})
