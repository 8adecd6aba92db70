"""What all nodes of one simulated lab share."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, BinaryIO

from emulator.lab import History
from emulator.sim.arp import Packet
from emulator.sim.lan import ANSWER_US, Obstructed, SimLan, Station
from emulator.sim.life import Life
from emulator.sim.served import Served
from emulator.sim.telephony import Exchanges
from emulator.sim.world import MICROSECONDS, World

if TYPE_CHECKING:
    from emulator.sim.mail import SimMailSink
    from emulator.sim.shell import SimShell

BYTES_PER_S = 100e6
SEGMENT_SIZE, ROUND_TRIP_S = 1448, 0.001  # of TCP on a LAN
NO_ROUTE_S = 3.0  # the kernel asks three times, a second apart, before it gives up (arp(7))

Dispatch = Callable[[Sequence[str], BinaryIO], Mapping[str, Any]]


@dataclass
class Site:
    """The room that a lab's nodes stand in.

    Attributes:
        world, served, lan: time and the LAN.
        seed: of everything that is generated.
        history: every event.
        shells: who answers SSH, by node.
        sinks: who takes mail, by node.
        exchanges: who answers SIP.
    """

    world: World
    served: Served
    lan: SimLan
    seed: int
    history: History = field(default_factory=History)
    shells: dict[str, SimShell] = field(default_factory=dict)
    sinks: dict[str, SimMailSink] = field(default_factory=dict)
    exchanges: Exchanges = field(init=False)

    def __post_init__(self) -> None:
        self.exchanges = Exchanges(self.lan)

    def happened(
        self, node: str, source: str, event: str, cause: str, detail: Mapping[str, Any]
    ) -> None:
        """Add an event to the history, stamped with both clocks."""
        self.history.add(
            wall_s=self.world.now_s,
            served=self.served.now,
            node=node,
            source=source,
            event=event,
            cause=cause,
            detail=dict(detail),
        )

    def route(self, station: Station, address: str) -> Station | None:
        """Find who takes frames for an address, as a kernel does before it sends the first one.

        Takes its time on the Stopwatch; None when nobody answers.
        """
        own = station.port.addresses
        if address in own:
            return station
        if not own or not station.port.linked:
            return None
        asked = self.lan.ask(station, address, own[0])
        self.world.sleep(ANSWER_US / MICROSECONDS)
        replies = self.lan.answers(station, asked)
        if not replies:
            self.world.sleep(NO_ROUTE_S)
            return None
        return self._station(replies[0])

    def _station(self, answer: Packet) -> Station | None:
        stations = self.lan.stations.values()
        return next((one for one in stations if one.port.mac == answer.sender_mac), None)


@dataclass(frozen=True)
class Line:
    """A TCP connection, as far as it can break.

    Attributes:
        near, far: the stations at its ends.
        address: at which the far one was reached.
        near_life, far_life: of both ends; later lives know nothing of the connection.
    """

    site: Site
    near: Station
    far: Station
    address: str
    near_life: Life
    far_life: Life

    def carries(self) -> bool:
        """Return whether bytes get across now."""
        return (
            self.near_life.alive
            and self.far_life.alive
            and self.near.port.linked
            and self.far.port.linked
            and self.address in self.far.port.addresses
            and not self._swallowed()
        )

    def _swallowed(self) -> bool:
        """Return whether packets of one of the directions all vanish: then TCP stands."""
        ways = ((self.near.name, self.far.name), (self.far.name, self.near.name))
        return any(
            one.obstruction.manner == "drop"
            for way in ways
            for one in self.site.lan.obstructions(*way)
            if self._meet(one)
        )

    def is_reset(self) -> bool:
        """Return whether packets to the far side are answered by a TCP reset."""
        return self._knows_nothing() or any(
            one.obstruction.manner == "reset" and self._meet(one)
            for one in self.site.lan.obstructions(self.near.name, self.far.name)
        )

    def _knows_nothing(self) -> bool:
        """Return whether the far box is up again, and knows nothing of this connection."""
        shell = self.site.shells.get(self.far.name)
        return (
            not self.far_life.alive
            and shell is not None
            and replace(self, far_life=shell.life).carries()
        )

    def bytes_per_s(self) -> float:
        """Return how much gets across: a shaper's rate; with loss what TCP makes of it.

        By Mathis, Semke, Mahdavi (1997): a segment's size over the round trip, by the square
        root of the loss.
        """
        rates = [BYTES_PER_S]
        for one in self.site.lan.obstructions(self.near.name, self.far.name):
            if one.obstruction.manner == "rate" and self._meet(one):
                rates.append(float(one.obstruction.bytes_per_s))
            elif one.obstruction.manner == "loss" and self._meet(one):
                rates.append(SEGMENT_SIZE / ROUND_TRIP_S / math.sqrt(one.obstruction.part))
        return min(rates)

    @staticmethod
    def _meet(one: Obstructed) -> bool:
        one.met += 1
        return True

    def carried(self, limit_s: float) -> bool:
        """Wait, retransmitting as TCP does, until bytes get across; False if they never will."""
        pause_s, waited_s = 0.2, 0.0
        while not self.carries():
            if self.is_reset():
                return False
            pause_s = min(pause_s, limit_s - waited_s)
            if pause_s <= 0:
                return False
            self.site.world.sleep(pause_s)
            waited_s += pause_s
            pause_s *= 2
        return True
