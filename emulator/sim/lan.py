"""The LAN of the simulation: stations, cables, and who answers for an address when.

The LAN keeps its whole past: who could answer for which address from when to when
(`Tenure`), which cable was plugged when, and every broadcast. An observer that asks every
10 ms, or a phone with its ARP cache, is therefore worked out from that past when somebody
wants to know; it costs no events, and the answer is what they would have seen.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from operator import attrgetter

from emulator.addressing import STRANGER
from emulator.levers import Obstruction
from emulator.sim.arp import NO_ADDRESS, Packet, announcement, pcap, reply, request
from emulator.sim.world import MICROSECONDS, World

ANSWER_US = 200  # from a question to its answer, as measured on a bridge of one kernel


def us(duration_s: float) -> int:
    """Return a duration in whole microseconds, the Stopwatch's grain."""
    return round(duration_s * MICROSECONDS)


@dataclass(frozen=True)
class Port:
    """What decides whether, and for what, a station answers.

    Attributes:
        mac: its MAC address.
        powered: it has power.
        carrier: its cable is plugged in.
        addresses: the IPv4 addresses that it holds, the primary one first.
    """

    mac: str
    powered: bool = True
    carrier: bool = True
    addresses: tuple[str, ...] = ()

    @property
    def linked(self) -> bool:
        """Whether frames come and go."""
        return self.powered and self.carrier


@dataclass(eq=False)
class Station:
    """Something with a network card.

    Attributes:
        name: its node.
        port: how it is now.
        links: every change of its link: (when, whether frames come and go since).
        hear: is given every broadcast of another that arrives.
        on_link: is told when its cable is plugged in or out.
    """

    name: str
    port: Port
    links: list[tuple[int, bool]]
    hear: Callable[[Packet], None] | None = None
    on_link: Callable[[bool], None] | None = None

    def linked(self, at_us: int) -> bool:
        """Return whether frames came and went at a time."""
        since_us, up = self.links[-1]
        if since_us <= at_us:  # as for nearly everything that is asked
            return up
        return next((up for since_us, up in reversed(self.links) if since_us <= at_us), False)


@dataclass(eq=False)
class Tenure:
    """A time during which a station answers for an address."""

    address: str
    mac: str
    station: Station
    since_us: int
    until_us: int | None = None

    def covers(self, at_us: int) -> bool:
        """Return whether the station answers at a time."""
        return self.since_us <= at_us and (self.until_us is None or at_us < self.until_us)


@dataclass(eq=False)
class Obstructed:
    """A time during which frames are obstructed.

    Attributes:
        met: how many of them.
    """

    obstruction: Obstruction
    since_us: int
    until_us: int | None = None
    met: int = 0

    def covers(self, at_us: int) -> bool:
        """Return whether it is so at a time."""
        return self.since_us <= at_us and (self.until_us is None or at_us < self.until_us)


def _chance(source: str, target: str, at_us: int) -> float:
    """Return what a die shows for a frame: the same in every run, and when asked again."""
    drawn = blake2b(f"{source}/{target}/{at_us}".encode(), digest_size=4).digest()
    return int.from_bytes(drawn, "big") / 2**32


