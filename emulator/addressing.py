"""Who has which address on a lab's LAN (docs/design.md, "Backends")."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network

HOST = 1
MAIL = 30
OBSERVER = 40
FIRST_PHONE = 101
CROWD = 200
ROUTER, WEB = "router", "web"
OTHERS = {ROUTER: 210, WEB: 211}  # clients that are no telephones
STRANGER = "stranger"


def mac_of(lab: str, node: str) -> str:
    """Return a node's MAC: locally administered, unicast, the same in every run."""
    digest = hashlib.sha256(f"{lab}/{node}".encode()).digest()
    octets = bytes([(digest[0] & 0xFC) | 0x02]) + digest[1:6]
    return octets.hex(":")


def table_of(bridge: str) -> str:
    """Return the name of a LAN's own tables in the kernel's packet filter."""
    return f"standby-lab-{bridge}"


@dataclass(frozen=True)
class Station:
    """A node of the lab that is no appliance."""

    name: str
    host: int  # the last octet
    address: str
    mac: str


def stations(
    lab: str, subnet: IPv4Network, phones: int, *, crowd: bool = False, others: Sequence[str] = ()
) -> tuple[Station, ...]:
    """Return the mail sink, the observer, the phones, the place of a crowd, and other clients."""
    places = {"mail": MAIL, "observer": OBSERVER}
    places |= {f"phone{number + 1}": FIRST_PHONE + number for number in range(phones)}
    places |= {"crowd": CROWD} if crowd else {}
    places |= {name: OTHERS[name] for name in others}
    return tuple(
        Station(name, host, str(subnet[host]), mac_of(lab, name)) for name, host in places.items()
    )
