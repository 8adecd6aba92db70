"""What a drill left behind, as checkers read it: history, recording, mails, clients."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

from pydantic import AwareDatetime, BaseModel, ConfigDict

from emulator.lab import Event, NodeInfo
from scenarios.frames import ArpFrame, arp_frames
from scenarios.models import Scenario


class Plan(BaseModel):
    """What was run: enough to run it again.

    Attributes:
        scenario: the scenario as it was read.
        seed: of everything that was generated.
        commit: of the project, "unknown" outside of a work tree.
        backend: where it ran.
        real_time: whether the Calendar was the computer's own.
        start: the Calendar at power-on.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    scenario: Scenario
    seed: int
    commit: str
    backend: str
    real_time: bool
    start: AwareDatetime


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
    pcap: bytes = b""
    texts: Mapping[str, str] = field(default_factory=dict)
    scan: SecretScan | None = None
    sealed: Seal | None = None

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
