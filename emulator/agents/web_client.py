"""A program that looks at an appliance's page again and again (RFC 9110)."""

from __future__ import annotations

import contextlib
import socket
import threading
from dataclasses import dataclass, field

from emulator.agents.frames import IPV4_ONLY, Tap
from emulator.agents.namespace import NetworkNamespace
from emulator.agents.telephone import transported

WEB_PORT = 80
PATIENCE_S = 1.0  # with a page that does not come
PAUSE_S = 0.2  # between two looks
REQUEST = "GET /login HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"
LONGEST_PIECE = 65536
Answer = tuple[float, str]  # Unix time of the frame, MAC that it came from


@dataclass
class _Watch:
    address: str
    sent: int = 0
    answers: list[Answer] = field(default_factory=list)
    ended: threading.Event = field(default_factory=threading.Event)
    looker: threading.Thread | None = None


class WebClient:
    """Asks by a connection of its own each time; the answers are read off the wire.

    Args:
        namespace: where it stands.
        mac: its own.
    """

    def __init__(self, namespace: NetworkNamespace, mac: str) -> None:
        self._namespace = namespace
        self._mac = mac
        self._watched: _Watch | None = None
        with namespace.entered():
            self._tap = Tap("eth0", IPV4_ONLY)
        threading.Thread(target=self._listen, name="web", daemon=True).start()

    def watch(self, address: str, interval_s: float) -> None:
        """Look at a page until `stop`, at most five times a second.

        Raises:
            ValueError: a watch is under way.
        """
        if self._watched is not None:
            raise ValueError("the client is looking already: stop that first")
        watch = _Watch(address)
        pause_s = max(interval_s, PAUSE_S)
        watch.looker = threading.Thread(target=self._look, args=(watch, pause_s), daemon=True)
        self._watched = watch
        watch.looker.start()

    def stop(self) -> tuple[int, list[Answer]]:
        """End the watch; how often it asked, and the answers.

        Raises:
            ValueError: there is none.
        """
        watch, self._watched = self._watched, None
        if watch is None or watch.looker is None:
            raise ValueError("the client is not looking at anything")
        watch.ended.set()
        watch.looker.join()
        return watch.sent, watch.answers

    def _look(self, watch: _Watch, pause_s: float) -> None:
        while not watch.ended.wait(pause_s):
            watch.sent += 1
            with self._namespace.entered():
                link = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
            with link, contextlib.suppress(OSError):  # nobody answers: that is what is watched
                link.settimeout(PATIENCE_S)
                link.connect((watch.address, WEB_PORT))
                link.sendall(REQUEST.format(address=watch.address).encode())
                while link.recv(LONGEST_PIECE):
                    pass

    def _listen(self) -> None:
        for frame in self._tap.frames():
            watch = self._watched
            if watch is None or frame.data[:6].hex(":") != self._mac:
                continue
            segment = transported(frame.data)
            if segment is not None and segment[1] == WEB_PORT and segment[2].startswith(b"HTTP/1."):
                watch.answers.append((frame.at_s, frame.data[6:12].hex(":")))
