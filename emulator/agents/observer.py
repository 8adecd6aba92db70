"""The observer: asks who has an address, with scapy, from a station of its own (RFC 826)."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from emulator.agents.frames import ARP_ONLY, Frame, Tap
from emulator.agents.namespace import NetworkNamespace

IS_AT = 2
BROADCAST = "ff:ff:ff:ff:ff:ff"
Reply = tuple[float, str]  # Unix time of the frame, MAC


@dataclass(eq=False)
class _Question:
    address: str
    replies: list[Reply] = field(default_factory=list)
    ended: threading.Event = field(default_factory=threading.Event)


class Observer:
    """Stands on the LAN with its own MAC and address; needs no ARP cache."""

    def __init__(self, namespace: NetworkNamespace, mac: str, address: str) -> None:
        self._mac = mac
        self._address = address
        self._questions: list[_Question] = []
        self._watched: tuple[_Question, threading.Thread] | None = None
        self._lock = threading.Lock()
        with namespace.entered():
            self._tap = Tap("eth0", ARP_ONLY)
        threading.Thread(target=self._listen, name="observer", daemon=True).start()

    def who_has(self, address: str, listen_s: float) -> list[Reply]:
        """Ask once and return every answer within a time."""
        question = self._open(address)
        self._tap.send(self._frame(address))
        question.ended.wait(listen_s)
        return self._close(question)

    def watch(self, address: str, interval_s: float) -> None:
        """Ask again and again until `stop`.

        Raises:
            ValueError: a watch is under way.
        """
        if self._watched is not None:
            raise ValueError("the observer is watching already: stop that first")
        question = self._open(address)
        asker = threading.Thread(target=self._ask, args=(question, interval_s), daemon=True)
        self._watched = question, asker
        asker.start()

    def stop(self) -> list[Reply]:
        """End the watch and return every answer.

        Raises:
            ValueError: there is none.
        """
        if self._watched is None:
            raise ValueError("the observer is not watching anything")
        question, asker = self._watched
        self._watched = None
        question.ended.set()
        asker.join()
        return self._close(question)

    def _ask(self, question: _Question, interval_s: float) -> None:
        frame = self._frame(question.address)
        while not question.ended.is_set():
            self._tap.send(frame)
            question.ended.wait(interval_s)

    def _frame(self, address: str) -> bytes:
        from scapy.layers.l2 import ARP, Ether  # noqa: PLC0415 - slow; the LAN is up before

        packet = Ether(src=self._mac, dst=BROADCAST) / ARP(
            op="who-has", hwsrc=self._mac, psrc=self._address, pdst=address
        )
        return bytes(packet)

    def _listen(self) -> None:
        for frame in self._tap.frames():
            with self._lock:
                if self._questions:
                    self._take(frame)

    def _take(self, frame: Frame) -> None:
        """Note an answer to an open question."""
        from scapy.layers.l2 import ARP, Ether  # noqa: PLC0415 - slow; the LAN is up before

        packet = Ether(frame.data)
        if ARP not in packet or packet[ARP].op != IS_AT or packet.dst != self._mac:
            return
        for question in self._questions:
            if question.address == packet[ARP].psrc:
                question.replies.append((frame.at_s, packet[ARP].hwsrc))

    def _open(self, address: str) -> _Question:
        question = _Question(address)
        with self._lock:
            self._questions.append(question)
        return question

    def _close(self, question: _Question) -> list[Reply]:
        with self._lock:
            self._questions.remove(question)
        return question.replies
