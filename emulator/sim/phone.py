"""A client on the LAN with a kernel's ARP cache (`emulator.lab.Phone`).

The cache behaves as Linux does with its defaults (arp(7), `base_reachable_time_ms` and
its neighbours): an entry that traffic confirms stays; an unconfirmed one is used for 30 s
and 5 s more, then probed three times by unicast, a second apart, then given up and asked
for by broadcast once a second. Any ARP packet whose sender holds the address updates an
entry that exists, and makes none: that is why a takeover is announced.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from emulator.lab import PingRecord
from emulator.sim.arp import Packet, request
from emulator.sim.lan import ANSWER_US, SimLan, Station, us
from emulator.sim.world import MICROSECONDS, World
from emulator.telephones import ROUTER_CACHE_S

REACHABLE_US = 30 * MICROSECONDS
DELAY_US = 5 * MICROSECONDS
RETRANS_US = MICROSECONDS
UNICAST_PROBES = 3
ROUND_TRIP_US = 200


@dataclass
class Neighbour:
    """One entry of an ARP cache.

    Attributes:
        mac: where frames go, None while nobody answers.
        known: it was asked for, so packets of others may update it.
        confirmed_us: when it was last known to be right.
        stale_us: since when it has been used unconfirmed, None: not so.
        probes: unanswered unicast probes so far.
        asks_again_us: when the next question may go out.
        believed_us: how long an answer is believed.
    """

    mac: str | None = None
    known: bool = False
    confirmed_us: int = 0
    stale_us: int | None = None
    probes: int = 0
    asks_again_us: int = 0
    believed_us: int = REACHABLE_US

    def confirm(self, mac: str, at_us: int) -> None:
        """Note that the neighbour is there."""
        self.mac, self.confirmed_us, self.stale_us, self.probes = mac, at_us, None, 0

    def hear(self, packet: Packet) -> None:
        """Take an unasked packet: it updates an entry and leaves it unconfirmed."""
        if self.known:
            self.confirm(packet.sender_mac, packet.at_us - self.believed_us)


@dataclass(frozen=True)
class Habits:
    """What sort of client it is.

    Attributes:
        believed_us: how long it believes an ARP answer.
        pause_us: at least so long between two looks.
        patience_us: so long it waits for an answer that does not come.
    """

    believed_us: int = REACHABLE_US
    pause_us: int = 0
    patience_us: int = 0


PINGING = Habits()
BROWSING = Habits(pause_us=us(0.2), patience_us=us(1.0))  # as `emulator.agents.web_client` looks


def routing(scale: int) -> Habits:
    """Return the habits of a router in a lab whose long times are divided by a scale."""
    return Habits(believed_us=us(ROUTER_CACHE_S / scale))


@dataclass
class _Watch:
    address: str
    interval_us: int
    next_us: int
    heard_us: int
    sent: int = 0
    answers: list[tuple[float, str]] = field(default_factory=list)


class SimPhone:
    """Pings an address through its ARP cache; worked out from the LAN's past.

    One that looks at the page does so in its own rhythm; a box has its pages while it has its
    address.
    """

    def __init__(
        self, world: World, lan: SimLan, station: Station, habits: Habits = PINGING
    ) -> None:
        self._world = world
        self._lan = lan
        self._station = station
        self._habits = habits
        self._neighbours: dict[str, Neighbour] = {}
        self._watch: _Watch | None = None
        lan.late.append(self._catch_up)

    def watch(self, address: str, interval_s: float = 0.01) -> None:
        """Ping in the background until `stop`; the first answer primes the cache.

        Raises:
            ValueError: a watch is under way.
        """
        if self._watch is not None:
            raise ValueError("the phone is pinging already: stop that first")
        now_us = self._world.now_us
        interval_us = max(us(interval_s), self._habits.pause_us)
        self._watch = _Watch(address, interval_us, now_us, now_us)

    def stop(self) -> PingRecord:
        """End the watch and return what was seen.

        Raises:
            ValueError: there is none.
        """
        self._catch_up()
        watch, self._watch = self._watch, None
        if watch is None:
            raise ValueError("the phone is not pinging anything")
        return PingRecord(watch.sent, tuple(watch.answers))

    def _catch_up(self) -> None:
        watch = self._watch
        if watch is None:
            return
        habits = self._habits
        fresh = Neighbour(believed_us=habits.believed_us)
        neighbour = self._neighbours.setdefault(watch.address, fresh)
        now_us = self._world.now_us
        news = [
            one
            for one in self._lan.heard(self._station, watch.heard_us, now_us)
            if one.sender == watch.address
        ]
        watch.heard_us = now_us + 1
        while watch.next_us + ANSWER_US + ROUND_TRIP_US <= now_us:
            while news and news[0].at_us <= watch.next_us:
                neighbour.hear(news.pop(0))
            answered = self._ping(watch, neighbour)
            watch.next_us += watch.interval_us + (0 if answered else habits.patience_us)
        for packet in news:
            neighbour.hear(packet)

    def _ping(self, watch: _Watch, neighbour: Neighbour) -> bool:
        """Look once; whether an answer came."""
        at_us = watch.next_us
        watch.sent += 1
        if neighbour.mac is None:
            at_us = self._resolve(watch.address, neighbour, at_us)
        else:
            self._verify(watch.address, neighbour, at_us)
        mac = neighbour.mac
        if mac is None or not self._station.linked(at_us):
            return False
        if not self._lan.round_trip(self._station, mac, watch.address, at_us):
            return False
        neighbour.confirm(mac, at_us)
        watch.answers.append(((at_us + ROUND_TRIP_US) / MICROSECONDS, mac))
        return True

    def _resolve(self, address: str, neighbour: Neighbour, at_us: int) -> int:
        """Ask by broadcast, if it is time; returns when the ping can leave."""
        if at_us < neighbour.asks_again_us:
            return at_us
        neighbour.known = True
        neighbour.asks_again_us = at_us + RETRANS_US
        station = self._station
        asked = request(at_us, station.port.mac, station.port.addresses[0], address)
        for one in self._lan.past_answers(station, asked)[:1]:
            neighbour.confirm(one.sender_mac, one.at_us)
        return at_us + ANSWER_US

    def _verify(self, address: str, neighbour: Neighbour, at_us: int) -> None:
        """Do what the kernel does before it uses an entry that nothing confirmed lately."""
        if at_us - neighbour.confirmed_us < neighbour.believed_us:
            return
        if neighbour.stale_us is None:
            neighbour.stale_us = at_us
        due_us = neighbour.stale_us + DELAY_US + neighbour.probes * RETRANS_US
        if at_us < due_us or neighbour.mac is None:
            return
        if self._lan.round_trip(self._station, neighbour.mac, address, at_us):
            neighbour.confirm(neighbour.mac, at_us)
        elif neighbour.probes < UNICAST_PROBES:
            neighbour.probes += 1
        else:
            neighbour.mac, neighbour.probes, neighbour.stale_us = None, 0, None
