"""Raw frames with the kernel's time stamps (packet(7))."""

from __future__ import annotations

import contextlib
import ctypes
import socket
import struct
import threading
from collections.abc import Iterator
from dataclasses import dataclass

ETH_P_ALL = 0x0003
SO_ATTACH_FILTER = 26
SO_TIMESTAMPNS = 35
PACKET_ADD_MEMBERSHIP = 1
PACKET_MR_PROMISC = 1
SOL_PACKET = 263
LONGEST_FRAME = 65536
BUFFER_BYTES = 8 << 20
LOOK_UP_S = 0.05  # a packet socket cannot be woken by closing it

# Classic BPF (linux/filter.h): ldh [12]; jeq #0x0806; and for ICMP also ldb [23]; jeq #1
ARP_ONLY = ((0x28, 0, 0, 12), (0x15, 0, 1, 0x0806), (0x06, 0, 0, 0xFFFF), (0x06, 0, 0, 0))
ICMP_ONLY = (
    (0x28, 0, 0, 12),
    (0x15, 0, 3, 0x0800),
    (0x30, 0, 0, 23),
    (0x15, 0, 1, 1),
    (0x06, 0, 0, 0xFFFF),
    (0x06, 0, 0, 0),
)
IPV4_ONLY = ((0x28, 0, 0, 12), (0x15, 0, 1, 0x0800), (0x06, 0, 0, 0xFFFF), (0x06, 0, 0, 0))
# ARP; and of IPv4 what comes from or goes to port 5060 by UDP or TCP, behind a header of any length
ARP_AND_SIP = (
    (0x28, 0, 0, 12),
    (0x15, 9, 0, 0x0806),
    (0x15, 0, 9, 0x0800),
    (0x30, 0, 0, 23),
    (0x15, 1, 0, 17),
    (0x15, 0, 6, 6),
    (0xB1, 0, 0, 14),
    (0x48, 0, 0, 14),
    (0x15, 2, 0, 5060),
    (0x48, 0, 0, 16),
    (0x15, 0, 1, 5060),
    (0x06, 0, 0, 0xFFFF),
    (0x06, 0, 0, 0),
)
Program = tuple[tuple[int, int, int, int], ...]


@dataclass(frozen=True)
class Frame:
    """A frame as it crossed an interface.

    Attributes:
        seconds, nanoseconds: Unix time by the kernel.
        data: from the destination MAC on.
    """

    seconds: int
    nanoseconds: int
    data: bytes

    @property
    def at_s(self) -> float:
        """Return the Unix time."""
        return self.seconds + self.nanoseconds / 1e9


class Tap:
    """A packet socket on one interface."""

    def __init__(self, interface: str, program: Program, *, promiscuous: bool = False) -> None:
        # Protocol 0 receives nothing until bind, so that no unfiltered frame gets in.
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        self._socket.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER_BYTES)
        code = b"".join(struct.pack("HBBI", *instruction) for instruction in program)
        buffer = ctypes.create_string_buffer(code)
        pointer = struct.pack("HP", len(program), ctypes.addressof(buffer))
        self._socket.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, pointer)
        self._socket.settimeout(LOOK_UP_S)
        self._closed = threading.Event()
        self._socket.bind((interface, ETH_P_ALL))
        if promiscuous:
            index = socket.if_nametoindex(interface)
            request = struct.pack("iHH8s", index, PACKET_MR_PROMISC, 0, b"")
            self._socket.setsockopt(SOL_PACKET, PACKET_ADD_MEMBERSHIP, request)

    def send(self, frame: bytes) -> None:
        """Put a frame on the wire; a wire that is down swallows it."""
        with contextlib.suppress(OSError):
            self._socket.send(frame)

    def frames(self) -> Iterator[Frame]:
        """Yield frames until `close`, and what came before it."""
        while True:
            try:
                data, ancillary, _, _ = self._socket.recvmsg(LONGEST_FRAME, 64)
            except OSError:  # no frame for a while, or the port went down
                if self._closed.is_set():
                    self._socket.close()
                    return
                continue
            seconds, nanoseconds = struct.unpack("ll", ancillary[0][2][:16])
            yield Frame(seconds, nanoseconds, data)

    def close(self) -> None:
        """End `frames` as soon as no frame waits any more."""
        self._closed.set()
