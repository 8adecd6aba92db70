"""The lab that a drill asks for: factory settings, and what its administrators know."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import shake_128
from itertools import count
from typing import NamedTuple

from emulator import factory
from emulator.factory import Entropy
from emulator.lab import ApplianceSpec, LabSpec
from scenarios.drill import Access
from scenarios.models import LabPlan

POWER_ON = datetime(2025, 1, 14, 8, 0, tzinfo=UTC)  # of every served Calendar


class Ground(NamedTuple):
    """Where a lab stands, in space and time.

    Attributes:
        name: of the lab.
        subnet: its /24.
        seed: of names and numbers.
        start: the Calendar at power-on; None: the real clock.
    """

    name: str
    subnet: str
    seed: int
    start: datetime | None


@dataclass(frozen=True)
class Blueprint:
    """A lab that could be made, and who may do what in it.

    Attributes:
        spec: what a maker makes it from.
        access: what administrators know, by appliance.
        secrets: everything that may stand in no evidence.
    """

    spec: LabSpec
    access: Mapping[str, Access]
    secrets: tuple[str, ...]


def blueprint(ground: Ground, plan: LabPlan, entropy: Entropy) -> Blueprint:
    """Draw the lab that a scenario or `up` asks for.

    Args:
        ground: where it stands.
        plan: users, phones, zone.
        entropy: where passwords come from.
    """
    name, subnet, seed, start = ground
    company = factory.Company(users=plan.users, zone=plan.zone)
    made = factory.pair(seed, name, subnet, start or POWER_ON, entropy, company)
    known = made.credentials
    boxes = {"pbx1": made.pbx1, "pbx2": made.pbx2}
    if plan.boot_address_check == "yes":
        for settings in boxes.values():
            settings["boot_address_check"] = True
    spec = LabSpec(
        name=name,
        subnet=subnet,
        appliances=tuple(ApplianceSpec(box, settings) for box, settings in boxes.items()),
        seed=seed,
        start=start,
        phones=plan.phones,
    )
    access = {
        box: Access(known.login, known.password, known.root_passwords[box], known.server_keys[box])
        for box in boxes
    }
    secrets = {known.password, *known.root_passwords.values()}
    for settings in boxes.values():
        secrets |= {str(key) for key in settings["licences"]}
        content = settings["content"]
        secrets |= {str(user["password"]) for user in content["users"].values() if user["password"]}
        secrets |= {str(phone["sip_secret"]) for phone in content.get("phones", {}).values()}
    return Blueprint(spec, access, tuple(sorted(secrets)))


def seeded_entropy(seed: int) -> Entropy:
    """Return bytes that a seed determines: a simulated lab is the same in every run."""
    numbers = count()
    return lambda length: shake_128(f"{seed}/{next(numbers)}".encode()).digest(length)
