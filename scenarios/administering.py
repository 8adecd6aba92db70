"""What an administrator does on one appliance: settings, licences, updates, jobs, its clock."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

from emulator.lab import CommandRefused, LabError, NodeDown, NotThere
from emulator.licences import parse_key
from scenarios.drill import Drill
from scenarios.models.administration import (
    Configuration,
    Installation,
    JobOrder,
    JobSpec,
    LicenceSpec,
)
from scenarios.setup import configure as save
from scenarios.setup import other

RESTART_LIMIT_S, RETRY_S = 60.0, 0.1
WRONG = "not-the-password"
_OWN = {"on", "attempts_max", "user", "password", "server_port"}


def configure(drill: Drill, wanted: Configuration) -> str:
    """Change fields of the module's configuration; what is said of it.

    Raises:
        CommandRefused: the appliance declined it.
        NotThere: nothing was configured there before.
    """
    node = wanted.on
    if node not in drill.fields:
        raise NotThere(f"the module of {node} was never configured", remedy="initialise the pair")
    named = wanted.model_fields_set - _OWN
    fields = wanted.fields()
    changed: dict[str, Any] = {name: fields[name] for name in fields if _SOURCE[name] in named}
    if wanted.attempts_max is not None:
        changed["attempts_max"] = wanted.attempts_max
    if wanted.user is not None:
        changed["standby_user"] = wanted.user
    if wanted.password is not None:
        right = drill.pair.access[other(node)].root_password
        changed["standby_password"] = right if wanted.password == "right" else WRONG  # noqa: S105 - the word of the language
    if wanted.server_port is not None:
        host = str(drill.fields[node]["standby_server"]).partition(":")[0]
        changed["standby_server"] = f"{host}:{wanted.server_port}"
    drill.fields[node] = {**drill.fields[node], **changed}
    save(drill.lab, node, drill.fields[node])
    return ", ".join(sorted(changed)) or "nothing changed"


_SOURCE = {
    "send_mails": "send_mails",
    "language": "language",
    "backup_source": "backup",
    "backup_age_max_h": "backup_age_limit",
    "backup_wait_limit_min": "backup_wait_limit",
    "stall_limit_s": "stall_limit",
    "stale_after_h": "stale_after",
}


def remove_licence(drill: Drill, which: LicenceSpec) -> str:
    """Remove a licence key, all others stay (V3); what is said of it.

    Raises:
        CommandRefused: the appliance declined it.
        NotThere: it has none of that sort.
    """
    gone = [key for key in _keys(drill, which.on) if parse_key(key).kind == which.key]
    if not gone:
        raise NotThere(f"{which.on} has no {which.key} licence", remedy="it is removed already")
    drill.node(which.on).ctl(["licences", "remove", parse_key(gone[0]).fingerprint])
    drill.removed[which.on, which.key] = gone[0]
    return parse_key(gone[0]).redacted


def install_licence(drill: Drill, which: Installation) -> str:
    """Install a licence key that was removed before, or a mistyped one; what is said of it.

    Raises:
        CommandRefused: the appliance declined it.
        NotThere: it was not removed.
    """
    key = drill.removed.get((which.on, which.key))
    if key is None:
        raise NotThere(f"nobody removed the {which.key} licence of {which.on}")
    typed = key if which.mistyped == "no" else f"{key[:-1]}{'B' if key[-1] == 'A' else 'A'}"
    drill.node(which.on).ctl(["licences", "install"], typed.encode())
    del drill.removed[which.on, which.key]
    return parse_key(key).redacted


def _keys(drill: Drill, node: str) -> list[str]:
    """Return the keys on the administrator's certificate that the box still has."""
    removed = {key for (box, _), key in drill.removed.items() if box == node}
    spec = next(one for one in drill.lab.spec.appliances if one.name == node)
    return [key for key in spec.factory["licences"] if key not in removed]


def update(drill: Drill, node: str, version: str) -> str:
    """Update an appliance's software and wait until it is up again; what is said of it.

    Raises:
        CommandRefused: the appliance declined it.
        NodeDown: it does not come back.
    """
    known = len(drill.lab.events())
    drill.node(node).ctl(["update", version])
    for _ in range(int(RESTART_LIMIT_S / RETRY_S)):
        if any((one.node, one.event) == (node, "booted") for one in drill.lab.events()[known:]):
            break
        drill.lab.pause(RETRY_S)
        # Its program is being started again; asking opens a new channel.
        with suppress(NodeDown, CommandRefused):
            drill.node(node).ctl(["status"])
    drill.lab.timekeeper.settle()
    return f"version {drill.node(node).ctl(['status'])['version']}"


def job(drill: Drill, wanted: JobSpec) -> str:
    """Add or remove a backup or archive job; what is said of it.

    Raises:
        CommandRefused: the appliance declined it.
    """
    node = drill.node(wanted.on)
    if wanted.remove is not None:
        node.ctl(["jobs", "remove", wanted.remove])
        return "removed"
    every = wanted.every
    if every is None or wanted.add is None:
        raise LabError("a job that is added needs its interval")
    zone = ZoneInfo(drill.pair.plan.zone)
    first = drill.lab.timekeeper.now() + (wanted.first_in or timedelta())
    local = first.astimezone(zone)
    if local.second or local.microsecond:
        local = local.replace(second=0, microsecond=0) + timedelta(minutes=1)
    argv = ["jobs", "add", "--name", wanted.add, "--kind", wanted.kind, "--unit", every.unit]
    argv += ["--every", str(every.every), "--start", f"{local:%Y-%m-%dT%H:%M}"]
    takes_min = int((wanted.takes or timedelta()).total_seconds() // 60)
    node.ctl([*argv, "--keep", str(wanted.keep), "--takes", str(takes_min)])
    return f"first at {local:%Y-%m-%d %H:%M}"


def start_job(drill: Drill, wanted: JobOrder) -> str:
    """Have a job write at once; what is said of it.

    Raises:
        CommandRefused: the appliance declined it.
    """
    drill.node(wanted.on).ctl(["jobs", "start", wanted.job])
    return "started"


def set_clock(drill: Drill, node: str, by: timedelta) -> str:
    """Set the clock of an appliance; what is said of it."""
    drill.lab.note("clock.set", node=node, by_s=by.total_seconds())
    drill.lab.levers.inside(node, "clock.shift", by_s=by.total_seconds())
    drill.lab.timekeeper.settle()
    return f"{by.total_seconds():+g} s"
