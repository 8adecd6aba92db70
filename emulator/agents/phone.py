"""A phone: an ordinary kernel with its ARP cache that pings an address (RFC 792)."""

from __future__ import annotations

import contextlib
import os
import socket
import struct
import threading

from emulator.agents.frames import ICMP_ONLY, Tap
from emulator.agents.namespace import NetworkNamespace
from emulator.agents.watching import Answer, Watching

ETHERNET_BYTES = 14
ECHO_REQUEST, ECHO_REPLY = 8, 0


class Phone:
    """Sends through the kernel's IP stack; reads answers, with their MAC, off the wire."""

    def __init__(self, namespace: NetworkNamespace) -> None:
        self._identifier = os.getpid() & 0xFFFF
        self._watching = Watching(self._ping)
        with namespace.entered():
            self._socket = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
            self._tap = Tap("eth0", ICMP_ONLY)
        threading.Thread(target=self._listen, name="phone", daemon=True).start()

    def watch(self, address: str, interval_s: float) -> None:
        """Ping until `stop`.

        Raises:
            ValueError: a watch is under way.
        """
        self._watching.begin(address, interval_s)

    def stop(self) -> tuple[int, list[Answer]]:
        """End the watch; how many were sent, and the answers.

        Raises:
            ValueError: there is none.
        """
        return self._watching.end()

    def _ping(self, address: str, sequence: int) -> None:
        with contextlib.suppress(OSError):  # no neighbour answers: that is what is watched
            self._socket.sendto(echo_request(self._identifier, sequence), (address, 0))

    def _listen(self) -> None:
        for frame in self._tap.frames():
            address, data = self._watching.address, frame.data
            if address is None or len(data) < ETHERNET_BYTES + 28:
                continue
            header_bytes = (data[ETHERNET_BYTES] & 0x0F) * 4
            source = socket.inet_ntoa(data[ETHERNET_BYTES + 12 : ETHERNET_BYTES + 16])
            icmp = data[ETHERNET_BYTES + header_bytes :]
            kind, identifier = icmp[0], int.from_bytes(icmp[4:6])
            if (kind, identifier, source) == (ECHO_REPLY, self._identifier, address):
                self._watching.answered(frame)


def echo_request(identifier: int, sequence: int) -> bytes:
    """Return an ICMP echo request with its checksum (RFC 1071)."""
    words = struct.pack("!BBHHH", ECHO_REQUEST, 0, 0, identifier, sequence & 0xFFFF)
    total = sum(struct.unpack("!4H", words))
    checksum = ~(total + (total >> 16)) & 0xFFFF
    return struct.pack("!BBHHH", ECHO_REQUEST, 0, checksum, identifier, sequence & 0xFFFF)
