"""Preconditions (R2, R7 to R15, R47; V1, V3, V4)."""

from __future__ import annotations

from typing import Any

import pytest

from redundancy.contract import Licence, Lineage, NetworkSettings, Status
from redundancy.preconditions import problems


def licences(prefix: str, users: int = 5) -> tuple[Licence, ...]:
    return (
        Licence(kind="server", fingerprint=f"{prefix}1", redacted="…-11111"),
        Licence(kind="user", users=users, fingerprint=f"{prefix}2", redacted="…-22222"),
        Licence(kind="module", module="redundanz", fingerprint=f"{prefix}3", redacted="…-33333"),
    )


def status(name: str, address: str, **changes: Any) -> Status:
    values: dict[str, Any] = {
        "name": name, "hardware_id": name, "type": "vm", "version": "8.1.2.5",
        "zone": "Europe/Berlin", "licences": licences(name), "user_count": 5,
        "network": NetworkSettings(address=address, prefix=24, gateway="198.18.0.1"),
        "lineage": Lineage(epoch=1, holder="x", generation=1),
    }  # fmt: skip
    return Status(**{**values, **changes})


def codes(active: dict[str, Any], standby: dict[str, Any]) -> list[str]:
    found = problems(
        status("pbx1", "198.18.0.10", **active), status("pbx2", "198.18.0.20", **standby)
    )
    return [one.code for one in found]


def network(address: str, **changes: Any) -> NetworkSettings:
    values = {"address": address, "prefix": 24, "gateway": "198.18.0.1", **changes}
    return NetworkSettings(**values)


@pytest.mark.covers("R10", "V5")
def test_a_sound_pair_has_no_problems() -> None:
    assert codes({}, {}) == []


@pytest.mark.parametrize(
    ("active", "standby", "code"),
    [
        ({}, {"version": "8.1.2.4"}, "version-mismatch"),
        ({"version": "8.1.2.4"}, {}, "version-mismatch"),
        ({}, {"type": "cloud"}, "cloud-appliance"),
        ({}, {"network": network("198.18.1.20")}, "different-subnet"),
        ({}, {"network": network("198.18.0.10")}, "same-address"),
        ({"network": network("198.18.0.10", method="dhcp")}, {}, "address-not-static"),
        ({}, {"licences": licences("pbx2")[1:]}, "server-licence-missing"),
        ({}, {"licences": licences("pbx2")[:2]}, "module-licence-missing"),
        ({}, {"licences": licences("pbx1")}, "licence-on-both"),
        ({}, {"licences": licences("pbx2", users=4)}, "too-few-user-licences"),
    ],
)
@pytest.mark.covers("R2", "R7", "R8", "R9", "R11", "R12", "V1", "V3", "V4")
def test_each_lack_is_named(active: dict[str, Any], standby: dict[str, Any], code: str) -> None:
    assert code in codes(active, standby)


@pytest.mark.covers("R14")
def test_the_message_names_the_appliance_and_the_licence() -> None:
    pair = (
        status("pbx1", "198.18.0.10"),
        status("pbx2", "198.18.0.20", licences=(*licences("pbx2"), licences("pbx1")[0])),
    )
    found = next(one for one in problems(*pair) if one.code == "licence-on-both")
    assert "pbx1" in found.message
    assert "pbx2" in found.message
    assert "server licence …-11111" in found.message
