"""One contract for addresses on a real wire (two namespaces) and on the fake one."""

from __future__ import annotations

import os
import select
import socket
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Protocol, TypeVar

import pytest

from redundancy.adapters.addresses import RawAddresses
from redundancy.errors import LanUnusable
from redundancy.fakes import FakeAddresses, FakeStopwatch
from redundancy.ports import Addresses

T = TypeVar("T")

ADDRESS = "198.18.250.10"
OWN_MAC, OTHER_MAC = "02:00:00:00:fa:01", "02:00:00:00:fa:02"
LISTEN_S = 0.15


def ip(*argv: str) -> None:
    subprocess.run(["ip", *argv], check=True, capture_output=True)


@contextmanager
def inside(namespace: str) -> Iterator[None]:
    """Move this thread into a network namespace and back."""
    home = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    away = os.open(f"/run/netns/{namespace}", os.O_RDONLY)
    try:
        socket_namespace(away)
        yield
    finally:
        socket_namespace(home)
        os.close(home)
        os.close(away)


def socket_namespace(descriptor: int) -> None:
    import ctypes  # noqa: PLC0415 - os.setns arrives with Python 3.12

    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(descriptor, 0x40000000):
        raise OSError(ctypes.get_errno(), "setns")


class Wire(Protocol):
    """A LAN with this appliance and one other station."""

    addresses: Addresses

    def hold(self) -> None:
        """Let the other station hold ADDRESS."""

    def let_go(self) -> None:
        """Let nobody hold it."""

    def unplug(self) -> None:
        """Pull this appliance's cable."""


class FakeWire:
    def __init__(self) -> None:
        self.fake = FakeAddresses(FakeStopwatch())
        self.addresses: Addresses = self.fake

    def hold(self) -> None:
        self.fake.answer(ADDRESS, OTHER_MAC)

    def let_go(self) -> None:
        self.fake.fall_silent(ADDRESS)

    def unplug(self) -> None:
        self.fake.linked = False


