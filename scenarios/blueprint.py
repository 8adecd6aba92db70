"""The lab that a drill asks for: factory settings, and what its administrators know."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from hashlib import shake_128
from itertools import count
from typing import Any, NamedTuple

from emulator import factory
from emulator.appliance.entities import is_secret
from emulator.company import Company, Progress
from emulator.factory import Entropy
from emulator.lab import ApplianceSpec, LabSpec
from emulator.licences import make_key, parse_key
from emulator.telephones import BEHAVIOURS, Clients
from scenarios.drill import Access, Spare
from scenarios.models.lab import LabPlan, Licences

POWER_ON = datetime(2025, 1, 14, 8, 0, tzinfo=UTC)  # of every served Calendar
SHORTEST_SECRET = 8  # signs


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
        spares: new boxes that the drill puts in another one's place, by appliance.
    """

    spec: LabSpec
    access: Mapping[str, Access]
    secrets: tuple[str, ...]
    spares: Mapping[str, Spare] = field(default_factory=dict)


def blueprint(
    ground: Ground,
    plan: LabPlan,
    entropy: Entropy,
    progress: Progress = lambda _line, _done: None,
) -> Blueprint:
    """Draw the lab that a scenario or `up` asks for.

    Args:
        ground: where it stands.
        plan: users, phones, zone.
        entropy: where passwords come from.
        progress: told how far its content is.
    """
    name, subnet, seed, start = ground
    lines = tuple((kind, count) for kind, count in plan.lines if count)
    company = Company(
        users=plan.users,
        voicemail_mb=plan.voicemail_mb,
        calls_each=plan.calls_each,
        zone=plan.zone,
        kind=plan.type,
        lines=lines,
    )
    made = factory.pair(seed, name, subnet, start or POWER_ON, entropy, company, progress)
    known = made.credentials
    boxes = {"pbx1": made.pbx1, "pbx2": made.pbx2}
    for box, settings in boxes.items():
        differ(settings, boxes["pbx1" if box == "pbx2" else "pbx2"], plan, subnet)
    spec = LabSpec(
        name=name,
        subnet=subnet,
        appliances=(
            ApplianceSpec("pbx1", made.pbx1, made.sounds),
            ApplianceSpec("pbx2", made.pbx2),
        ),
        seed=seed,
        start=start,
        phones=plan.phones,
        others=plan.other_clients,
        clients=Clients(**plan.user_agents.model_dump()) if plan.user_agents else None,
    )
    access = {
        box: Access(
            known.login,
            known.password,
            known.root_passwords[box],
            known.server_keys[box],
            tuple(settings["licences"]),
        )
        for box, settings in boxes.items()
    }
    secrets = {known.password, *known.root_passwords.values()}
    for settings in boxes.values():
        secrets |= {str(key) for key in settings["licences"]}
        secrets |= set(_kept_secret(settings["content"]))
    return Blueprint(spec, access, tuple(sorted(secrets)))


def before_set_up(spec: LabSpec) -> LabSpec:
    """Return a lab whose pair is set up by hand: the licences of steps 1 and 4 are missing.

    `pbx1` has been somebody's only appliance so far and runs with its server and user licence;
    `pbx2` has just been unpacked.
    """
    appliances = []
    for one in spec.appliances:
        held = one.factory["licences"] if one.name == "pbx1" else []
        licences = [key for key in held if parse_key(key).kind != "module"]
        appliances.append(replace(one, factory={**one.factory, "licences": licences}))
    return replace(spec, appliances=tuple(appliances))


def differ(settings: dict[str, Any], others: Mapping[str, Any], plan: LabPlan, subnet: str) -> None:
    """Change one box's factory settings as a scenario says.

    Args:
        settings: of the box.
        others: those of the other one.
        plan: what the scenario says.
        subnet: of the lab.
    """
    box = plan.boxes[settings["name"]]
    phones = settings["content"].get("phones", {}).values()
    for phone, model in zip(phones, itertools.cycle(plan.phone_models), strict=False):
        phone["vendor"], _, phone["model"] = model.partition(" ")
        if model in BEHAVIOURS:
            phone["needs_restart"] = BEHAVIOURS[model].needs_restart
    modules = settings["content"].get("modules", {})
    for name in set(plan.resting_modules) & set(modules):
        modules[name]["active"] = False
    if (box.boot_address_check or plan.boot_address_check) == "yes":
        settings["boot_address_check"] = True
    settings["version"] = box.version or plan.version or settings["version"]
    settings["type"] = box.type or settings["type"]
    base, wanted = subnet.rpartition(".")[0], box.network
    network = settings["network"]
    network["method"] = wanted.method
    network["prefix"] = wanted.prefix or network["prefix"]
    network["address"] = f"{base}{wanted.address}" if wanted.address else network["address"]
    network["gateway"] = f"{base}{wanted.gateway}" if wanted.gateway else network["gateway"]
    if wanted.dns is not None:
        network["dns"] = [f"{base}{one}" for one in wanted.dns]
    settings["licences"] = list(_keys(settings["licences"], others["licences"], box.licences))


def _keys(own: Sequence[str], others: Sequence[str], wanted: Licences) -> Iterator[str]:
    """Yield a box's licence keys as a scenario wants them (V3)."""
    for key, other in zip(own, others, strict=True):
        kind = parse_key(key).kind
        if kind in wanted.without:
            continue
        if kind in wanted.of_other:
            yield other
        elif kind == "user" and wanted.users is not None:
            yield make_key("user", hashlib.sha256(key.encode()).digest()[:8], users=wanted.users)
        else:
            yield key


def _kept_secret(content: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> Iterator[str]:
    """Give the secrets of the objects; short ones, as PINs are, would be found anywhere."""
    for objects in content.values():
        for body in objects.values():
            for name, value in body.items():
                if is_secret(name) and len(value) >= SHORTEST_SECRET:
                    yield value


def seeded_entropy(seed: int) -> Entropy:
    """Return bytes that a seed determines: a simulated lab is the same in every run."""
    numbers = count()
    return lambda length: shake_128(f"{seed}/{next(numbers)}".encode()).digest(length)
