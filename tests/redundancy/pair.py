"""A make-believe pair for tests of the engine's executors: two scripted appliances."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from redundancy.client import Appliance
from redundancy.configuration import ModuleConfiguration
from redundancy.contract import Status
from redundancy.desk import Desk
from redundancy.fakes.services import FakeServices
from redundancy.fakes.time import START
from redundancy.journal import Journal
from redundancy.role import fingerprint

KEYS = {"pbx1": "AAAAA-AAAAA-AAAAA-11111", "pbx2": "BBBBB-BBBBB-BBBBB-22222"}
ACTIVE, STANDBY = "198.18.0.10", "198.18.0.20"
SHA = "ab" * 32
SEAL = b"s" * 1000
BLOBS = (b"a" * 700_000, b"b" * 30)


def network(address: str) -> dict[str, Any]:
    return {"address": address, "prefix": 24, "gateway": "198.18.0.1", "dns": ["198.18.0.1"]}


def origin(generation: int, age_h: float = 1.0) -> dict[str, Any]:
    taken = START - timedelta(hours=age_h)
    return {
        "epoch": 1, "generation": generation, "taken_at": taken.isoformat(),
        "imported_at": taken.isoformat(), "sha256": SHA, "network": network(ACTIVE),
    }  # fmt: skip


def status(name: str, **changes: Any) -> dict[str, Any]:
    own = fingerprint(KEYS[name])
    licences = [
        {"kind": "server", "fingerprint": own, "redacted": "…"},
        {"kind": "user", "users": 9, "fingerprint": f"u-{name}", "redacted": "…"},
        {"kind": "module", "module": "redundanz", "fingerprint": f"m-{name}", "redacted": "…"},
    ]
    return {
        "name": name, "hardware_id": f"hw-{name}", "type": "vm", "version": "8.1.2.5",
        "zone": "Europe/Berlin", "licences": licences, "user_count": 3,
        "network": network(ACTIVE if name == "pbx1" else STANDBY),
        "lineage": {"epoch": 1, "holder": fingerprint(KEYS["pbx1"]), "generation": 4},
        "origin": origin(3) if name == "pbx2" else None,
        "modules": [{"name": "redundanz", "active": name == "pbx1"}],
        **changes,
    }  # fmt: skip


def configuration(**changes: Any) -> ModuleConfiguration:
    values: dict[str, Any] = {
        "licence_key": KEYS["pbx1"], "attempts_max": 3, "send_mails": True,
        "mail_address": "admin@example.com", "start_date": "2030-01-01", "start_time": "02:30",
        "standby_server": STANDBY, "standby_password": "s3cret",
    }  # fmt: skip
    return ModuleConfiguration.model_validate({**values, **changes})


@dataclass
class Pair:
    """The services of one appliance, scripted so that everything succeeds."""

    name: str
    services: FakeServices = field(default_factory=FakeServices)

    def __post_init__(self) -> None:
        files = self.services.store.files
        files["/snapshots/full.seal"] = SEAL
        files |= {f"/blobs/{sha256(one)[:2]}/{sha256(one)}": one for one in BLOBS}
        local, remote = self.services.local, self.services.remote
        local.answer("status", status(self.name))
        local.answer("snapshot create", snapshot())
        local.answer("mail enqueue", {"queued": 1, "known": 0})
        for one in ("snapshot release", "module put"):
            local.answer(one, {})
        remote.answer("status", status("pbx2"), status("pbx2", origin=origin(4)))
        remote.answer("fence", {})
        remote.answer("offer", {"missing": [missing(one) for one in BLOBS]})
        remote.answer("receive", {"file": "full.seal", "size": 1000, "sha256": SHA})
        remote.answer("import", {"epoch": 1, "generation": 4, "objects": 9})
        self.journal = Journal(self.services.store, self.services.calendar, self.services.report)
        self.settings = configuration()
        self.services.secrets["standby_password"] = "s3cret"
        local.answer("module get", {"values": stored(self.settings)})

    @property
    def desk(self) -> Desk:
        current = Status.model_validate(self.services.local.call(["status"]))
        return Desk(Appliance(self.services.local), self.settings, current)

    def mails(self) -> list[Mapping[str, Any]]:
        """Return every mail that was handed in."""
        calls = [one for one in self.services.local.calls if one.argv[:2] == ("mail", "enqueue")]
        return [mail for one in calls for mail in json.loads(one.payload)]


def snapshot() -> dict[str, Any]:
    return {
        "file": "full.seal", "path": "/snapshots/full.seal", "blobs": "/blobs", "epoch": 1,
        "generation": 4, "version": "8.1.2.5", "taken_at": START.isoformat(),
        "size": len(SEAL), "sha256": SHA,
    }  # fmt: skip


def missing(blob: bytes, **begun: Any) -> dict[str, Any]:
    return {"sha256": sha256(blob), "size": len(blob), **begun}


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def stored(settings: ModuleConfiguration) -> dict[str, Any]:
    """Return a configuration as the appliance shows it."""
    return {**settings.model_dump(mode="json"), "standby_password": ""}


def commands(calls: Sequence[str]) -> list[str]:
    """Return the first words of command lines, without the reads."""
    return [one.split()[0] for one in calls if not one.startswith("status")]