class StandingStopwatch:
    """A stopwatch for waits that the kernel ends; time stands unless somebody sleeps."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def now_s(self) -> float:
        return os.times().elapsed

    def sleep(self, duration_s: float) -> None:
        select.select([], [], [], duration_s)


class RealWire:
    """Two namespaces joined by a veth pair."""

    def __init__(self) -> None:
        self.near, self.far = f"slt-near-{os.getpid()}", f"slt-far-{os.getpid()}"
        self.addresses: Addresses = self
        for name in (self.near, self.far):
            ip("netns", "add", name)
        ip("-n", self.near, "link", "add", "lan0", "address", OWN_MAC, "type", "veth",
           "peer", "name", "lan0", "netns", self.far, "address", OTHER_MAC)  # fmt: skip
        for name in (self.near, self.far):
            ip("-n", name, "link", "set", "lan0", "up")
        self.raw = RawAddresses("lan0", StandingStopwatch())

    def probe(self, address: str, listen_s: float) -> frozenset[str]:
        with inside(self.near):
            return self.raw.probe(address, listen_s)

    def announce(self, address: str) -> None:
        with inside(self.near):
            self.raw.announce(address)

    def hold(self) -> None:
        ip("-n", self.far, "address", "add", f"{ADDRESS}/24", "dev", "lan0")

    def let_go(self) -> None:
        ip("-n", self.far, "address", "del", f"{ADDRESS}/24", "dev", "lan0")

    def unplug(self) -> None:
        ip("-n", self.far, "link", "set", "lan0", "down")

    def remove(self) -> None:
        for name in (self.near, self.far):
            subprocess.run(["ip", "netns", "del", name], check=False, capture_output=True)


@pytest.fixture
def real_wire() -> Iterator[RealWire]:
    if os.geteuid() != 0:
        pytest.skip("needs root for network namespaces")
    one = RealWire()
    try:
        yield one
    finally:
        one.remove()


@pytest.fixture(params=["fake", pytest.param("real", marks=pytest.mark.netns)])
def wire(request: pytest.FixtureRequest) -> Wire:
    return FakeWire() if request.param == "fake" else request.getfixturevalue("real_wire")


def test_silence_is_silence(wire: Wire) -> None:
    assert wire.addresses.probe(ADDRESS, LISTEN_S) == frozenset()


def test_holder_is_named_by_its_mac(wire: Wire) -> None:
    wire.hold()
    assert wire.addresses.probe(ADDRESS, LISTEN_S) == {OTHER_MAC}


def test_holder_that_let_go_is_silent_at_once(wire: Wire) -> None:
    wire.hold()
    wire.addresses.probe(ADDRESS, LISTEN_S)
    wire.let_go()
    assert wire.addresses.probe(ADDRESS, LISTEN_S) == frozenset()


def test_other_addresses_do_not_count(wire: Wire) -> None:
    wire.hold()
    assert wire.addresses.probe("198.18.250.11", LISTEN_S) == frozenset()


def test_pulled_cable_is_not_taken_for_silence(wire: Wire) -> None:
    wire.unplug()
    with pytest.raises(LanUnusable):
        wire.addresses.probe(ADDRESS, LISTEN_S)
    with pytest.raises(LanUnusable):
        wire.addresses.announce(ADDRESS)


def in_thread(namespace: str, body: Callable[[], T]) -> T:
    """Run in a namespace without moving the calling thread."""

    def moved() -> T:
        with inside(namespace):
            return body()

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(moved).result(20)


def packet_socket() -> socket.socket:
    wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0806))
    wire.bind(("lan0", 0x0806))
    wire.settimeout(5)
    return wire


@pytest.mark.netns
def test_own_address_is_no_conflict(real_wire: RealWire) -> None:
    ip("-n", real_wire.near, "address", "add", f"{ADDRESS}/24", "dev", "lan0")
    assert real_wire.probe(ADDRESS, LISTEN_S) == frozenset()


@pytest.mark.netns
def test_probe_is_a_broadcast_request_with_an_empty_sender(real_wire: RealWire) -> None:
    ear = in_thread(real_wire.far, packet_socket)
    real_wire.probe(ADDRESS, LISTEN_S)
    frame = ear.recv(2000)
    ear.close()
    own = bytes.fromhex(OWN_MAC.replace(":", ""))
    assert frame[:42] == (
        b"\xff" * 6 + own + b"\x08\x06" + b"\x00\x01\x08\x00\x06\x04\x00\x01"
        + own + bytes(4) + bytes(6) + socket.inet_aton(ADDRESS)
    )  # fmt: skip


@pytest.mark.netns
def test_announcement_is_a_request_and_a_reply(real_wire: RealWire) -> None:
    ear = in_thread(real_wire.far, packet_socket)
    real_wire.announce(ADDRESS)
    frames = [ear.recv(2000) for _ in range(2)]
    ear.close()
    own, ours = bytes.fromhex(OWN_MAC.replace(":", "")), socket.inet_aton(ADDRESS)
    assert [frame[20:22] for frame in frames] == [b"\x00\x01", b"\x00\x02"]
    for frame in frames:
        assert frame[:6] == b"\xff" * 6
        assert frame[22:32] == own + ours
        assert frame[38:42] == ours


@pytest.mark.netns
def test_announcement_changes_what_a_neighbour_believes(real_wire: RealWire) -> None:
    ip("-n", real_wire.far, "address", "add", "198.18.250.1/24", "dev", "lan0")
    ip("-n", real_wire.far, "neigh", "add", ADDRESS, "lladdr", "02:00:00:00:fa:99",
       "nud", "stale", "dev", "lan0")  # fmt: skip
    real_wire.announce(ADDRESS)
    shown = subprocess.run(
        ["ip", "-n", real_wire.far, "neigh", "show", ADDRESS],
        capture_output=True,
        check=True,
        text=True,
    )
    assert OWN_MAC in shown.stdout


@pytest.mark.netns
@pytest.mark.parametrize("operation", [1, 2])
def test_conflict_is_noticed_without_an_answer_to_the_probe(
    real_wire: RealWire, operation: int
) -> None:
    mac, held = bytes.fromhex(OTHER_MAC.replace(":", "")), socket.inet_aton(ADDRESS)
    gratuitous = (
        b"\xff" * 6 + mac + b"\x08\x06" + b"\x00\x01\x08\x00\x06\x04"
        + operation.to_bytes(2, "big") + mac + held + bytes(6) + held
    )  # fmt: skip
    mouth = in_thread(real_wire.far, packet_socket)

    def answer_the_probe_with_a_claim() -> None:
        mouth.recv(2000)
        mouth.send(b"\xff" * 6 + mac + b"\x08\x06" + b"too short")
        mouth.send(gratuitous)

    with ThreadPoolExecutor(1) as pool:
        talking = pool.submit(answer_the_probe_with_a_claim)
        found = real_wire.probe(ADDRESS, 0.3)
        talking.result(5)
    mouth.close()
    assert found == {OTHER_MAC}


@pytest.mark.netns
def test_another_prober_does_not_hold_the_address(real_wire: RealWire) -> None:
    mac, held = bytes.fromhex(OTHER_MAC.replace(":", "")), socket.inet_aton(ADDRESS)
    mouth = in_thread(real_wire.far, packet_socket)
    probe = (
        b"\xff" * 6 + mac + b"\x08\x06" + b"\x00\x01\x08\x00\x06\x04\x00\x01"
        + mac + bytes(4) + bytes(6) + held
    )  # fmt: skip

    def probe_back() -> None:
        mouth.recv(2000)
        mouth.send(probe)

    with ThreadPoolExecutor(1) as pool:
        talking = pool.submit(probe_back)
        assert real_wire.probe(ADDRESS, LISTEN_S) == frozenset()
        talking.result(5)
    mouth.close()


@pytest.mark.netns
def test_missing_interface_is_named() -> None:
    with pytest.raises(LanUnusable, match="nolan0"):
        RawAddresses("nolan0", StandingStopwatch()).probe(ADDRESS, LISTEN_S)
