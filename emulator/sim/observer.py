"""The station that asks who has an address (`emulator.lab.Observer`)."""

from __future__ import annotations

from dataclasses import dataclass, field

from emulator.lab import ArpReply
from emulator.sim.arp import Packet, request
from emulator.sim.lan import ANSWER_US, SimLan, Station, us
from emulator.sim.world import MICROSECONDS, World


@dataclass
class _Watch:
    address: str
    interval_us: int
    next_us: int
    replies: list[ArpReply] = field(default_factory=list)


class SimObserver:
    """Asks from its own node; its watch is worked out from the LAN's past."""

    def __init__(self, world: World, lan: SimLan, station: Station) -> None:
        self._world = world
        self._lan = lan
        self._station = station
        self._watched: _Watch | None = None
        lan.late.append(self._catch_up)

    def who_has(self, address: str, listen_s: float = 0.5) -> tuple[ArpReply, ...]:
        """Ask once; every answer within the time."""
        asked = self._lan.ask(self._station, address, self._station.port.addresses[0])
        self._world.pause(listen_s)
        limit_us = asked.at_us + us(listen_s)
        replies = self._lan.answers(self._station, asked)
        return tuple(_seen(one) for one in replies if one.at_us <= limit_us)

    def watch(self, address: str, interval_s: float = 0.01) -> None:
        """Ask again and again in the background, until `stop`.

        Raises:
            ValueError: a watch is under way.
        """
        if self._watched is not None:
            raise ValueError("the observer is watching already: stop that first")
        self._watched = _Watch(address, us(interval_s), self._world.now_us)

    def stop(self) -> tuple[ArpReply, ...]:
        """End the watch and return every answer.

        Raises:
            ValueError: there is none.
        """
        self._catch_up()
        watch, self._watched = self._watched, None
        if watch is None:
            raise ValueError("the observer is not watching anything")
        return tuple(watch.replies)

    def _catch_up(self) -> None:
        """Work out the questions whose answers have had their time."""
        watch, station = self._watched, self._station
        while watch is not None and watch.next_us + ANSWER_US <= self._world.now_us:
            own = station.port.addresses[0]
            asked = request(watch.next_us, station.port.mac, own, watch.address)
            watch.replies += [_seen(one) for one in self._lan.past_answers(station, asked)]
            watch.next_us += watch.interval_us


def _seen(packet: Packet) -> ArpReply:
    return ArpReply(packet.at_us / MICROSECONDS, packet.sender_mac)
