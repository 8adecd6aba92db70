"""Backends on trial: the same tests run on each that this computer can host."""

from __future__ import annotations

import tempfile
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from ipaddress import IPv4Network
from pathlib import Path

import pytest

from emulator.addressing import mac_of
from emulator.backends import Completed, LabBackend, Lan, NodePlan, Record
from emulator.backends.docker import DockerBackend
from emulator.backends.netns import NetnsBackend
from emulator.registry import Registry
from emulator.stations import HostedMailSink, HostedObserver, HostedPhone, HostedWire, Orders

POOL = "198.19.0.0/16"  # far from where labs of people on this computer begin
SOCKET = "/run/switch.sock"
NOWHERE = "/run/nowhere.sock"  # of programs that take no orders


@dataclass
class Bench:
    """A LAN with all its stations, and nodes that serve their state folder as web pages."""

    backend: LabBackend
    lan: Lan
    orders: Orders

    @property
    def observer(self) -> HostedObserver:
        return HostedObserver(self.orders)

    @property
    def phone(self) -> HostedPhone:
        return HostedPhone(self.orders, "phone1")

    @property
    def mail(self) -> HostedMailSink:
        return HostedMailSink(self.orders)

    @property
    def wire(self) -> HostedWire:
        return HostedWire(
            self.orders, lambda node: self.backend.cable(self.lan, node), lambda _node, **_up: None
        )

    def address(self, host: int) -> str:
        return str(self.lan.subnet[host])

    def boot(self, node: str, host: int) -> None:
        boot(self.backend, self.lan, node, host, self.orders)

    def run(self, node: str, *argv: str, stdin: bytes = b"") -> Completed:
        return self.backend.execute(self.lan, node, argv, stdin)


def boot(backend: LabBackend, lan: Lan, node: str, host: int, orders: Orders) -> None:
    """Start a node that serves its state folder at an address."""
    folder = backend.state_folder(lan, node)
    program = ("http.server", "80", "--directory", folder)
    backend.boot(
        lan, NodePlan(node, "appliance", program, NOWHERE, {"greeting": node.encode()}), orders.plug
    )
    for argv in (
        ["ip", "addr", "flush", "dev", "eth0"],
        ["ip", "link", "set", "eth0", "address", mac_of(lan.lab, node), "up"],
        ["ip", "addr", "add", f"{lan.subnet[host]}/24", "dev", "eth0"],
    ):
        assert backend.execute(lan, node, argv).status == 0


def meet_switch(backend: LabBackend, lan: Lan) -> Orders:
    """Start the switch node of a LAN with one phone."""
    argv = ["emulator.agents", "--lab", lan.lab, "--subnet", str(lan.subnet), "--phones", "1"]
    argv += ["--bridge", backend.bridge(lan), "--socket", SOCKET]
    backend.boot(lan, NodePlan("switch", "switch", tuple(argv), SOCKET), no_plug)
    return Orders(backend.connect(lan, "switch", SOCKET))


def no_plug(cable: str, pid: int) -> None:
    raise AssertionError("a switch has no cable to itself")


def fetch_page(address: str, path: str) -> bytes:
    """Get a page from the host, waiting until the server listens."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    pause = threading.Event()
    for _ in range(1000):
        try:
            with opener.open(f"http://{address}/{path}", timeout=5) as answer:
                return bytes(answer.read())
        except urllib.error.URLError:
            pause.wait(0.01)
    raise AssertionError(f"nothing listens at {address}")


def make_small_lab(backend: LabBackend, lan: Lan, record: Record) -> Orders:
    """Make a LAN with its switch and one node."""
    backend.create_lan(lan, record)
    orders = meet_switch(backend, lan)
    boot(backend, lan, "pbx1", 10, orders)
    return orders


@pytest.fixture(scope="session")
def small_lab() -> Callable[[LabBackend, Lan, Record], Orders]:
    return make_small_lab


@pytest.fixture(scope="session")
def fetch() -> Callable[[str, str], bytes]:
    return fetch_page


@pytest.fixture(scope="session")
def free_subnet() -> Callable[[LabBackend], IPv4Network]:
    """Choose a subnet that no other test process uses at the same time."""
    claims = Registry(Path(tempfile.gettempdir()) / "standby-lab-tests")
    return lambda backend: claims.free_subnet(backend, pool=POOL)


@pytest.fixture(
    scope="module",
    params=[
        pytest.param("netns", marks=pytest.mark.netns),
        pytest.param("docker", marks=pytest.mark.docker),
    ],
)
def make_backend(request: pytest.FixtureRequest) -> Callable[[Path], LabBackend]:
    """Make a backend whose labs are registered in a folder."""
    if request.param == "netns":
        return NetnsBackend
    tag = request.getfixturevalue("appliance_image")
    return lambda folder: DockerBackend.connect_engine(tag, folder)


@pytest.fixture(scope="module")
def backend(
    make_backend: Callable[[Path], LabBackend], tmp_path_factory: pytest.TempPathFactory
) -> LabBackend:
    return make_backend(tmp_path_factory.mktemp("labs"))


@pytest.fixture
def lan(backend: LabBackend, free_subnet: Callable[[LabBackend], IPv4Network]) -> Iterator[Lan]:
    subnet = free_subnet(backend)
    lan = Lan(f"test-{subnet.network_address}".replace(".", "-"), subnet)
    yield lan
    backend.destroy(lan.lab)


@pytest.fixture(scope="module")
def bench(backend: LabBackend, free_subnet: Callable[[LabBackend], IPv4Network]) -> Iterator[Bench]:
    subnet = free_subnet(backend)
    lan = Lan(f"bench-{subnet.network_address}".replace(".", "-"), subnet)
    try:
        orders = make_small_lab(backend, lan, lambda _row: None)
        boot(backend, lan, "pbx2", 20, orders)
        yield Bench(backend, lan, orders)
        orders.close()
    finally:
        backend.destroy(lan.lab)
