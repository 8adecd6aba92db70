"""The simulated box that the appliance program runs on (`emulator.ports.Machine`)."""

from __future__ import annotations

import errno
import hashlib
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from emulator.appliance.event_log import EventLog
from emulator.ports import Ear, Interface, MailServer
from emulator.sim.arp import Packet
from emulator.sim.disk import MountedDisk, SimDisk
from emulator.sim.lan import Station
from emulator.sim.life import Life
from emulator.sim.mail import SimMailSink
from emulator.sim.served import SimCalendar
from emulator.sim.shell import SimShell
from emulator.sim.site import Site
from emulator.sim.telephony import SimTelephony

ANNOUNCE_INTERVAL_S = 2.0  # RFC 5227 section 1.1
SSH_PORT, WEB_PORT, SIP_PORT = 22, 80, 5060
SMTP_S = 0.002  # an SMTP conversation on a LAN


class SimStopwatch:
    """Virtual elapsed time."""

    def __init__(self, site: Site, life: Life) -> None:
        self._site = site
        self._life = life

    def now_s(self) -> float:
        """Return seconds since the lab was made."""
        self._life.check()
        return self._site.world.now_s

    def sleep(self, duration_s: float) -> None:
        """Wait."""
        self._life.check()
        self._site.world.sleep(duration_s)


class SimNetwork:
    """The LAN port; tells of every address as the kernel would (`address` events)."""

    def __init__(self, site: Site, life: Life, station: Station, emit: Callable[..., None]) -> None:
        self._site = site
        self._life = life
        self._station = station
        self._emit = emit
        self._contested: set[str] = set()
        self._told: set[str] = set()  # as after a kill, the port may be addressed already

    def apply(self, interface: Interface) -> None:
        """Make the interface exactly so; new addresses come before old ones go."""
        self._life.check()
        before = self._station.port
        wanted = tuple(address for address, _ in interface.addresses)
        mine = before.addresses if before.mac == interface.mac else ()
        both = (*wanted, *(one for one in mine if one not in wanted))
        self._site.lan.change(self._station, replace(before, mac=interface.mac, addresses=both))
        self._tell("removed", before.mac, [one for one in before.addresses if one not in mine])
        self._tell("added", interface.mac, [one for one in wanted if one not in self._told])
        self._site.lan.change(self._station, replace(self._station.port, addresses=wanted))
        self._tell("removed", interface.mac, [one for one in mine if one not in wanted])

    def probe(self, address: str, listen_s: float) -> frozenset[str]:
        """Ask once who has an address and listen; the MACs of others that hold it."""
        lan, world = self._site.lan, self._site.world
        asked = lan.ask(self._station, address)
        self._life.check()
        world.sleep(listen_s)
        until_us = world.now_us
        replies = [one for one in lan.answers(self._station, asked) if one.at_us <= until_us]
        others = lan.heard(self._station, asked.at_us, until_us)
        return frozenset(one.sender_mac for one in (*replies, *others) if one.sender == address)

    def listen(self, ear: Ear) -> None:
        """Tell of conflicts and of the link."""

        def hear(packet: Packet) -> None:
            address, mac = packet.sender, packet.sender_mac
            if self._life.alive and address in self._station.port.addresses:
                self._contested.add(address)
                self._site.world.start(self._life, "arp", lambda: ear.claimed(address, mac))

        def link(up: bool) -> None:  # noqa: FBT001 - the switch passes nothing else
            if self._life.alive:
                self._site.world.start(self._life, "link", lambda: ear.linked(up=up))

        self._station.hear, self._station.on_link = hear, link

    def announce(self, address: str) -> None:
        """Announce an address now, and again after 2 s unless another has claimed it."""
        self._contested.discard(address)
        self.defend(address)

        def again() -> None:
            held = address in self._station.port.addresses
            if self._life.alive and held and address not in self._contested:
                self.defend(address)

        self._site.world.later(ANNOUNCE_INTERVAL_S, again)

    def defend(self, address: str) -> None:
        """Send one announcement."""
        self._life.check()
        self._site.lan.ask(self._station, address, address)

    def down(self) -> None:
        """Take the port out of service, so that nothing is answered any more."""
        self._life.check()
        self._site.lan.power(self._station, on=False)

    def _tell(self, event: str, mac: str, addresses: list[str]) -> None:
        for address in addresses:
            if event == "added":
                self._told.add(address)
            else:
                self._told.discard(address)
            self._emit("address", event, "", {"address": address, "mac": mac})


class SimMachine:
    """One life of a machine, from power-on to power-off.

    Args:
        site: where it stands.
        life: its life; when that ends, every port is dead.
        platter: its disk, which outlives it.
        station: its place on the LAN.
        boot: how many lives it has had, this one included.
    """

    def __init__(
        self, site: Site, life: Life, platter: SimDisk, station: Station, boot: int
    ) -> None:
        self._site = site
        self._life = life
        self._boot = boot
        self._drawn = 0
        self.disk = MountedDisk(life, platter)
        self._log = EventLog(self.disk)
        self.calendar = SimCalendar(site.world, site.served, life)
        self.stopwatch = SimStopwatch(site, life)
        self.station = station
        self.network = SimNetwork(site, life, station, self.emit)
        self.remote_shell = SimShell(site, life, self.disk, self.entropy)
        self.telephony = SimTelephony(site.exchanges, life, station)

    def listens(self, port: int) -> bool:
        """Tell whether SSH or SIP is served; the pages always are."""
        self._life.check()
        served = {SSH_PORT: self.remote_shell.serving, SIP_PORT: self.telephony.serving}
        return served.get(port, port == WEB_PORT)

    def start(self, name: str, body: Callable[[], None]) -> None:
        """Start a task."""
        self._site.world.start(self._life, name, body)

    def submit_mail(self, server: MailServer, recipient: str, message: bytes) -> None:
        """Hand one message to an SMTP server.

        Raises:
            ConnectionError: nobody answers there, it is no mail server, or it speaks no TLS.
        """
        self._life.check()
        there = self._site.route(self.station, server.host)
        if there is None:
            raise _away(server, errno.EHOSTUNREACH)
        sink = self._site.sinks.get(there.name)
        if sink is None or not sink.listens or server.port != SimMailSink.PORT:
            raise _away(server, errno.ECONNREFUSED)
        if server.security != "none" or server.user:
            words = "the lab's mail sink knows neither TLS nor users"
            raise ConnectionError(f"{server.host}:{server.port}: {words}")
        self._site.world.sleep(SMTP_S)
        sink.take(server.sender, recipient, message)

    def entropy(self, length: int) -> bytes:
        """Return bytes that only the seed can predict."""
        self._life.check()
        data = b""
        while len(data) < length:
            self._drawn += 1
            name = f"{self._site.seed}/{self._life.node}/{self._boot}/{self._drawn}"
            data += hashlib.sha256(name.encode()).digest()
        return data[:length]

    def emit(self, source: str, event: str, cause: str, detail: Mapping[str, Any]) -> None:
        """Tell the lab what happened, and the log; a dead machine tells nothing."""
        if not self._life.alive:
            return
        served = self._site.served.now.isoformat()
        row = {"served": served, "source": source, "event": event, "cause": cause}
        self._log.write(json.dumps({**row, "detail": dict(detail)}).encode() + b"\n")
        self._site.happened(self._life.node, source, event, cause, detail)


def _away(server: MailServer, number: int) -> ConnectionError:
    words = f"[Errno {number}] {os.strerror(number)}"
    return ConnectionError(f"{server.host}:{server.port}: {words}")
