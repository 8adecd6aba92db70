"""A box to try the appliance on: a real folder as its disk, everything else within reach."""

from __future__ import annotations

import hashlib
import io
import json
import struct
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO

import pytest
from flask import Blueprint

from emulator import factory
from emulator.appliance.appliance import Appliance
from emulator.appliance.linux.disk import LinuxDisk
from emulator.appliance.modules import Tab
from emulator.ports import Disk, Interface

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

    def apply(self, interface: Interface) -> None:
        self.applied.append(interface)

    def probe(self, address: str, _listen_s: float) -> frozenset[str]:
        return frozenset({self.others[address]} if address in self.others else ())


@dataclass
class FakeShell:
    password: str = ""

    def serve(self, password: str) -> None:
        self.password = password

    def stop(self) -> None:
        self.password = ""


@dataclass
class Box:
    """A machine (`emulator.ports.Machine`) made of fakes around a real disk."""

    disk: Disk
    calendar: HandCalendar = field(default_factory=HandCalendar)
    stopwatch: HandStopwatch = field(default_factory=HandStopwatch)
    network: FakeNetwork = field(default_factory=FakeNetwork)
    remote_shell: FakeShell = field(default_factory=FakeShell)
    events: list[tuple[str, str, str, Mapping[str, Any]]] = field(default_factory=list)
    mails: list[tuple[str, str, bytes]] = field(default_factory=list)
    mail_trouble: Callable[[str], None] = lambda _recipient: None
    threads: list[threading.Thread] = field(default_factory=list)
    drawn: int = 0

    def start(self, name: str, body: Callable[[], None]) -> None:
        thread = threading.Thread(target=self.calendar.work, args=(body,), name=name, daemon=True)
        self.threads.append(thread)
        thread.start()

    def submit_mail(
        self, _host: str, _port: int, sender: str, recipient: str, message: bytes
    ) -> None:
        self.mail_trouble(recipient)
        self.mails.append((sender, recipient, message))

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

    def start(self) -> None:
        self.running = True

    def stop(self) -> None:
        self.running = False

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


@dataclass
class Rig:
    """A booted appliance and its box."""

    box: Box
    appliance: Appliance
    password: str = ""

    def answer(self, *argv: str, stdin: bytes | BinaryIO = b"") -> dict[str, Any]:
        stream = io.BytesIO(stdin) if isinstance(stdin, bytes) else stdin
        # Every way to an appliance carries JSON.
        return dict(json.loads(json.dumps(self.appliance.dispatch(list(argv), stream))))

    def run(self, *argv: str, stdin: bytes | BinaryIO = b"") -> dict[str, Any]:
        answer = self.answer(*argv, stdin=stdin)
        assert answer["ok"], answer
        return dict(answer["result"])

    def refusal(self, *argv: str, stdin: bytes | BinaryIO = b"") -> str:
        answer = self.answer(*argv, stdin=stdin)
        assert not answer["ok"], answer
        assert answer["error"]["message"]
        return str(answer["error"]["code"])

    def path(self, name: str) -> Path:
        return Path(self.box.disk.location(name))


@dataclass
class Bench:
    """Makes appliances, and boots them again from what their disk holds."""

    root: Path
    settings: factory.Pair
    rigs: list[Rig] = field(default_factory=list)

    def boot(
        self, name: str, disk: Disk | None = None, others: Mapping[str, str] | None = None
    ) -> Rig:
        folder = self.root / name
        if not folder.exists():
            folder.mkdir()
            (folder / "factory.json").write_text(json.dumps(getattr(self.settings, name)))
        box = Box(disk or LinuxDisk(folder), network=FakeNetwork(others=dict(others or {})))
        appliance = Appliance(
            box,
            sever=lambda _stream: None,
            power_off=lambda: None,
            load=lambda _appliance: FakeModule(),
        )
        appliance.boot()
        rig = Rig(box, appliance)
        self.rigs.append(rig)
        return rig

    def pair(self) -> tuple[Rig, Rig]:
        """Boot both; `pbx1` holds epoch 1."""
        active, standby = self.boot("pbx1"), self.boot("pbx2")
        active.run("epoch", "open", "--operation", "first", "--epoch", "1")
        return active, standby


def deterministic(length: int) -> bytes:
    return hashlib.shake_128(str(length).encode()).digest(length)


@pytest.fixture(scope="session")
def settings() -> factory.Pair:
    company = factory.Company(users=6)
    return factory.pair(1, "test", "198.18.7.0/24", START, deterministic, company)


@pytest.fixture
def bench(tmp_path: Path, settings: factory.Pair) -> Iterator[Bench]:
    made = Bench(tmp_path, settings)
    yield made
    for rig in made.rigs:
        rig.appliance.shutdown()
        for thread in rig.box.threads:
            thread.join(DEADLINE_S)


@dataclass
class Shipment:
    """A snapshot on its way: what `receive` is given."""

    made: dict[str, Any]
    missing: list[dict[str, Any]]
    data: bytes

    def argv(self, token: str) -> list[str]:
        made = self.made
        argv = ["receive", token, "--file", made["file"], "--seal-size", str(made["size"])]
        return [*argv, "--size", str(len(self.data)), "--sha256", made["sha256"]]


def pack(active: Rig, standby: Rig, token: str, operation: str = "op") -> Shipment:
    """Snapshot, offer, and the stream of what is missing."""
    made = active.run("snapshot", "create", "--operation", operation)
    seal = Path(made["path"]).read_bytes()
    argv = ["offer", token, "--size", str(len(seal)), "--sha256", made["sha256"]]
    missing = standby.run(*argv, stdin=seal)["missing"]
    data = seal
    for one in missing:
        blob = (Path(made["blobs"]) / one["sha256"][:2] / one["sha256"]).read_bytes()
        data += struct.pack(">32sQ", bytes.fromhex(one["sha256"]), one["offset"])
        data += blob[one["offset"] :]
    return Shipment(made, missing, data)


@pytest.fixture
def packing() -> Callable[..., Shipment]:
    return pack


def send(active: Rig, standby: Rig, token: str, operation: str = "op") -> dict[str, Any]:
    """Bring a fresh snapshot across, up to the import."""
    shipment = pack(active, standby, token, operation)
    standby.run(*shipment.argv(token), stdin=shipment.data)
    return shipment.made


@pytest.fixture
def sending() -> Callable[..., dict[str, Any]]:
    return send
