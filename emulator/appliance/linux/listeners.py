"""At which TCP ports connections are taken, as the kernel reports it (sock_diag(7)).

Only listening sockets are asked for. The tables of proc(5) would have the kernel walk all that it
has room for in connections, of every namespace, which takes milliseconds.
"""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Iterator

NETLINK_SOCK_DIAG = 4
SOCK_DIAG_BY_FAMILY = 20
NLMSG_ERROR, NLMSG_DONE = 2, 3
DUMP = 0x301  # NLM_F_REQUEST | NLM_F_DUMP
LISTEN = 10  # include/net/tcp_states.h
HEADER = struct.Struct("=LHHLL")  # nlmsghdr
REQUEST = struct.Struct("=BBBxL48x")  # inet_diag_req_v2; any socket
FOUND = struct.Struct("!BBBBH")  # inet_diag_msg, as far as the source port
ERROR = struct.Struct("=i")  # nlmsgerr: a negative errno
BUFFER = 65536


def listening_ports() -> set[int]:
    """Return the ports of this network namespace at which connections are taken.

    Raises:
        OSError: the kernel does not tell.
    """
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_SOCK_DIAG) as kernel:
        return {
            port
            for family in (socket.AF_INET, socket.AF_INET6)
            for port in _ports(kernel, int(family))
        }


def _ports(kernel: socket.socket, family: int) -> Iterator[int]:
    """Ask for one family; a kernel without it has no sockets of it."""
    request = REQUEST.pack(family, socket.IPPROTO_TCP, 0, 1 << LISTEN)
    size = HEADER.size + len(request)
    kernel.send(HEADER.pack(size, SOCK_DIAG_BY_FAMILY, DUMP, 0, 0) + request)
    while True:
        for kind, body in _messages(kernel.recv(BUFFER)):
            if kind == NLMSG_DONE:
                return
            if kind == NLMSG_ERROR:
                (code,) = ERROR.unpack_from(body)
                raise OSError(-code, os.strerror(-code))
            yield FOUND.unpack_from(body)[4]


def _messages(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Take a datagram apart: kind and body of each message."""
    offset = 0
    while offset + HEADER.size <= len(data):
        length, kind, *_ = HEADER.unpack_from(data, offset)
        yield kind, data[offset + HEADER.size : offset + length]
        offset += (length + 3) & ~3