@dataclass
class SimLan:
    """One broadcast domain.

    Attributes:
        world: whose Stopwatch stamps everything.
        stations: by name.
        late: those who work out what they sent only when asked to: a recording asks.
    """

    world: World
    stations: dict[str, Station] = field(default_factory=dict)
    late: list[Callable[[], None]] = field(default_factory=list)
    _tenures: list[Tenure] = field(default_factory=list)
    _broadcasts: list[Packet] = field(default_factory=list)  # oldest first
    _recorded: list[Packet] = field(default_factory=list)
    _captured_since_us: int | None = None
    _obstructed: list[Obstructed] = field(default_factory=list)

    def station(self, name: str, mac: str, addresses: Iterable[str] = ()) -> Station:
        """Plug a new station in."""
        now_us = self.world.now_us
        station = Station(name, Port(mac, carrier=False), [(now_us, False)])
        self.stations[name] = station
        self.change(station, Port(mac, addresses=tuple(addresses)))
        return station

    def change(self, station: Station, port: Port) -> None:
        """Make a station's port different from now on."""
        before = {(one, station.port.mac) for one in _answered(station.port)}
        after = [(one, port.mac) for one in _answered(port)]
        now_us = self.world.now_us
        for tenure in self._tenures:
            held = (tenure.address, tenure.mac)
            if tenure.station is station and tenure.until_us is None and held not in after:
                tenure.until_us = now_us
        for address, mac in after:
            if (address, mac) not in before:
                self._tenures.append(Tenure(address, mac, station, now_us))
        if port.linked is not station.port.linked:
            station.links.append((now_us, port.linked))
        station.port = port

    def power(self, station: Station, *, on: bool) -> None:
        """Give power to a station, or take it; without it, its addresses are gone."""
        addresses = station.port.addresses if on else ()
        self.change(station, replace(station.port, powered=on, addresses=addresses))

    def carrier(self, station: Station, *, up: bool) -> None:
        """Plug a station's cable in or out."""
        changed = station.port.carrier is not up
        self.change(station, replace(station.port, carrier=up))
        if changed and station.on_link is not None:
            station.on_link(up)

    def obstruct(self, obstruction: Obstruction) -> int:
        """Obstruct the way of frames from now on; its number."""
        self._obstructed.append(Obstructed(obstruction, self.world.now_us))
        return len(self._obstructed) - 1

    def clear(self, number: int) -> int:
        """End an obstruction; how many frames, or parts of a stream, it has met."""
        for work_out in self.late:
            work_out()
        one = self._obstructed[number]
        one.until_us = self.world.now_us
        return one.met

    def obstructions(self, source: str, target: str) -> list[Obstructed]:
        """Return those that are in the way from one node to another now."""
        return [
            one
            for one in self._obstructed
            if one.until_us is None and one.obstruction.meets(source, target)
        ]

    def passes(self, source: str, target: str, at_us: int, *, arp: bool) -> bool:
        """Return whether a frame got from one node to another at a time."""
        for one in self._obstructed:
            what = one.obstruction
            if not one.covers(at_us) or not what.meets(source, target) or (arp and what.ip_only):
                continue
            swallowed = what.manner == "drop" or (
                what.manner == "loss" and _chance(source, target, at_us) < what.part
            )
            if swallowed:
                one.met += 1
                return False
        return True

    def stranger(self, mac: str, address: str) -> Callable[[], None]:
        """Plug a foreign device in; what takes it away again."""
        station = self.station(STRANGER, mac, [address])
        return lambda: self.power(station, on=False)

    def ask(self, station: Station, target: str, sender: str = NO_ADDRESS) -> Packet:
        """Broadcast the question who has an address, now."""
        asked = request(self.world.now_us, station.port.mac, sender, target)
        self._broadcast(station, asked)
        return asked

    def announce(self, station: Station, address: str) -> None:
        """Broadcast one gratuitous request and one gratuitous reply, now."""
        for packet in announcement(self.world.now_us, station.port.mac, address):
            self._broadcast(station, packet)

    def _broadcast(self, station: Station, packet: Packet) -> None:
        if station.port.linked:
            self._broadcasts.append(packet)
            self._record(packet)
            for other in self.stations.values():
                if other is station or not other.port.linked or other.hear is None:
                    continue
                if self.passes(station.name, other.name, packet.at_us, arp=True):
                    other.hear(packet)

    def _record(self, packet: Packet) -> None:
        since_us = self._captured_since_us
        if since_us is not None and since_us <= packet.at_us:
            self._recorded.append(packet)

    def answers(self, station: Station, asked: Packet) -> list[Packet]:
        """Return (and record) the replies to a question, once their time has come; ask once."""
        came_us = asked.at_us + ANSWER_US
        if not (station.linked(asked.at_us) and station.linked(came_us)):
            return []
        replies = [
            reply(came_us, one.mac, one.address, asked)
            for one in self._tenures
            if one.address == asked.target
            and one.station is not station
            and one.covers(asked.at_us)
            and one.covers(came_us)
            and self.passes(station.name, one.station.name, asked.at_us, arp=True)
            and self.passes(one.station.name, station.name, came_us, arp=True)
        ]
        for packet in replies:
            self._record(packet)
        return replies

    def past_answers(self, station: Station, asked: Packet) -> list[Packet]:
        """Return the replies to a question of the past, which is recorded as asked then."""
        if station.linked(asked.at_us):
            self._record(asked)
        return self.answers(station, asked)

    def heard(self, station: Station, since_us: int, until_us: int) -> list[Packet]:
        """Return what others broadcast while a station's cable was in, ends included."""
        first = bisect_left(self._broadcasts, since_us, key=attrgetter("at_us"))
        last = bisect_right(self._broadcasts, until_us, key=attrgetter("at_us"))
        return [
            packet
            for packet in self._broadcasts[first:last]
            if packet.sender_mac != station.port.mac
            and station.linked(packet.at_us)
            and self.passes(self._name_of(packet.sender_mac), station.name, packet.at_us, arp=True)
        ]

    def round_trip(self, station: Station, mac: str, address: str, at_us: int) -> bool:
        """Return whether a ping to an address at this MAC came back to a station."""
        return any(
            one.mac == mac
            and one.address == address
            and one.covers(at_us)
            and self.passes(station.name, one.station.name, at_us, arp=False)
            and self.passes(one.station.name, station.name, at_us + 1, arp=False)
            for one in self._tenures
        )

    def left(self, station: Station, address: str) -> int | None:
        """Return when a station gave an address up, or lost its link, last; None: it has it."""
        spells = [one for one in self._tenures if (one.station, one.address) == (station, address)]
        return spells[-1].until_us if spells else 0

    def _name_of(self, mac: str) -> str:
        return next((one.name for one in self.stations.values() if one.port.mac == mac), mac)

    def holder(self, address: str) -> Station | None:
        """Return who answers for an address now; of several, who came first."""
        now_us = self.world.now_us
        return next(
            (one.station for one in self._tenures if one.address == address and one.covers(now_us)),
            None,
        )

    def capture(self) -> None:
        """Start to record.

        Raises:
            ValueError: a recording is under way.
        """
        if self._captured_since_us is not None:
            raise ValueError("the switch is recording already: fetch that recording first")
        self._captured_since_us = self.world.now_us
        self._recorded = []

    def recording(self) -> bytes:
        """Stop to record, and return what crossed the LAN meanwhile in pcap form.

        Raises:
            ValueError: nothing is being recorded.
        """
        if self._captured_since_us is None:
            raise ValueError("the switch is not recording anything")
        for work_out in self.late:
            work_out()
        self._captured_since_us = None
        crossed, self._recorded = self._recorded, []
        return pcap(sorted(crossed, key=attrgetter("at_us")))


def _answered(port: Port) -> tuple[str, ...]:
    return port.addresses if port.linked else ()
