"""ARP packets (RFC 826) and their recording in pcap form."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from socket import inet_aton

from emulator.sim.world import MICROSECONDS

BROADCAST = "ff:ff:ff:ff:ff:ff"
NO_MAC = "00:00:00:00:00:00"
NO_ADDRESS = "0.0.0.0"  # noqa: S104 - the all-zero sender of an RFC 5227 probe, nothing binds to it
REQUEST, REPLY = 1, 2

_ETHERTYPE_ARP = 0x0806
_ARP = struct.Struct("!6s6sHHHBBH6s4s6s4s")
_PCAP_HEADER = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1)
_PCAP_RECORD = struct.Struct("<IIII")


@dataclass(frozen=True)
class Packet:
    """One ARP packet on the LAN.

    Attributes:
        at_us: when, on the Stopwatch.
        destination: the frame's MAC address, `BROADCAST` for everyone.
        operation: `REQUEST` or `REPLY`.
        sender_mac, sender, target_mac, target: the packet's four addresses.
    """

    at_us: int
    destination: str
    operation: int
    sender_mac: str
    sender: str
    target_mac: str
    target: str

    def frame(self) -> bytes:
        """Return the Ethernet frame; its source is the sender's MAC."""
        source = _mac(self.sender_mac)
        return _ARP.pack(
            _mac(self.destination),
            source,
            _ETHERTYPE_ARP,
            1,
            0x0800,
            6,
            4,
            self.operation,
            source,
            inet_aton(self.sender),
            _mac(self.target_mac),
            inet_aton(self.target),
        )


def request(at_us: int, mac: str, sender: str, target: str) -> Packet:
    """Return the question who has an address; a probe when the sender is `NO_ADDRESS`."""
    return Packet(at_us, BROADCAST, REQUEST, mac, sender, NO_MAC, target)


def reply(at_us: int, mac: str, address: str, asked: Packet) -> Packet:
    """Return the answer to a question."""
    return Packet(at_us, asked.sender_mac, REPLY, mac, address, asked.sender_mac, asked.sender)


def announcement(at_us: int, mac: str, address: str) -> tuple[Packet, Packet]:
    """Return a gratuitous request and a gratuitous reply (RFC 5227, section 2.3)."""
    return (
        Packet(at_us, BROADCAST, REQUEST, mac, address, NO_MAC, address),
        Packet(at_us, BROADCAST, REPLY, mac, address, BROADCAST, address),
    )


def pcap(packets: Iterable[Packet]) -> bytes:
    """Return a recording that tcpdump, tshark and scapy read."""
    parts = [_PCAP_HEADER]
    for packet in packets:
        frame = packet.frame()
        seconds, microseconds = divmod(packet.at_us, MICROSECONDS)
        parts += (_PCAP_RECORD.pack(seconds, microseconds, len(frame), len(frame)), frame)
    return b"".join(parts)


@cache
def _mac(text: str) -> bytes:
    return bytes.fromhex(text.replace(":", ""))
