"""How the box is: its services, how long it has been up, its disk, its versions."""

from __future__ import annotations

from typing import Any, TypedDict

from emulator.appliance.databases import FORMAT
from emulator.appliance.parts import Parts
from emulator.appliance.records import Facts
from emulator.appliance.registrar import PORT as SIP_PORT

SSH_PORT, WEB_PORT = 22, 80


class Health(TypedDict):
    """The state of the box that passes by itself; nothing compares it.

    Attributes:
        services: name -> whether it runs.
        uptime_s: since the boot, by the clock of the whole lab.
        disk: `size`, `used`, `free` in bytes.
        versions: of the appliance, of the format of its databases, of the module.
    """

    services: dict[str, bool]
    uptime_s: int
    disk: dict[str, int]
    versions: dict[str, Any]


def health(parts: Parts, facts: Facts) -> Health:
    """Look how the box is."""
    machine, module = parts.machine, parts.module
    up = machine.calendar.reference() - parts.booted_at
    return {
        "services": {
            "sshd": machine.listens(SSH_PORT),
            "web": machine.listens(WEB_PORT),
            "sip": machine.listens(SIP_PORT),
            "mail": parts.mail.running,
            "jobs": parts.jobs.alive,
            "module": module is not None and module.running,
        },
        "uptime_s": int(up.total_seconds()),
        "disk": dict(vars(machine.disk.usage())),
        "versions": {
            "appliance": facts.version,
            "store_format": FORMAT,
            "module": None if module is None else module.version,
        },
    }
