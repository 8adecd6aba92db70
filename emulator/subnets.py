"""Free subnets for labs: what this computer and other labs use is left alone."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterable, Mapping
from ipaddress import AddressValueError, IPv4Address, IPv4Network, NetmaskValueError
from pathlib import Path

from emulator.lab import LabError

DEFAULT_POOL = "198.18.0.0/15"  # set aside for benchmarks of network devices (RFC 2544)
LAB_PREFIX = 24
# "This network", loopback, link-local, multicast and reserved (RFC 6890): no LAN has these.
NO_LAN = ("0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/3")
Uses = Mapping[IPv4Network, str]  # what uses a subnet, in words


def parse_subnet(text: str) -> IPv4Network:
    """Return a lab's subnet.

    Raises:
        LabError: it is not a /24 in CIDR form, or not one that a LAN may have.
    """
    try:
        subnet = IPv4Network(text)
    except (AddressValueError, NetmaskValueError, ValueError) as error:
        raise LabError(
            f"{text!r} is not a subnet: {error}", remedy="give a /24 such as 198.18.7.0/24"
        ) from error
    if subnet.prefixlen != LAB_PREFIX:
        raise LabError(
            f"a lab needs a /24, and {subnet} is a /{subnet.prefixlen}",
            remedy=f"give {subnet.network_address}/24",
        )
    no_lan = any(subnet.overlaps(IPv4Network(one)) for one in NO_LAN)
    if no_lan or subnet.is_global:
        belongs = "no LAN has it" if no_lan else "it belongs to others on the Internet"
        raise LabError(
            f"{subnet} is not for labs: {belongs}",
            remedy=f"give a /24 of {DEFAULT_POOL}, or a private one",
        )
    return subnet


def host_routes() -> Uses:
    """Return what this computer routes, except its default route.

    Every address of an interface has its route here, so this shows addresses too.
    """
    uses: dict[IPv4Network, str] = {}
    for line in Path("/proc/net/route").read_text().splitlines()[1:]:
        interface, target, _, _, _, _, _, mask = line.split()[:8]
        network = IPv4Network((_address(target), str(_address(mask))))
        if network.prefixlen:
            uses[network] = f"this computer's route to {network} by {interface}"
    return uses


def _address(text: str) -> IPv4Address:
    """Decode an address of /proc/net/route: hexadecimal, in the kernel's byte order."""
    return IPv4Address(socket.inet_ntoa(struct.pack("=I", int(text, 16))))


def choose(wanted: IPv4Network | None, pool: IPv4Network, uses: Iterable[Uses]) -> IPv4Network:
    """Choose a subnet that nothing uses.

    Raises:
        LabError: the wanted one, or the whole pool, is in use: by what, and what to do.
    """
    taken = {network: by for one in uses for network, by in one.items()}
    if wanted is not None:
        by = next((by for network, by in taken.items() if network.overlaps(wanted)), None)
        if by is not None:
            raise LabError(
                f"the subnet {wanted} is in use: {by}",
                remedy="leave --subnet out to get a free one, or name another /24",
            )
        return wanted
    near = [network for network in taken if network.overlaps(pool)]
    for subnet in pool.subnets(new_prefix=LAB_PREFIX):
        if not any(network.overlaps(subnet) for network in near):
            return subnet
    raise LabError(
        f"no /24 of {pool} is free",
        remedy="take labs down (standby-lab list, standby-lab down NAME) or name another --subnet",
    )
