"""A program that looks at an appliance's page again and again (RFC 9110)."""

from __future__ import annotations

import contextlib
import socket
import threading

from emulator.agents.frames import IPV4_ONLY, Tap
from emulator.agents.namespace import NetworkNamespace
from emulator.agents.telephone import transported
from emulator.agents.watching import Answer, Watching

WEB_PORT = 80
PATIENCE_S = 1.0  # with a page that does not come
PAUSE_S = 0.2  # between two looks
REQUEST = "GET /login HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"
LONGEST_PIECE = 65536


class WebClient:
    """Asks by a connection of its own each time; the answers are read off the wire.

    Args:
        namespace: where it stands.
        mac: its own.
    """

    def __init__(self, namespace: NetworkNamespace, mac: str) -> None:
        self._namespace = namespace
        self._mac = mac
        self._watching = Watching(self._look)
        with namespace.entered():
            self._tap = Tap("eth0", IPV4_ONLY)
        threading.Thread(target=self._listen, name="web", daemon=True).start()

    def watch(self, address: str, interval_s: float) -> None:
        """Look at a page until `stop`, at most five times a second.

        Raises:
            ValueError: a watch is under way.
        """
        self._watching.begin(address, max(interval_s, PAUSE_S))

    def stop(self) -> tuple[int, list[Answer]]:
        """End the watch; how often it asked, and the answers.

        Raises:
            ValueError: there is none.
        """
        return self._watching.end()

    def _look(self, address: str, _number: int) -> None:
        with self._namespace.entered():
            link = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        with link, contextlib.suppress(OSError):  # nobody answers: that is what is watched
            link.settimeout(PATIENCE_S)
            link.connect((address, WEB_PORT))
            link.sendall(REQUEST.format(address=address).encode())
            while link.recv(LONGEST_PIECE):
                pass

    def _listen(self) -> None:
        for frame in self._tap.frames():
            if self._watching.address is None or frame.data[:6].hex(":") != self._mac:
                continue
            segment = transported(frame.data)
            if segment is not None and segment[1] == WEB_PORT and segment[2].startswith(b"HTTP/1."):
                self._watching.answered(frame)
