"""IPv4 addresses on the wire: raw ARP frames, without the kernel's ARP cache.

The frame is that of RFC 826 on Ethernet; probe and announcement are those of RFC 5227,
sections 2.1.1 and 2.3.
"""

from __future__ import annotations

import fcntl
import select
import socket
import struct
from ipaddress import IPv4Address

from redundancy.errors import LanUnusable
from redundancy.ports import Stopwatch

ETHERTYPE_ARP = 0x0806
ETHERTYPE_IPV4 = 0x0800
HARDWARE_ETHERNET = 1
REQUEST, REPLY = 1, 2
BROADCAST = b"\xff" * 6
NOBODY = b"\x00" * 6
UNSPECIFIED = b"\x00" * 4
FRAME_SIZE_MAX = 1514

SIOCGIFFLAGS = 0x8913
IFF_UP_AND_RUNNING = 0x1 | 0x40

_ETHERNET = struct.Struct("!6s6sH")
_ARP = struct.Struct("!HHBBH6s4s6s4s")


class RawAddresses:
    """Probes and announces on one interface with AF_PACKET sockets.

    Every call opens its own socket and reads the interface's MAC anew, so it stays
    right when addresses, the MAC or the interface itself change.

    Args:
        interface: the LAN port, such as `eth0`.
        stopwatch: measures how long answers are awaited.
    """

    def __init__(self, interface: str, stopwatch: Stopwatch) -> None:
        self._interface = interface
        self._stopwatch = stopwatch

    def probe(self, address: str, listen_s: float) -> frozenset[str]:
        """Ask once and listen; see `redundancy.ports.Addresses.probe`.

        Raises:
            LanUnusable: the port is down or without a link: silence would prove nothing.
        """
        wanted = IPv4Address(address).packed
        with self._socket() as wire:
            own = _own_mac(wire)
            self._send(wire, _frame(REQUEST, own, UNSPECIFIED, NOBODY, wanted))
            found = self._listen(wire, own, wanted, self._stopwatch.now_s() + listen_s)
            self._require_link(wire)
        return frozenset(mac.hex(":") for mac in found)

    def announce(self, address: str) -> None:
        """Send a gratuitous request and a gratuitous reply, both as broadcast.

        Raises:
            LanUnusable: the port is down or without a link.
        """
        ours = IPv4Address(address).packed
        with self._socket() as wire:
            own = _own_mac(wire)
            self._send(wire, _frame(REQUEST, own, ours, NOBODY, ours))
            self._send(wire, _frame(REPLY, own, ours, BROADCAST, ours))

    def _socket(self) -> socket.socket:
        wire = socket.socket(
            socket.AF_PACKET, socket.SOCK_RAW | socket.SOCK_NONBLOCK, socket.htons(ETHERTYPE_ARP)
        )
        try:
            wire.bind((self._interface, ETHERTYPE_ARP))
            self._require_link(wire)
        except OSError as error:
            wire.close()
            raise self._unusable(str(error)) from error
        except LanUnusable:
            wire.close()
            raise
        return wire

    def _send(self, wire: socket.socket, frame: bytes) -> None:
        try:
            wire.send(frame)
        except OSError as error:
            raise self._unusable(str(error)) from error

    def _listen(self, wire: socket.socket, own: bytes, wanted: bytes, until_s: float) -> set[bytes]:
        found: set[bytes] = set()
        while (left_s := until_s - self._stopwatch.now_s()) > 0:
            ready, _, _ = select.select([wire], [], [], left_s)
            if not ready:
                break
            try:
                frame, origin = wire.recvfrom(FRAME_SIZE_MAX)
            except BlockingIOError:
                continue
            except OSError as error:
                raise self._unusable(str(error)) from error
            holder = _holder(frame, wanted)
            if holder not in (None, own) and origin[2] != socket.PACKET_OUTGOING:
                found.add(holder)
        return found

    def _require_link(self, wire: socket.socket) -> None:
        """Refuse to take a pulled cable for silence."""
        request = struct.pack("16sh14x", self._interface.encode(), 0)
        (flags,) = struct.unpack_from("H", fcntl.ioctl(wire, SIOCGIFFLAGS, request), 16)
        if flags & IFF_UP_AND_RUNNING != IFF_UP_AND_RUNNING:
            raise self._unusable("it has no link")

    def _unusable(self, why: str) -> LanUnusable:
        return LanUnusable(
            f"the LAN port {self._interface} cannot be used: {why}",
            remedy="check this appliance's network cable and port",
        )


def _own_mac(wire: socket.socket) -> bytes:
    mac: bytes = wire.getsockname()[4]
    return mac


def _frame(operation: int, own: bytes, sender: bytes, target: bytes, address: bytes) -> bytes:
    """Build a broadcast ARP frame (RFC 826)."""
    arp = _ARP.pack(
        HARDWARE_ETHERNET, ETHERTYPE_IPV4, 6, 4, operation, own, sender, target, address
    )
    return _ETHERNET.pack(BROADCAST, own, ETHERTYPE_ARP) + arp


def _holder(frame: bytes, wanted: bytes) -> bytes | None:
    """Return the MAC that a frame shows to hold an address, None if it shows nothing."""
    if len(frame) < _ETHERNET.size + _ARP.size:
        return None
    hardware, protocol, mac_size, address_size, operation, sender_mac, sender, _, _ = (
        _ARP.unpack_from(frame, _ETHERNET.size)
    )
    known = (HARDWARE_ETHERNET, ETHERTYPE_IPV4, 6, 4)
    if (hardware, protocol, mac_size, address_size) != known:
        return None
    if operation not in (REQUEST, REPLY) or sender != wanted:
        return None
    return bytes(sender_mac)
