"""Appliances on boxes of their own, what is sent between them, and visitors of their pages."""

from __future__ import annotations

import hashlib
import io
import json
import re
import struct
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import httpx
import pytest
from fake_box import DEADLINE_S, START, Box, FakeModule, FakeNetwork

from emulator import factory
from emulator.appliance.appliance import Appliance
from emulator.appliance.linux.disk import LinuxDisk
from emulator.appliance.transfer_faults import TransferFaults
from emulator.company import Company, Sound
from emulator.ports import Disk


@dataclass
class Rig:
    """A booted appliance and its box."""

    box: Box
    appliance: Appliance
    faults: TransferFaults
    password: str = ""
    orders: list[str] = field(default_factory=list)

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


def furnish(folder: Path, settings: Mapping[str, Any], sounds: Mapping[str, Sound]) -> None:
    """Place what an appliance boots from for the first time."""
    for path, pieces in factory.parcel(settings, sounds):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(b"".join(pieces))


@pytest.fixture
def furnishing() -> Callable[..., None]:
    return furnish


def started(box: Box) -> Rig:
    """Boot an appliance on a box."""
    faults = TransferFaults(box, lambda _stream: None)
    orders: list[str] = []
    appliance = Appliance(
        box,
        tap=faults.tap,
        power_off=lambda: orders.append("power off"),
        restart=lambda: orders.append("restart"),
        load=lambda _appliance: FakeModule(),
    )
    appliance.boot()
    return Rig(box, appliance, faults, orders=orders)


@dataclass
class Bench:
    """Makes appliances, and boots them again from what their disk holds."""

    root: Path
    settings: factory.Pair
    rigs: list[Rig] = field(default_factory=list)

    def disk(self, name: str) -> LinuxDisk:
        """The disk that a box boots from."""
        folder = self.root / name
        if not folder.exists():
            sounds = self.settings.sounds if name == "pbx1" else {}
            furnish(folder, getattr(self.settings, name), sounds)
        return LinuxDisk(folder)

    def boot(
        self, name: str, disk: Disk | None = None, others: Mapping[str, str] | None = None
    ) -> Rig:
        box = Box(disk or self.disk(name), network=FakeNetwork(others=dict(others or {})))
        rig = started(box)
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
    company = Company(users=6)
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


class Visitor:
    """A person at a browser: follows links, sends forms with the token that the page gave."""

    def __init__(self, rig: Rig) -> None:
        self.client = httpx.Client(
            transport=httpx.WSGITransport(rig.appliance.web),
            base_url="http://198.18.7.10",
            follow_redirects=True,
            headers={"accept-language": "de"},
        )
        self.token = ""

    def get(self, path: str) -> httpx.Response:
        return self._seen(self.client.get(path))

    def post(self, path: str, **fields: Any) -> httpx.Response:
        return self._seen(self.client.post(path, data={"csrf_token": self.token, **fields}))

    def log_in(self, login: str, password: str) -> httpx.Response:
        self.get("/login")
        return self.post("/login", login=login, password=password)

    def _seen(self, page: httpx.Response) -> httpx.Response:
        found = re.search(r'name="csrf_token" value="([0-9a-f]+)"', page.text)
        self.token = found[1] if found else self.token
        return page


@pytest.fixture
def visiting(settings: factory.Pair) -> Iterator[Callable[[Rig], Visitor]]:
    """Make visitors who are logged in as the administrator."""
    visitors: list[Visitor] = []

    def visit(rig: Rig) -> Visitor:
        visitor = Visitor(rig)
        visitors.append(visitor)
        visitor.log_in("0001", settings.credentials.password)
        return visitor

    yield visit
    for one in visitors:
        one.client.close()
