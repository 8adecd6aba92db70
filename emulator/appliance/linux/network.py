"""The LAN port by iproute2: own MAC, these addresses and no others, gateway, DNS."""

from __future__ import annotations

import contextlib
import json
import subprocess
from collections.abc import Iterator
from ipaddress import IPv4Interface
from pathlib import Path
from typing import Any

from emulator.appliance.linux.arp import announce, who_has
from emulator.appliance.linux.netlink import AddressWatch, Emit
from emulator.appliance.linux.port_watch import PortWatch
from emulator.ports import Ear, Interface

PASSES = 3


class LinuxNetwork:
    """Makes an interface as wanted, changing only what differs.

    What differs is changed in one `ip -batch`; an address that stays is not touched, so
    that connections to it live on. A takeover waits for this: on a box that is busy each
    process costs more than what it does, so there are few.
    """

    def __init__(
        self, interface: str, emit: Emit, resolver: Path = Path("/etc/resolv.conf")
    ) -> None:
        self._interface = interface
        self._resolver = resolver
        self._watch = AddressWatch(interface, emit)
        self._held: frozenset[str] = frozenset()
        self._listening: PortWatch | None = None

    def apply(self, interface: Interface) -> None:
        """Make the interface exactly so.

        Raises:
            OSError: the kernel does not take it, with ip's words.
        """
        self._held = frozenset(address for address, _ in interface.addresses)
        _promote_secondaries()
        steps = self._steps(interface)
        for _ in range(PASSES):
            self._batch([*steps, *self._preference(interface)])
            self._watch.pump()
            # A second pass is needed where removing a primary address took others with it.
            steps = self._steps(interface)
            if not steps:
                break
        else:
            raise OSError(f"{self._interface} does not keep its addresses")
        if interface.gateway:
            # A gateway that the kernel refuses (not on the subnet) must not cost the address.
            with contextlib.suppress(OSError):
                self._batch(
                    [f"route replace default via {interface.gateway} dev {self._interface}"]
                )
        lines = "".join(f"nameserver {one}\n" for one in interface.dns)
        with contextlib.suppress(OSError):  # read-only in some containers; nothing here needs it
            self._resolver.write_text(lines)

    def _preference(self, interface: Interface) -> Iterator[str]:
        """Yield the `ip` command that lets new connections come from the first address.

        The kernel prefers the address that was there first. During a takeover that is the
        one to be given up, and a mail under way from it would hang until its time-out.
        """
        for address, prefix in interface.addresses[:1]:
            subnet = IPv4Interface(f"{address}/{prefix}").network
            route = f"{subnet} dev {self._interface} proto kernel scope link src {address}"
            yield f"route replace {route}"

    def probe(self, address: str, listen_s: float) -> frozenset[str]:
        """Ask once who has an address and listen; the MACs of others that hold it."""
        return who_has(self._interface, address, listen_s)

    def listen(self, ear: Ear) -> None:
        """Tell of conflicts and of the link, from now on."""
        self._listening = PortWatch(self._interface, lambda: self._held, ear)

    def announce(self, address: str) -> None:
        """Announce an address now, and again after 2 s unless another has claimed it."""
        self.defend(address)
        if self._listening is not None:
            self._listening.repeat(address)

    def defend(self, address: str) -> None:
        """Send one announcement; on a port without a link there is nobody to hear it."""
        announce(self._interface, address)

    def down(self) -> None:
        """Take the port out of service; the addresses stay configured.

        Raises:
            OSError: the kernel does not.
        """
        self._batch([f"link set dev {self._interface} down"])

    def stop(self) -> None:
        """End the watch on the addresses."""
        self._watch.stop()
        if self._listening is not None:
            self._listening.stop()

    def _steps(self, wanted: Interface) -> list[str]:
        """Return the `ip` commands that lead from what is to what is wanted."""
        port = self._show()
        steps = []
        if port["address"] != wanted.mac:
            steps.append(f"link set dev {self._interface} address {wanted.mac}")
        if "UP" not in port["flags"]:
            steps += ["link set dev lo up", f"link set dev {self._interface} up"]
        present = {
            (one["local"], one["prefixlen"])
            for one in port.get("addr_info", ())
            if one["family"] == "inet"
        }
        missing = [one for one in wanted.addresses if one not in present]
        foreign = sorted(present - set(wanted.addresses))
        steps += [
            f"addr add {address}/{prefix} brd + dev {self._interface}"
            for address, prefix in missing
        ]
        steps += [
            f"addr del {address}/{prefix} dev {self._interface}" for address, prefix in foreign
        ]
        return steps

    def _show(self) -> dict[str, Any]:
        """Return the port with its addresses.

        Raises:
            OSError: there is none.
        """
        argv = ["ip", "-j", "addr", "show", "dev", self._interface]
        done = subprocess.run(argv, capture_output=True, text=True, check=False)
        if done.returncode:
            raise OSError(f"{self._interface}: {done.stderr.strip()}")
        rows = [row for row in json.loads(done.stdout or "[]") if row]
        return rows[0] if rows else {}

    def _batch(self, steps: list[str]) -> None:
        text = "".join(f"{step}\n" for step in steps)
        done = subprocess.run(
            ["ip", "-batch", "-"], input=text, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise OSError(f"{self._interface}: {done.stderr.strip()}")


def _promote_secondaries() -> None:
    """Let a second address of a subnet outlive the first one, where /proc may be written."""
    with contextlib.suppress(OSError):
        Path("/proc/sys/net/ipv4/conf/all/promote_secondaries").write_text("1")
