"""A telephone on the LAN: a real user agent, and what was seen of it on the wire."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from emulator.addressing import Station
from emulator.agents.frames import IPV4_ONLY, Frame, Tap
from emulator.agents.namespace import NetworkNamespace
from emulator.agents.neighbourhood import Neighbourhood
from emulator.agents.user_agent import Account, UserAgent
from emulator.telephones import HUNG_UP, Behaviour, Call

SIP_PORT = 5060
ETHERNET_BYTES = 14
TCP, UDP = 6, 17
PEER_HUNG_UP = "Connection reset by peer"  # baresip's words for a BYE that came
RTP_HEADER_BYTES = 12
RTCP_TYPES = range(192, 224)
RTP_VERSION = 0x80  # of the first byte, two bits (RFC 3550 section 5.1)


@dataclass
class _Seen:
    answers: list[tuple[float, str]] = field(default_factory=list)
    restarts: list[float] = field(default_factory=list)
    calls: dict[str, Call] = field(default_factory=dict)


class Telephone:
    """Registers, answers by itself, and calls when it is told to.

    Args:
        namespace: where it stands.
        station: its place on the LAN.
        folder: for its files.
        tone: what it says, a sound file.
    """

    def __init__(
        self, namespace: NetworkNamespace, station: Station, folder: Path, tone: Path
    ) -> None:
        self._neighbourhood = Neighbourhood(namespace, station.address)
        self._agent = UserAgent(namespace, station.address, folder, tone, self._happened)
        self._station = station
        self._account: Account | None = None
        self._retry_s = 0.0
        self._retry: threading.Timer | None = None
        self._seen = _Seen()
        self._changed = threading.Condition()
        with namespace.entered():
            self._tap = Tap("eth0", IPV4_ONLY)
        threading.Thread(target=self._watch, name=station.name, daemon=True).start()

    def provision(self, account: Mapping[str, Any], behaviour: Mapping[str, Any]) -> None:
        """Give it its account and its habits, and switch it on.

        Raises:
            OSError: it does not come up.
        """
        habits = Behaviour(**behaviour)
        self._retry_s = habits.retry_s
        self._neighbourhood.behave(
            habits.neighbour_cache_s, heeds_announcements=habits.heeds_announcements
        )
        self._account = Account(
            **account, transport=habits.transport, registers_every_s=habits.registers_every_s
        )
        self._agent.start(self._account)

    def restart(self) -> None:
        """Pull its plug and put it in again: it forgets its neighbours, and registers anew.

        Raises:
            ValueError: it was never switched on.
        """
        if self._account is None:
            raise ValueError(f"{self._station.name} has no account yet")
        self._agent.stop()
        with self._changed:
            self._forget_retry()  # the new one has not failed, and may be talking by then
            now_s = _now_s()
            self._seen.restarts.append(now_s)
            for call in self._under_way():
                call.ended_s, call.ended = now_s, "restarted"
        self._neighbourhood.forget()
        self._agent.start(self._account)

    def await_registered(self, since_s: float, limit_s: float) -> bool:
        """Wait until it has had a good answer since an instant; whether it had."""
        with self._changed:
            return self._changed.wait_for(
                lambda: any(at_s >= since_s for at_s, _ in self._seen.answers), limit_s
            )

    def dial(self, extension: str, limit_s: float) -> dict[str, Any]:
        """Call somebody and wait until they talk, or until it is clear that they will not.

        Returns:
            The call, see `Call`.

        Raises:
            ValueError: it was never switched on.
        """
        if self._account is None:
            raise ValueError(f"{self._station.name} has no account yet")
        known = set(self._seen.calls)
        began_s = _now_s()
        self._agent.dial(extension)
        with self._changed:
            self._changed.wait_for(lambda: self._decided(known), limit_s)
            fresh = [call for key, call in self._seen.calls.items() if key not in known]
            for call in fresh:
                call.began_s = began_s  # the user agent tells of it a little later
        return asdict(fresh[0] if fresh else Call(extension, "outgoing", began_s))

    def hang_up(self) -> None:
        """End the call."""
        with self._changed:
            for call in self._under_way():
                call.ended = HUNG_UP
        self._agent.hang_up()

    def await_audio(self, packets: int, limit_s: float) -> bool:
        """Wait until so much of the newest call has been heard; whether it was."""

        def heard() -> bool:
            calls = self._under_way()
            return bool(calls) and calls[-1].packets >= packets

        with self._changed:
            return self._changed.wait_for(heard, limit_s)

    def seen(self) -> dict[str, Any]:
        """Return every good answer to a registration, every restart, every call."""
        with self._changed:
            seen = self._seen
            return {
                "answers": list(seen.answers),
                "restarts": list(seen.restarts),
                "calls": [asdict(one) for one in seen.calls.values()],
            }

    def _decided(self, known: set[str]) -> bool:
        fresh = [call for key, call in self._seen.calls.items() if key not in known]
        return any(call.established_s or call.ended_s for call in fresh)

    def _under_way(self) -> list[Call]:
        return [call for call in self._seen.calls.values() if call.ended_s is None]

    def _happened(self, message: Mapping[str, Any]) -> None:
        """Take an event of the user agent's."""
        kind = message["type"]
        if kind == "REGISTER_FAIL":
            with self._changed:
                self._forget_retry()
                self._retry = threading.Timer(self._retry_s, self._register_anew)
                self._retry.daemon = True
                self._retry.start()
        elif kind == "REGISTER_OK":
            with self._changed:
                self._forget_retry()
        elif kind.startswith("CALL_") and "id" in message:
            with self._changed:
                self._note_call(kind, message)
                self._changed.notify_all()

    def _note_call(self, kind: str, message: Mapping[str, Any]) -> None:
        now_s = _now_s()
        peer = str(message["peeruri"]).partition(":")[2].partition("@")[0]
        new = Call(peer, str(message["direction"]), now_s)
        call = self._seen.calls.setdefault(str(message["id"]), new)
        if kind == "CALL_ESTABLISHED":
            call.established_s = now_s
        elif kind == "CALL_CLOSED":
            call.ended_s = now_s
            call.ended = call.ended or _reason(str(message["param"]))

    def _forget_retry(self) -> None:
        if self._retry is not None:
            self._retry.cancel()

    def _register_anew(self) -> None:
        """Ask again after a registration that failed; baresip alone waits as RFC 5626 4.5 says."""
        account = self._account
        if account is not None:
            self._agent.register(account)

    def _watch(self) -> None:
        for frame in self._tap.frames():
            if frame.data[:6].hex(":") != self._station.mac:
                continue  # its own, and what a switch floods that has forgotten whose it is
            segment = transported(frame.data)
            if segment is None:
                continue
            protocol, source, payload = segment
            with self._changed:
                if source == SIP_PORT and registered(payload):
                    self._answered(frame)
                elif protocol == UDP and source != SIP_PORT and is_audio(payload):
                    self._heard(frame)
                else:
                    continue
                self._changed.notify_all()

    def _answered(self, frame: Frame) -> None:
        self._seen.answers.append((frame.at_s, frame.data[6:12].hex(":")))
        if self._account is not None:
            self._neighbourhood.pin(self._account.registrar)

    def _heard(self, frame: Frame) -> None:
        for call in self._under_way():
            call.heard_s, call.packets = frame.at_s, call.packets + 1


