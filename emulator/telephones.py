"""Telephones: how models behave that matters in a switchover, and what a lab's are asked for.

The figures are assumptions of the order that such devices show, not measured on them: they are
here so that habits differ as those of real models do. A lab divides its long times by a scale,
says so, and leaves packets as they are. What a Linux kernel does by itself with its
neighbours (30 s, arp(7)) is never scaled.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, Protocol

from emulator.ports import SipAccount

if TYPE_CHECKING:
    from emulator.lab import LabSpec

KERNEL = 0.0
UNTIL_RESTART = float("inf")
HUNG_UP = "hung up"  # why a call is over that somebody ended
ROUTER_CACHE_S = 4 * 3600.0  # of ARP, as routers come from the factory
SHORTEST_INTERVAL_S = 5.0  # the registrar grants nothing shorter


@dataclass(frozen=True)
class Behaviour:
    """A model's habits.

    Attributes:
        transport: of SIP.
        registers_every_s: it asks to be known for so long, and refreshes when that is over.
        retry_s: after a registration that failed.
        heeds_announcements: it takes a gratuitous ARP for what it is (RFC 5227 section 3).
        neighbour_cache_s: how long it believes an ARP answer without asking again: `KERNEL`, a
            time, or `UNTIL_RESTART`: such a phone must be restarted after a switchover (R52).
    """

    transport: Literal["udp", "tcp"]
    registers_every_s: float
    retry_s: float
    heeds_announcements: bool = True
    neighbour_cache_s: float = KERNEL

    @property
    def needs_restart(self) -> bool:
        """Whether it stays away after a switchover until somebody restarts it (R52)."""
        return math.isinf(self.neighbour_cache_s)

    def scaled(self, scale: int) -> Behaviour:
        """Return it with its long times so many times shorter."""
        return replace(
            self,
            registers_every_s=max(self.registers_every_s / scale, SHORTEST_INTERVAL_S),
            retry_s=self.retry_s / scale,
            neighbour_cache_s=self.neighbour_cache_s / scale,
        )


USUAL = Behaviour("udp", registers_every_s=600, retry_s=60)
BEHAVIOURS: Mapping[str, Behaviour] = {
    "snom D385": USUAL,
    "snom D735": Behaviour("tcp", registers_every_s=600, retry_s=60),
    "Yealink T54W": Behaviour(
        "udp",
        registers_every_s=900,
        retry_s=30,
        heeds_announcements=False,
        neighbour_cache_s=1200,
    ),
    "Gigaset N670 IP PRO": Behaviour(
        "udp",
        registers_every_s=600,
        retry_s=120,
        heeds_announcements=False,
        neighbour_cache_s=UNTIL_RESTART,
    ),
    "Mitel 6867i": Behaviour(
        "tcp",
        registers_every_s=900,
        retry_s=60,
        heeds_announcements=False,
        neighbour_cache_s=UNTIL_RESTART,
    ),
}


@dataclass(frozen=True)
class Handset:
    """One telephone of a lab: whose it is, and how it behaves.

    Attributes:
        extension: under which it is called.
        account: the user name of its digest.
        model: vendor and model.
        behaviour: already scaled.
    """

    extension: str
    account: str
    model: str
    behaviour: Behaviour


def handset(key: str, phone: Mapping[str, Any], scale: int) -> Handset:
    """Return a telephone as an appliance's content describes it."""
    model = f"{phone['vendor']} {phone['model']}"
    behaviour = BEHAVIOURS.get(model, USUAL).scaled(scale)
    return Handset(str(phone["user"]), key, model, behaviour)


def telephones_of(spec: LabSpec) -> dict[str, tuple[Handset, SipAccount]]:
    """Return a lab's telephones by name: the phones of the first users of its first appliance."""
    if spec.clients is None:
        return {}
    found = {}
    for number, (key, phone) in enumerate(_owned(spec)[: spec.phones], 1):
        own = handset(key, phone, spec.clients.scale)
        found[f"phone{number}"] = (own, _account(key, phone))
    return found


def crowd_of(spec: LabSpec) -> tuple[SipAccount, ...]:
    """Return the accounts of a lab's crowd: the phones of the users after those."""
    if spec.clients is None:
        return ()
    last = spec.phones + spec.clients.crowd
    return tuple(_account(key, phone) for key, phone in _owned(spec)[spec.phones : last])


def _owned(spec: LabSpec) -> list[tuple[str, Mapping[str, Any]]]:
    phones: Mapping[str, Any] = spec.appliances[0].factory["content"]["phones"]
    return sorted(phones.items(), key=lambda item: int(item[1]["user"]))


def _account(key: str, phone: Mapping[str, Any]) -> SipAccount:
    return SipAccount(key, str(phone["user"]), str(phone["sip_secret"]))


@dataclass(frozen=True)
class Clients:
    """Devices of customers: phones with a user agent, that of the first users (R6).

    Attributes:
        scale: by how much their long times are shorter than in life (`emulator.telephones`).
        crowd: how many more phones register from one place, and do nothing else.
    """

    scale: int = 60
    crowd: int = 0


@dataclass
class Call:
    """A call as one end of it went, in Unix time.

    Attributes:
        peer: the extension at the other end.
        direction: `outgoing` or `incoming`.
        established_s: when they talked; None: never.
        heard_s: the last packet of audio that came; None: none did.
        packets: of audio that came.
        ended_s, ended: when it was over and why; None and "" while it is not.
    """

    peer: str
    direction: str
    began_s: float
    established_s: float | None = None
    heard_s: float | None = None
    packets: int = 0
    ended_s: float | None = None
    ended: str = ""


@dataclass(frozen=True)
class ClientRecord:
    """What a client saw of the address that it is a client of.

    Attributes:
        answers: every good answer: (Unix time, MAC that it came from).
        restarts: when it was restarted.
        calls: of a telephone, as it saw them.
    """

    answers: tuple[tuple[float, str], ...]
    restarts: tuple[float, ...] = ()
    calls: tuple[Call, ...] = ()


class Telephone(Protocol):
    """A telephone with a real user agent; it answers by itself."""

    @property
    def handset(self) -> Handset:
        """Whose it is, and how it behaves."""

    def registered(self, since_s: float, limit_s: float) -> bool:
        """Wait for a good answer to a registration since an instant; whether one came."""

    def dial(self, extension: str, limit_s: float = 10.0) -> Call:
        """Call somebody; returns when they talk, or when it is clear that they will not."""

    def hears(self, packets: int, limit_s: float) -> bool:
        """Wait until so much audio of the newest call has come; whether it has."""

    def hang_up(self) -> None:
        """End the call."""

    def restart(self) -> None:
        """Pull its plug and put it in again (R52)."""

    def record(self) -> ClientRecord:
        """Return everything that was seen so far."""


class Crowd(Protocol):
    """Many telephones at one place, by UDP, that register and do nothing else."""

    def answers(self) -> Mapping[str, tuple[tuple[float, str], ...]]:
        """Return every good answer to a registration: when, and from which MAC; by extension."""
