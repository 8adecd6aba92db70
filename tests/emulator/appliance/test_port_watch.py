"""Listening on a port of a real kernel: two network namespaces and a cable between them."""

from __future__ import annotations

import ctypes
import os
import socket
import subprocess
import threading
from contextlib import contextmanager
from pathlib import Path

import pytest

from emulator.appliance.linux.arp import announce, arp_socket, claim
from emulator.appliance.linux.port_watch import PortWatch

pytestmark = pytest.mark.netns

DEADLINE_S = 10.0
ADDRESS = "198.18.249.10"
MAC, OTHER = "02:00:00:00:f9:01", "02:00:00:00:f9:02"


def ip(*argv):
    subprocess.run(["ip", *argv], check=True, capture_output=True)


@contextmanager
def inside(namespace):
    """Move this thread into a network namespace and back."""
    libc = ctypes.CDLL(None, use_errno=True)
    home = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    away = os.open(f"/run/netns/{namespace}", os.O_RDONLY)
    try:
        assert libc.setns(away, 0x40000000) == 0
        yield
    finally:
        assert libc.setns(home, 0x40000000) == 0
        os.close(home)
        os.close(away)


class Ear:
    """Remembers what it was told."""

    def __init__(self):
        self.told = []
        self._changed = threading.Condition()

    def _tell(self, what):
        with self._changed:
            self.told.append(what)
            self._changed.notify_all()

    def claimed(self, address, mac):
        self._tell((address, mac))

    def linked(self, *, up):
        self._tell("up" if up else "down")

    def await_told(self, *wanted):
        with self._changed:
            assert self._changed.wait_for(lambda: self.told == [*wanted], DEADLINE_S), self.told


@pytest.fixture
def cable():
    near, far = (f"sl-watch-{os.getpid()}-{end}" for end in "nf")
    ip("netns", "add", near)
    ip("netns", "add", far)
    try:
        ip("link", "add", "eth0", "netns", near, "type", "veth", "peer", "eth0", "netns", far)
        for namespace, mac in ((near, MAC), (far, OTHER)):
            ip("-n", namespace, "link", "set", "eth0", "address", mac, "up")
        with inside(near):
            assert _linked_soon("eth0")
        yield near, far
    finally:
        ip("netns", "del", near)
        ip("netns", "del", far)


def _linked_soon(interface):
    """Wait until the kernel says that the port has its carrier."""
    look = f"until ip link show dev {interface} | grep -q LOWER_UP; do :; done"
    done = subprocess.run(["timeout", "5", "sh", "-c", look], check=False)
    return done.returncode == 0


@pytest.fixture
def watching(cable):
    near, _ = cable
    ear = Ear()
    with inside(near):
        watch = PortWatch("eth0", lambda: frozenset({ADDRESS}), ear)
    yield watch, ear
    watch.stop()


@pytest.mark.covers("D10")
def test_what_another_says_of_our_address_is_heard_and_the_rest_is_not(cable, watching):
    near, far = cable
    _, ear = watching
    with inside(near):
        announce("eth0", ADDRESS)  # our own word is no conflict
    with inside(far):
        announce("eth0", "198.18.249.77")
        announce("eth0", ADDRESS)
    ear.await_told((ADDRESS, OTHER))


@pytest.mark.covers("F3")
def test_a_pulled_cable_and_its_return_are_told(cable, watching):
    _, far = cable
    _, ear = watching
    ip("-n", far, "link", "set", "eth0", "down")
    ear.await_told("down")
    ip("-n", far, "link", "set", "eth0", "up")
    ear.await_told("down", "up")


@pytest.mark.covers("D10")
@pytest.mark.parametrize("contested", [False, True])
def test_an_announcement_is_repeated_unless_another_claims_the_address(cable, watching, contested):
    _, far = cable
    watch, ear = watching
    with inside(far):
        heard = arp_socket("eth0")
        heard.settimeout(3.0)
        watch.repeat(ADDRESS)
        if contested:
            announce("eth0", ADDRESS)
            ear.await_told((ADDRESS, OTHER))
    said = []
    while (frame := _received(heard)) is not None:
        said.append(claim(frame))
        if said[-1] == (ADDRESS, MAC):
            break
    heard.close()
    assert ((ADDRESS, MAC) in said) is not contested


def _received(wire):
    try:
        frame, origin = wire.recvfrom(1514)
    except TimeoutError:
        return None
    return frame if origin[2] != socket.PACKET_OUTGOING else b""


def test_a_port_that_is_gone_is_no_error(cable):
    near, _ = cable
    with inside(near):
        announce("nowhere", ADDRESS)
        ip("-n", near, "link", "set", "eth0", "down")
        announce("eth0", ADDRESS)
    assert Path("/run/netns", near).exists()
