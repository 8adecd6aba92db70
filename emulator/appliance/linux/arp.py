"""ARP on the LAN port: who has an address, and that we have one (RFC 826, RFC 5227)."""

from __future__ import annotations

import contextlib
import select
import socket
import struct
import time
from ipaddress import IPv4Address

ETHERTYPE_ARP = 0x0806
BROADCAST, NOBODY = b"\xff" * 6, b"\x00" * 6
UNSPECIFIED = b"\x00" * 4
FRAME = struct.Struct("!6s6sHHHBBH6s4s6s4s")
LONGEST_FRAME = 1514


def who_has(interface: str, address: str, listen_s: float) -> frozenset[str]:
    """Ask with an all-zero sender and listen; the MACs of others that hold the address.

    Nobody can be heard on a port without a link, and none is an answer then.
    """
    wanted = IPv4Address(address).packed
    found: set[str] = set()
    with arp_socket(interface) as wire:
        own: bytes = wire.getsockname()[4]
        question = (1, 0x0800, 6, 4, 1, own, UNSPECIFIED, NOBODY, wanted)
        try:
            wire.send(FRAME.pack(BROADCAST, own, ETHERTYPE_ARP, *question))
        except OSError:
            return frozenset()
        until_s = time.monotonic() + listen_s  # noqa: TID251 - the kernel's answers are real
        while (left_s := until_s - time.monotonic()) > 0:  # noqa: TID251 - as above
            if select.select([wire], [], [], left_s)[0]:
                mac = _holder(wire.recv(LONGEST_FRAME), wanted)
                if mac is not None and mac != own:
                    found.add(mac.hex(":"))
    return frozenset(found)


def announce(interface: str, address: str) -> None:
    """Send one announcement (RFC 5227 section 2.3); nobody hears it on a port without a link."""
    ours = IPv4Address(address).packed
    with contextlib.suppress(OSError), arp_socket(interface) as wire:
        own: bytes = wire.getsockname()[4]
        said = (1, 0x0800, 6, 4, 1, own, ours, NOBODY, ours)
        wire.send(FRAME.pack(BROADCAST, own, ETHERTYPE_ARP, *said))


def arp_socket(interface: str) -> socket.socket:
    """Open a socket for the ARP frames of a port.

    Raises:
        OSError: there is no such port.
    """
    wire = socket.socket(
        socket.AF_PACKET, socket.SOCK_RAW | socket.SOCK_NONBLOCK, socket.htons(ETHERTYPE_ARP)
    )
    try:
        wire.bind((interface, ETHERTYPE_ARP))
    except OSError:
        wire.close()
        raise
    return wire


def claim(frame: bytes) -> tuple[str, str] | None:
    """Return the address and the MAC that the sender of a frame says to have; a probe has none."""
    if len(frame) < FRAME.size:
        return None
    mac, sender = FRAME.unpack_from(frame)[8:10]
    return None if sender == UNSPECIFIED else (str(IPv4Address(sender)), mac.hex(":"))


def _holder(frame: bytes, wanted: bytes) -> bytes | None:
    """Return the MAC of a frame whose sender holds the address."""
    if len(frame) < FRAME.size:
        return None
    sender_mac, sender = FRAME.unpack_from(frame)[8:10]
    return bytes(sender_mac) if sender == wanted else None