def _reason(words: str) -> str:
    """Return why a call was over; that the other end has hung up is told as a broken connection."""
    return HUNG_UP if words == PEER_HUNG_UP else words


def transported(frame: bytes) -> tuple[int, int, bytes] | None:
    """Return protocol, source port and payload of a frame's UDP or TCP; None of others."""
    start = ETHERNET_BYTES + (frame[ETHERNET_BYTES] & 0x0F) * 4
    total = ETHERNET_BYTES + int.from_bytes(frame[ETHERNET_BYTES + 2 : ETHERNET_BYTES + 4])
    protocol = frame[ETHERNET_BYTES + 9]
    if protocol == UDP:
        header_bytes = 8
    elif protocol == TCP and len(frame) > start + 12:
        header_bytes = (frame[start + 12] >> 4) * 4
    else:
        return None
    return protocol, int.from_bytes(frame[start : start + 2]), frame[start + header_bytes : total]


def registered(payload: bytes) -> bool:
    """Return whether this is a registrar's 200 to a REGISTER (RFC 3261 section 10.3)."""
    if not payload.startswith(b"SIP/2.0 200 "):
        return False
    lines = payload.lower().split(b"\r\n")
    return any(line.startswith(b"cseq:") and line.endswith(b"register") for line in lines)


def is_audio(payload: bytes) -> bool:
    """Return whether this is RTP, and not its control protocol (RFC 5761 section 4)."""
    if len(payload) <= RTP_HEADER_BYTES or payload[0] & 0xC0 != RTP_VERSION:
        return False
    return payload[1] not in RTCP_TYPES


def _now_s() -> float:
    return time.time()  # noqa: TID251 - the clock of the kernel's stamps on frames
