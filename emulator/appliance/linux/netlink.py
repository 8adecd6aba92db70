"""Watching the IPv4 addresses of the LAN port, as the kernel reports them (rtnetlink(7))."""

from __future__ import annotations

import os
import select
import socket
import struct
import threading
from collections.abc import Callable, Iterator, Mapping
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

RTMGRP_IPV4_IFADDR = 0x10
RTM_NEWADDR = 20
RTM_DELADDR = 21
IFA_LOCAL = 2
HEADER = struct.Struct("=LHHLL")  # nlmsghdr
ADDRESS = struct.Struct("=BBBBL")  # ifaddrmsg
ATTRIBUTE = struct.Struct("=HH")  # rtattr
BUFFER = 65536

Emit = Callable[[str, str, str, Mapping[str, Any]], None]


class AddressWatch:
    """Emits `added` and `removed` for every change of an address on an interface.

    The kernel queues a change to our socket before the system call that made it returns:
    whoever changes addresses calls `pump` afterwards, and the events are out before it
    goes on. A thread takes what others change.
    """

    def __init__(self, interface: str, emit: Emit) -> None:
        self._interface = interface
        self._emit = emit
        self._known: set[str] = set()
        self._one_at_a_time = threading.Lock()
        self._socket = socket.socket(
            socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_NONBLOCK, socket.NETLINK_ROUTE
        )
        self._socket.bind((0, RTMGRP_IPV4_IFADDR))
        self._wake = os.eventfd(0)
        self._thread = threading.Thread(target=self._watch, name="addresses", daemon=True)
        self._thread.start()

    def pump(self) -> None:
        """Report everything that the kernel has queued so far."""
        with self._one_at_a_time:
            while True:
                try:
                    data = self._socket.recv(BUFFER)
                except (BlockingIOError, OSError):
                    return
                for kind, index, address in parse(data):
                    self._take(kind, index, address)

    def stop(self) -> None:
        """End the watch."""
        os.eventfd_write(self._wake, 1)
        self._thread.join()
        self._socket.close()
        os.close(self._wake)

    def _watch(self) -> None:
        poll = select.poll()
        poll.register(self._socket, select.POLLIN)
        poll.register(self._wake, select.POLLIN)
        while self._wake not in [descriptor for descriptor, _ in poll.poll()]:
            self.pump()

    def _take(self, kind: int, index: int, address: str) -> None:
        """A repeated report is no change: a secondary address that is promoted is told again."""
        try:
            name = socket.if_indextoname(index)
        except OSError:
            name = self._interface  # the interface is gone, and its addresses with it
        if name != self._interface:
            return
        if kind == RTM_NEWADDR and address not in self._known:
            self._known.add(address)
            self._emit("address", "added", "", {"address": address, "mac": self._mac()})
        elif kind == RTM_DELADDR and address in self._known:
            self._known.remove(address)
            self._emit("address", "removed", "", {"address": address, "mac": self._mac()})

    def _mac(self) -> str:
        try:
            return Path(f"/sys/class/net/{self._interface}/address").read_text().strip()
        except OSError:
            return ""


def parse(data: bytes) -> Iterator[tuple[int, int, str]]:
    """Take a datagram of address messages apart: (kind, interface index, address)."""
    offset = 0
    while offset + HEADER.size <= len(data):
        length, kind, _flags, _sequence, _pid = HEADER.unpack_from(data, offset)
        if length < HEADER.size:
            return
        if kind in (RTM_NEWADDR, RTM_DELADDR):
            body = data[offset + HEADER.size : offset + length]
            _family, _prefix, _flags, _scope, index = ADDRESS.unpack_from(body)
            address = _local(body[ADDRESS.size :])
            if address is not None:
                yield kind, index, address
        offset += _aligned(length)


def _local(attributes: bytes) -> str | None:
    offset = 0
    while offset + ATTRIBUTE.size <= len(attributes):
        length, kind = ATTRIBUTE.unpack_from(attributes, offset)
        if length < ATTRIBUTE.size:
            return None
        if kind == IFA_LOCAL:
            return str(IPv4Address(attributes[offset + ATTRIBUTE.size : offset + length]))
        offset += _aligned(length)
    return None


def _aligned(length: int) -> int:
    return (length + 3) & ~3
