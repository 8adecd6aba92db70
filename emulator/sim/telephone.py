"""A telephone of the simulation (`emulator.telephones.Telephone`), worked out from the LAN's past.

It does what baresip was seen to do: it refreshes after nine tenths of what was granted; by UDP
it repeats a request after 0.5 s, 1 s, 2 s, then every 4 s, and gives up after 32 s (RFC 3261
section 17.1.2.2); by TCP a request on a connection whose other end has died is given up after
32 s too, and is refused at once where another box answers in its place.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from emulator.ports import SipAccount
from emulator.sim.arp import request
from emulator.sim.lan import ANSWER_US, SimLan, Station, us
from emulator.sim.phone import DELAY_US, REACHABLE_US, RETRANS_US, UNICAST_PROBES, Neighbour
from emulator.sim.telephony import Exchanges, Service
from emulator.sim.world import MICROSECONDS, World
from emulator.telephones import HUNG_UP, Call, ClientRecord, Handset

REFRESH_AT = 0.9  # of what was granted
REPEATS_S = (0.0, 0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5)
GIVE_UP_S = 32.0  # 64 times T1
ROUND_TRIP_US = 1000  # of a request and its answer
START_S = 0.1  # of a telephone
PACKETS_PER_S = 50
SILENCE_S = 5.0  # until somebody who hears nothing hangs up
LOOK_S = 0.1


class Cache:
    """One entry of a telephone's ARP cache; what it lacks of a kernel's is its model's manner.

    Args:
        lan: where it asks.
        station: whose cache it is.
        address: the neighbour.
        handset: whose manners count.
    """

    def __init__(self, lan: SimLan, station: Station, address: str, handset: Handset) -> None:
        self._lan = lan
        self._station = station
        self._address = address
        habits = handset.behaviour
        self._pins = habits.needs_restart
        self._heeds = habits.heeds_announcements
        believed = 0.0 if self._pins else habits.neighbour_cache_s
        self._believed_us = us(believed) or REACHABLE_US
        self._entry = Neighbour(believed_us=self._believed_us)
        self._heard_us = 0

    def mac(self, at_us: int) -> str | None:
        """Return where a frame goes that is sent at a time; asks if that is unknown."""
        entry = self._entry
        self._hear(at_us)
        if not self._pins:
            self._verify(at_us)
        if entry.mac is None:
            entry.known = True
            own = self._station.port
            asked = request(at_us, own.mac, own.addresses[0], self._address)
            for one in self._lan.past_answers(self._station, asked)[:1]:
                entry.confirm(one.sender_mac, one.at_us)
        return entry.mac

    def forget(self, at_us: int) -> None:
        """Know nothing any more, as after a restart."""
        self._entry, self._heard_us = Neighbour(believed_us=self._believed_us), at_us

    def _hear(self, at_us: int) -> None:
        news = self._lan.heard(self._station, self._heard_us, at_us)
        self._heard_us = at_us + 1
        if self._heeds and not self._pins:
            for packet in news:
                if packet.sender == self._address:
                    self._entry.hear(packet)

    def _verify(self, at_us: int) -> None:
        """Do what the kernel did since an entry was last used: probe it, or give it up."""
        entry = self._entry
        if entry.mac is None:
            return
        if entry.stale_us is None:
            if at_us - entry.confirmed_us >= self._believed_us:
                entry.stale_us = at_us  # used once more, and looked at 5 s later
            return
        probed_us = entry.stale_us + DELAY_US
        if at_us < probed_us:
            return
        if self._lan.round_trip(self._station, entry.mac, self._address, probed_us):
            entry.confirm(entry.mac, probed_us)
        elif at_us >= probed_us + UNICAST_PROBES * RETRANS_US:
            entry.mac, entry.stale_us = None, None


@dataclass
class _State:
    next_us: int
    connected: Service | None = None
    answers: list[tuple[float, str]] = field(default_factory=list)
    restarts: list[float] = field(default_factory=list)
    calls: list[tuple[Call, Service]] = field(default_factory=list)


class SimTelephone:
    """Registers from the instant on at which it was made.

    Args:
        world: its time.
        exchanges: who answers SIP.
        station: its place on the LAN.
        handset: whose it is.
        account: what it registers with, and where.
    """

    def __init__(
        self,
        world: World,
        exchanges: Exchanges,
        station: Station,
        handset: Handset,
        account: tuple[SipAccount, str],
    ) -> None:
        self.handset = handset
        self._world = world
        self._lan = exchanges.lan
        self._exchanges = exchanges
        self._station = station
        self._account, self._registrar = account
        self._cache = Cache(self._lan, station, self._registrar, handset)
        self._state = _State(world.now_us + us(START_S))
        self._peers: dict[str, SimTelephone] = {}
        self._lan.late.append(self._catch_up)

    def meet(self, peers: dict[str, SimTelephone]) -> None:
        """Know the other telephones of the lab, by extension: calls have two ends."""
        self._peers = peers

    def registered(self, since_s: float, limit_s: float) -> bool:
        """Wait for a good answer to a registration since an instant; whether one came."""
        until_s = self._world.now_s + limit_s
        while not any(at_s >= since_s for at_s, _ in self.record().answers):
            if self._world.now_s >= until_s:
                return False
            self._world.pause(LOOK_S)
        return True

    def dial(self, extension: str, limit_s: float = 10.0) -> Call:
        """Call somebody; returns when they talk, or when it is clear that they will not."""
        self._catch_up()
        now_us = self._world.now_us
        began_s = self._world.now_s
        call = Call(extension, "outgoing", began_s)
        service = self._reached(now_us)
        peer = self._peers.get(extension)
        if service is None:
            self._world.pause(limit_s)
            return replace(call, ended_s=self._world.now_s, ended="nobody answered")
        if peer is None or not peer.called_by(service, now_us):
            return replace(call, ended_s=began_s, ended="480 Temporarily Unavailable")
        self._world.pause(ROUND_TRIP_US / MICROSECONDS)
        call.established_s = self._world.now_s
        own = self.handset.extension
        self._state.calls.append((call, service))
        peer.join(Call(own, "incoming", began_s, call.established_s), service)
        return replace(call)

    def called_by(self, service: Service, at_us: int) -> bool:
        """Return whether a server knows where to call this telephone."""
        self._catch_up()
        _, _, until_us = service.known.get(self._account.name, ("", "", 0))
        return until_us > at_us and self._station.linked(at_us)

    def join(self, call: Call, service: Service) -> None:
        """Answer a call."""
        self._state.calls.append((call, service))

    def hears(self, packets: int, limit_s: float) -> bool:
        """Wait until so much audio of the newest call has come; whether it has."""
        until_s = self._world.now_s + limit_s
        while self._world.now_s < until_s:
            calls = self.record().calls
            if not calls or calls[-1].ended_s is not None:
                return False
            if calls[-1].packets >= packets:
                return True
            self._world.pause(LOOK_S)
        return False

    def hang_up(self) -> None:
        """End the call, at both ends."""
        self._end_calls(HUNG_UP)

    def restart(self) -> None:
        """Pull its plug and put it in again (R52)."""
        self._catch_up()
        self._end_calls("restarted")
        self._cache.forget(self._world.now_us)
        state = self._state
        state.restarts.append(self._world.now_s)
        state.connected, state.next_us = None, self._world.now_us + us(START_S)

    def record(self) -> ClientRecord:
        """Return everything that was seen so far."""
        self._catch_up()
        state = self._state
        for call, service in state.calls:
            self._listen(call, service)
        calls = tuple(replace(call) for call, _ in state.calls)
        return ClientRecord(tuple(state.answers), tuple(state.restarts), calls)

    def _end_calls(self, why: str) -> None:
        now_s = self._world.now_s
        for call, service in self._state.calls:
            self._listen(call, service)
            if call.ended_s is not None:
                continue
            call.ended_s, call.ended = now_s, why
            peer = self._peers.get(call.peer)
            if peer is not None:
                peer.taken_leave_of(self.handset.extension)

    def taken_leave_of(self, extension: str) -> None:
        """End the call with somebody who has hung up."""
        for call, service in self._state.calls:
            self._listen(call, service)
            if call.peer == extension and call.ended_s is None:
                call.ended_s, call.ended = self._world.now_s, HUNG_UP

    def _listen(self, call: Call, service: Service) -> None:
        """Note what a call has heard until now; it hears as long as its server relays."""
        if call.ended_s is not None or call.established_s is None:
            return
        now_s = self._world.now_s
        end_us = self._lan.left(service.station, service.address)
        ends_us = [one for one in (end_us, service.until_us) if one is not None]
        lost_s = min(ends_us) / MICROSECONDS if ends_us else now_s
        call.heard_s = min(lost_s, now_s)
        call.packets = round((call.heard_s - call.established_s) * PACKETS_PER_S)
        if now_s >= lost_s + SILENCE_S:
            call.ended_s, call.ended = lost_s + SILENCE_S, "rtp stream error"

    def _catch_up(self) -> None:
        state = self._state
        while state.next_us + ROUND_TRIP_US <= self._world.now_us:
            by_tcp = self.handset.behaviour.transport == "tcp"
            done = self._by_tcp(state.next_us) if by_tcp else self._by_udp(state.next_us)
            if not done:
                return

    def _by_udp(self, began_us: int) -> bool:
        """Go through a registration that began at a time; False while it is not decided."""
        for after_s in REPEATS_S:
            at_us = began_us + us(after_s)
            if at_us + ROUND_TRIP_US > self._world.now_us:
                return False
            service = self._reached(at_us)
            if service is not None and self._granted(service, at_us):
                return True
        return self._failed(began_us + us(GIVE_UP_S))

    def _by_tcp(self, at_us: int) -> bool:
        """Go through a registration on the connection, or on a new one."""
        state = self._state
        service, connected = self._reached(at_us), state.connected
        if service is not None and connected in {None, service} and self._granted(service, at_us):
            state.connected = service
            return True
        state.connected = None
        refused = service is not None and connected is not None
        return self._failed(at_us if refused else at_us + us(GIVE_UP_S))

    def _reached(self, at_us: int) -> Service | None:
        """Return who takes a frame for the registrar's address that is sent at a time."""
        mac = self._cache.mac(at_us)
        if mac is None or not self._station.linked(at_us):
            return None
        if not self._lan.round_trip(self._station, mac, self._registrar, at_us + ANSWER_US):
            return None
        return self._exchanges.at(self._registrar, mac, at_us)

    def _granted(self, service: Service, at_us: int) -> bool:
        own = f"sip:{self.handset.extension}@{self._station.port.addresses[0]}"
        wish_s = self.handset.behaviour.registers_every_s
        granted_s = service.register(self._account, own, wish_s, at_us)
        if not granted_s:
            return False
        answered_us = at_us + ROUND_TRIP_US
        self._state.answers.append((answered_us / MICROSECONDS, service.station.port.mac))
        self._state.next_us = at_us + us(granted_s * REFRESH_AT)
        return True

    def _failed(self, at_us: int) -> bool:
        self._state.next_us = at_us + us(self.handset.behaviour.retry_s)
        return True


@dataclass
class SimCrowd:
    """Many telephones at one place (`emulator.telephones.Crowd`).

    Attributes:
        members: by extension.
    """

    members: dict[str, SimTelephone] = field(default_factory=dict)

    def answers(self) -> Mapping[str, tuple[tuple[float, str], ...]]:
        """Return every good answer to a registration, by extension."""
        return {extension: one.record().answers for extension, one in self.members.items()}
