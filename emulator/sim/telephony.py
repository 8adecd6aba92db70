"""The SIP server of a simulated machine (`emulator.ports.Telephony`)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from emulator.ports import Registration, SipAccount
from emulator.sim.lan import SimLan, Station, us
from emulator.sim.life import Life
from emulator.sim.world import MICROSECONDS

MAX_EXPIRES_S, MIN_EXPIRES_S = 60.0, 5.0  # as kamailio.cfg has them
START_S = 0.1  # until Kamailio answers, as measured


@dataclass(eq=False)
class Service:
    """A time during which a box answers SIP at an address.

    Attributes:
        known: who is registered: extension, contact, and until when; by account.
    """

    station: Station
    address: str
    since_us: int
    until_us: int | None = None
    accounts: dict[str, SipAccount] = field(default_factory=dict)
    known: dict[str, tuple[str, str, int]] = field(default_factory=dict)

    def covers(self, at_us: int) -> bool:
        """Return whether it answers at a time."""
        return self.since_us <= at_us and (self.until_us is None or at_us < self.until_us)

    def register(self, account: SipAccount, contact: str, wish_s: float, at_us: int) -> float:
        """Take a registration in; for how many seconds, 0 where it is refused."""
        if self.accounts.get(account.name) != account:
            return 0.0
        granted_s = min(max(wish_s, MIN_EXPIRES_S), MAX_EXPIRES_S)
        self.known[account.name] = (account.extension, contact, at_us + us(granted_s))
        return granted_s


@dataclass
class Exchanges:
    """Every SIP service of a lab, past ones too: phones are worked out from the past."""

    lan: SimLan
    services: list[Service] = field(default_factory=list)

    def at(self, address: str, mac: str, at_us: int) -> Service | None:
        """Return who answers SIP at an address and MAC at a time."""
        for one in self.services:
            here = one.station.port.mac == mac and one.address == address
            if here and one.covers(at_us):
                return one
        return None

    def silence(self, station: Station) -> None:
        """End the service of a box whose programs have ended."""
        for one in self.services:
            if one.station is station and one.until_us is None:
                one.until_us = self.lan.world.now_us


class SimTelephony:
    """Serves phones for one life of a machine."""

    def __init__(self, exchanges: Exchanges, life: Life, station: Station) -> None:
        self._exchanges = exchanges
        self._lan = exchanges.lan
        self._life = life
        self._station = station
        self._service: Service | None = None

    @property
    def serving(self) -> bool:
        """Whether it answers anybody."""
        return self._service is not None and self._life.alive

    def serve(self, address: str, accounts: Sequence[SipAccount]) -> None:
        """Answer at an address, for these accounts."""
        self._life.check()
        if self._service is None or self._service.address != address:
            self.stop()
            since_us = self._lan.world.now_us + us(START_S)
            self._service = Service(self._station, address, since_us)
            self._exchanges.services.append(self._service)
        self._service.accounts = {one.name: one for one in accounts}

    def stop(self) -> None:
        """Refuse everyone."""
        self._exchanges.silence(self._station)
        self._service = None

    def registrations(self) -> tuple[Registration, ...]:
        """Return who is registered, by extension."""
        for work_out in self._lan.late:
            work_out()
        now_us = self._lan.world.now_us
        known = {} if self._service is None else self._service.known
        found = [
            Registration(extension, contact, (until_us - now_us) // MICROSECONDS)
            for extension, contact, until_us in known.values()
            if until_us > now_us
        ]
        return tuple(sorted(found, key=lambda one: (one.extension, one.contact)))
