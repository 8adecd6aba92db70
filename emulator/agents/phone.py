"""A phone: an ordinary kernel with its ARP cache that pings an address (RFC 792)."""

from __future__ import annotations

import contextlib
import itertools
import os
import socket
import struct
import threading
from dataclasses import dataclass, field

from emulator.agents.frames import ICMP_ONLY, Tap
from emulator.agents.namespace import NetworkNamespace

ETHERNET_BYTES = 14
ECHO_REQUEST, ECHO_REPLY = 8, 0
Answer = tuple[float, str]  # Unix time of the frame, MAC that it came from


@dataclass
class _Watch:
    address: str
    sent: int = 0
    answers: list[Answer] = field(default_factory=list)
    ended: threading.Event = field(default_factory=threading.Event)
    pinger: threading.Thread | None = None


class Phone:
    """Sends through the kernel's IP stack; reads answers, with their MAC, off the wire."""

    def __init__(self, namespace: NetworkNamespace) -> None:
        self._identifier = os.getpid() & 0xFFFF
        self._watched: _Watch | None = None
        with namespace.entered():
            self._socket = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
            self._tap = Tap("eth0", ICMP_ONLY)
        threading.Thread(target=self._listen, name="phone", daemon=True).start()

    def watch(self, address: str, interval_s: float) -> None:
        """Ping until `stop`.

        Raises:
            ValueError: a watch is under way.
        """
        if self._watched is not None:
            raise ValueError("the phone is pinging already: stop that first")
        watch = _Watch(address)
        watch.pinger = threading.Thread(target=self._ping, args=(watch, interval_s), daemon=True)
        self._watched = watch
        watch.pinger.start()

    def stop(self) -> tuple[int, list[Answer]]:
        """End the watch; how many were sent, and the answers.

        Raises:
            ValueError: there is none.
        """
        watch, self._watched = self._watched, None
        if watch is None or watch.pinger is None:
            raise ValueError("the phone is not pinging anything")
        watch.ended.set()
        watch.pinger.join()
        return watch.sent, watch.answers

    def _ping(self, watch: _Watch, interval_s: float) -> None:
        for sequence in itertools.count(1):
            watch.sent += 1
            with contextlib.suppress(OSError):  # no neighbour answers: that is what is watched
                self._socket.sendto(echo_request(self._identifier, sequence), (watch.address, 0))
            if watch.ended.wait(interval_s):
                return

    def _listen(self) -> None:
        for frame in self._tap.frames():
            watch = self._watched
            data = frame.data
            if watch is None or len(data) < ETHERNET_BYTES + 28:
                continue
            header_bytes = (data[ETHERNET_BYTES] & 0x0F) * 4
            source = socket.inet_ntoa(data[ETHERNET_BYTES + 12 : ETHERNET_BYTES + 16])
            icmp = data[ETHERNET_BYTES + header_bytes :]
            kind, identifier = icmp[0], int.from_bytes(icmp[4:6])
            if (kind, identifier, source) == (ECHO_REPLY, self._identifier, watch.address):
                watch.answers.append((frame.at_s, data[6:12].hex(":")))


def echo_request(identifier: int, sequence: int) -> bytes:
    """Return an ICMP echo request with its checksum (RFC 1071)."""
    words = struct.pack("!BBHHH", ECHO_REQUEST, 0, 0, identifier, sequence & 0xFFFF)
    total = sum(struct.unpack("!4H", words))
    checksum = ~(total + (total >> 16)) & 0xFFFF
    return struct.pack("!BBHHH", ECHO_REQUEST, 0, checksum, identifier, sequence & 0xFFFF)
