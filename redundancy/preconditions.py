"""What must hold before a byte is sent (R2, R7 to R15, R47): a pure comparison of two states."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Interface

from redundancy.contract import Licence, Status

MODULE = "redundanz"


@dataclass(frozen=True)
class Problem:
    """A precondition that does not hold.

    Attributes:
        code: the cause as the journal records it.
        appliance: which box it is about (R14).
        message, remedy: for a person.
    """

    code: str
    appliance: str
    message: str
    remedy: str


def problems(active: Status, standby: Status) -> tuple[Problem, ...]:
    """Return everything that forbids a run between two appliances, most basic first."""
    return (
        *_types(active, standby),
        *_versions(active, standby),
        *_networks(active, standby),
        *_licences(active, standby),
    )


def _types(*appliances: Status) -> Iterator[Problem]:
    for one in appliances:
        if one.type == "cloud":
            yield Problem(
                "cloud-appliance",
                one.name,
                f"{one.name} is a cloud appliance; redundancy needs hardware or a VM (R2)",
                "run the pair on hardware appliances or VMs",
            )


def _versions(active: Status, standby: Status) -> Iterator[Problem]:
    if active.version != standby.version:
        yield Problem(
            "version-mismatch",
            standby.name,
            f"{active.name} has version {active.version}, {standby.name} {standby.version} (R7)",
            "update both appliances to the same version (R10)",
        )


def _networks(active: Status, standby: Status) -> Iterator[Problem]:
    for one in (active, standby):
        if one.network.method != "static":
            yield Problem(
                "address-not-static",
                one.name,
                f"{one.name} gets its IPv4 address by DHCP (R9)",
                f"give {one.name} a static IPv4 address",
            )
    here = IPv4Interface(f"{active.network.address}/{active.network.prefix}")
    there = IPv4Interface(f"{standby.network.address}/{standby.network.prefix}")
    if here.ip == there.ip:
        yield Problem(
            "same-address",
            standby.name,
            f"both appliances are configured with {here.ip} (R9)",
            f"give {standby.name} an address of its own",
        )
    elif here.network != there.network:
        yield Problem(
            "different-subnet",
            standby.name,
            f"{active.name} is in {here.network}, {standby.name} in {there.network} (R8)",
            "put both appliances into the same IP subnet",
        )


def _licences(active: Status, standby: Status) -> Iterator[Problem]:
    for one in (active, standby):
        yield from _own_licences(one)
    there = {one.fingerprint for one in standby.licences}
    for licence in active.licences:
        if licence.fingerprint in there:
            yield Problem(
                "licence-on-both",
                standby.name,
                f"the {_title(licence)} {licence.redacted} is installed on {active.name} and on "
                f"{standby.name} (R12)",
                f"install the redundancy counterpart of this licence on {standby.name}",
            )
    users = sum(one.users for one in standby.licences if one.kind == "user")
    if active.user_count > users:
        yield Problem(
            "too-few-user-licences",
            standby.name,
            f"{active.name} has {active.user_count} users, the user licences of "
            f"{standby.name} allow {users} (R12)",
            f"install more redundancy user licences on {standby.name}",
        )
    for module in sorted(_modules(active) - _modules(standby) - {MODULE}):
        yield Problem(
            "module-licence-missing",
            standby.name,
            f"the module {module} is licensed on {active.name} but not on {standby.name} (R12)",
            f"install the redundancy licence of the module {module} on {standby.name}",
        )


def _own_licences(one: Status) -> Iterator[Problem]:
    if one.server_key is None:
        yield Problem(
            "server-licence-missing",
            one.name,
            f"{one.name} has no server licence (R11)",
            f"install the server licence of {one.name}",
        )
    if MODULE not in _modules(one):
        yield Problem(
            "module-licence-missing",
            one.name,
            f"{one.name} has no licence for the module Redundanz (R11, R47)",
            f"install the module licence of {one.name}",
        )


def _modules(one: Status) -> set[str]:
    return {licence.module for licence in one.licences if licence.module}


def _title(licence: Licence) -> str:
    names = {"server": "server licence", "user": "user licence", "module": "module licence"}
    return names[licence.kind]
