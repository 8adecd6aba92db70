"""Listening on the LAN port: conflicting ARP packets, and the link (RFC 5227, rtnetlink(7))."""

from __future__ import annotations

import contextlib
import fcntl
import os
import select
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator

from emulator.appliance.linux.arp import LONGEST_FRAME, announce, arp_socket, claim
from emulator.ports import Ear

ANNOUNCE_INTERVAL_S = 2.0  # RFC 5227 section 1.1
RTMGRP_LINK = 0x1
RTM_NEWLINK = 16
IFF_LOWER_UP = 0x10000
SIOCGIFFLAGS, IFF_RUNNING = 0x8913, 0x40  # netdevice(7)
HEADER = struct.Struct("=LHHLL")  # nlmsghdr
LINK = struct.Struct("=BxHiII")  # ifinfomsg
BUFFER = 65536


class PortWatch:
    """A thread that hears what happens on a port, and sends what is due later.

    Args:
        interface: the LAN port.
        held: returns the addresses that the port has.
        ear: is told, on this thread.
    """

    def __init__(self, interface: str, held: Callable[[], frozenset[str]], ear: Ear) -> None:
        self._interface = interface
        self._held = held
        self._ear = ear
        self._arp = arp_socket(interface)
        self._links = socket.socket(
            socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_NONBLOCK, socket.NETLINK_ROUTE
        )
        self._links.bind((0, RTMGRP_LINK))
        self._index = socket.if_nametoindex(interface)
        self._up = _linked(self._arp, interface)
        self._repeats: dict[str, float] = {}  # when an address is announced again
        self._wake = os.eventfd(0, os.EFD_NONBLOCK)
        self._stopped = False
        self._thread = threading.Thread(target=self._listen, name="lan-port", daemon=True)
        self._thread.start()

    def repeat(self, address: str) -> None:
        """Announce an address again in a while, unless another claims it before."""
        self._repeats[address] = _now_s() + ANNOUNCE_INTERVAL_S
        os.eventfd_write(self._wake, 1)

    def stop(self) -> None:
        """End the watch."""
        self._stopped = True
        os.eventfd_write(self._wake, 1)
        self._thread.join()
        self._arp.close()
        self._links.close()
        os.close(self._wake)

    def _listen(self) -> None:
        poll = select.poll()
        for one in (self._arp, self._links, self._wake):
            poll.register(one, select.POLLIN)
        while not self._stopped:
            due_s = min(self._repeats.values(), default=None)
            poll.poll(None if due_s is None else max(0.0, due_s - _now_s()) * 1000)
            with contextlib.suppress(BlockingIOError):
                os.eventfd_read(self._wake)
            self._hear()
            self._look()
            self._announce_again()

    def _hear(self) -> None:
        own = self._arp.getsockname()[4].hex(":")
        for frame, origin in _waiting(self._arp):
            said = claim(frame)
            if said is None or origin[2] == socket.PACKET_OUTGOING:
                continue
            address, mac = said
            if mac != own and address in self._held():
                self._repeats.pop(address, None)
                self._ear.claimed(address, mac)

    def _look(self) -> None:
        for data, _ in _waiting(self._links):
            for up in _link_states(data, self._index):
                if up is not self._up:
                    self._up = up
                    self._ear.linked(up=up)

    def _announce_again(self) -> None:
        now_s = _now_s()
        for address in [one for one, due_s in self._repeats.items() if due_s <= now_s]:
            del self._repeats[address]
            if address in self._held():
                announce(self._interface, address)


def _waiting(source: socket.socket) -> Iterator[tuple[bytes, tuple[object, ...]]]:
    """Return what a socket has received; a port that went down is no error here."""
    while True:
        try:
            yield source.recvfrom(max(BUFFER, LONGEST_FRAME))
        except OSError:
            return


def _linked(wire: socket.socket, interface: str) -> bool:
    """Tell whether a port has a link now."""
    request = struct.pack("16sh14x", interface.encode(), 0)
    (flags,) = struct.unpack_from("H", fcntl.ioctl(wire, SIOCGIFFLAGS, request), 16)
    return bool(flags & IFF_RUNNING)


def _link_states(data: bytes, index: int) -> Iterator[bool]:
    """Take a datagram of link messages apart: whether the port has a link, each time."""
    offset = 0
    while offset + HEADER.size + LINK.size <= len(data):
        length, kind, *_ = HEADER.unpack_from(data, offset)
        if length < HEADER.size:
            return
        _family, _type, which, flags, _change = LINK.unpack_from(data, offset + HEADER.size)
        if kind == RTM_NEWLINK and which == index:
            yield bool(flags & IFF_LOWER_UP)
        offset += (length + 3) & ~3


def _now_s() -> float:
    return time.monotonic()  # noqa: TID251 - the kernel's packets are real
