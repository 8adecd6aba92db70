"""A box to try the appliance on: a real folder as its disk, everything else within reach."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, BinaryIO

from flask import Blueprint

from emulator.appliance.modules import Tab
from emulator.appliance.registrar import PORT as SIP_PORT
from emulator.ports import Disk, Interface, MailServer, Registration, SipAccount

START = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)
DEADLINE_S = 10.0


class Bell:
    def __init__(self, changed: threading.Condition) -> None:
        self._changed = changed
        self.rung = False

    def ring(self) -> None:
        with self._changed:
            self.rung = True
            self._changed.notify_all()


class HandCalendar:
    """Stands until a test sets it; waiters are woken by their bell or by `set`."""

    def __init__(self) -> None:
        self._now = START
        self._changed = threading.Condition()
        self._waiters: list[tuple[datetime | None, Bell]] = []
        self._threads = 0

    def work(self, body: Callable[[], None]) -> None:
        """Do a thread's work, known to `await_quiet`."""
        with self._changed:
            self._threads += 1
        try:
            body()
        finally:
            with self._changed:
                self._threads -= 1
                self._changed.notify_all()

    def now(self) -> datetime:
        return self._now

    def reference(self) -> datetime:
        return self._now

    def set(self, now: datetime) -> None:
        with self._changed:
            self._now = now
            self._changed.notify_all()

    def bell(self) -> Any:
        return Bell(self._changed)

    def wait(self, until: datetime | None, bell: Any) -> bool:
        waiter = (until, bell)
        with self._changed:
            self._waiters.append(waiter)
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._due(waiter))
            self._waiters.remove(waiter)
            rung, bell.rung = bell.rung, False
            return not rung

    def rest(self, duration: timedelta, bell: Any) -> timedelta:
        end = self._now + duration
        return timedelta() if self.wait(end, bell) else max(end - self._now, timedelta())

    def await_quiet(self) -> datetime | None:
        """Wait until all threads wait and none is about to go on; until when they wait."""
        with self._changed:
            assert self._changed.wait_for(
                lambda: (
                    0 < self._threads == len(self._waiters)
                    and not any(map(self._due, self._waiters))
                ),
                DEADLINE_S,
            )
            return min((until for until, _ in self._waiters if until is not None), default=None)

    def _due(self, waiter: tuple[datetime | None, Bell]) -> bool:
        until, bell = waiter
        return bell.rung or (until is not None and until <= self._now)

    def hold(self, _why: str) -> AbstractContextManager[None]:
        return nullcontext()


class HandStopwatch:
    def __init__(self) -> None:
        self.elapsed_s = 0.0

    def now_s(self) -> float:
        return self.elapsed_s

    def sleep(self, duration_s: float) -> None:
        self.elapsed_s += duration_s


@dataclass
class FakeNetwork:
    applied: list[Interface] = field(default_factory=list)
    others: dict[str, str] = field(default_factory=dict)
    announced: list[str] = field(default_factory=list)
    defended: list[str] = field(default_factory=list)
    ear: Any = None
    is_down: bool = False

    def apply(self, interface: Interface) -> None:
        self.applied.append(interface)

    def listen(self, ear: Any) -> None:
        self.ear = ear

    def announce(self, address: str) -> None:
        self.announced.append(address)

    def defend(self, address: str) -> None:
        self.defended.append(address)

    def probe(self, address: str, _listen_s: float) -> frozenset[str]:
        return frozenset({self.others[address]} if address in self.others else ())

    def down(self) -> None:
        self.is_down = True


@dataclass
class FakeShell:
    password: str = ""

    def serve(self, password: str) -> None:
        self.password = password

    def await_listening(self, _stopwatch: Any) -> None:
        pass

    def stop(self) -> None:
        self.password = ""


@dataclass
class FakeTelephony:
    """Notes where it answers, and for whom; "" and nobody while it refuses everyone."""

    address: str = ""
    accounts: Sequence[SipAccount] = ()
    known: tuple[Registration, ...] = ()

    def serve(self, address: str, accounts: Sequence[SipAccount]) -> None:
        self.address, self.accounts = address, accounts

    def stop(self) -> None:
        self.address, self.accounts = "", ()

    def registrations(self) -> tuple[Registration, ...]:
        return self.known


@dataclass
class Box:
    """A machine (`emulator.ports.Machine`) made of fakes around a real disk."""

    disk: Disk
    calendar: HandCalendar = field(default_factory=HandCalendar)
    stopwatch: HandStopwatch = field(default_factory=HandStopwatch)
    network: FakeNetwork = field(default_factory=FakeNetwork)
    remote_shell: FakeShell = field(default_factory=FakeShell)
    telephony: FakeTelephony = field(default_factory=FakeTelephony)
    events: list[tuple[str, str, str, Mapping[str, Any]]] = field(default_factory=list)
    mails: list[tuple[str, str, bytes]] = field(default_factory=list)
    mail_trouble: Callable[[str], None] = lambda _recipient: None
    threads: list[threading.Thread] = field(default_factory=list)
    drawn: int = 0
    listening: set[int] = field(default_factory=lambda: {22, 80})

    def listens(self, port: int) -> bool:
        return port in self.listening or (port == SIP_PORT and self.telephony.address != "")

    def start(self, name: str, body: Callable[[], None]) -> None:
        thread = threading.Thread(target=self.calendar.work, args=(body,), name=name, daemon=True)
        self.threads.append(thread)
        thread.start()

    def submit_mail(self, server: MailServer, recipient: str, message: bytes) -> None:
        self.mail_trouble(recipient)
        self.mails.append((server.sender, recipient, message))

    def entropy(self, length: int) -> bytes:
        self.drawn += 1
        return hashlib.shake_128(f"{self.disk.location('')} {self.drawn}".encode()).digest(length)

    def emit(self, source: str, event: str, cause: str, detail: Mapping[str, Any]) -> None:
        self.events.append((source, event, cause, dict(detail)))

    def happened(self, event: str) -> list[tuple[str, Mapping[str, Any]]]:
        return [(cause, detail) for _, name, cause, detail in self.events if name == event]


class FakeModule:
    """A module with one page and one command."""

    name = "redundanz"
    TABS = (
        Tab("/admin/modules/redundanz/allgemein", "Allgemein", "module"),
        Tab("/admin/advanced/redundancy", "Redundanz", "advanced"),
    )

    def __init__(self) -> None:
        self.running = False
        self.version = "7.7"
        self.conflicts: list[tuple[str, str]] = []
        self.changes = 0

    def start(self) -> None:
        self.running = True

    def stop(self) -> None:
        self.running = False

    def contested(self, address: str, mac: str) -> None:
        self.conflicts.append((address, mac))

    def changed(self) -> None:
        self.changes += 1

    def tabs(self, _language: str) -> tuple[Tab, ...]:
        return self.TABS

    def blueprint(self, frame: Any) -> Blueprint:
        pages = Blueprint("redundanz", __name__)

        @pages.route("/admin/advanced/redundancy", methods=["GET", "POST"])
        def tab() -> str:
            return f"tab of {frame.user()} in {frame.language()}"

        return pages

    def command(self, argv: Sequence[str], _stdin: BinaryIO) -> Mapping[str, Any]:
        return {"argv": list(argv)}
