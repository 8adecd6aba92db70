"""The set-up of a pair as its administrator does it: the five steps of R17 to R44.

The licences of steps 1 and 4 stand on the boxes from the factory on. Every step says on
which of the two appliances it is done (R16).
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Mapping
from typing import Any, BinaryIO, cast

from emulator.company import Progress
from emulator.lab import Lab
from scenarios.browsing import PageTrouble, log_in, open_tab, upload
from scenarios.drill import Pair, slot
from scenarios.hostile import Kind, spoilt
from scenarios.metering import Metered

IMPORT_TAB = "/admin/modules/redundanz/standby-import"
MODULE_ADDRESS = "standby@example.com"  # R27; no user's address
_FIRST_REFUSAL = 400


def configurations(pair: Pair, standby: str) -> dict[str, dict[str, Any]]:
    """Return what the module's dialog takes on each appliance (R21 to R36, R39)."""
    lab, access, plan = pair.lab, pair.access, pair.plan
    active = other(standby)
    fields = {
        "licence_key": access[active].server_key,
        "attempts_max": plan.attempts_max,
        "mail_address": MODULE_ADDRESS,
        **plan.module.fields(),
        **slot(plan.schedule, pair.start, plan.zone),
    }
    target = {
        "standby_server": _address(lab, standby),
        "standby_password": access[standby].root_password,
    }
    return {active: {**fields, **target}, standby: fields}


def other(node: str) -> str:
    """Return the other one of the pair."""
    return "pbx1" if node == "pbx2" else "pbx2"


def configure_pair(
    pair: Pair, standby: str, say: Callable[[str], None]
) -> dict[str, dict[str, Any]]:
    """Configure both appliances, and bring no backup across; what was configured.

    Raises:
        CommandRefused: an appliance declined its configuration.
    """
    fields = configurations(pair, standby)
    for node in (other(standby), standby):
        say(f"{node}: module configuration")
        configure(pair.lab, node, fields[node])
    return fields


def initialise(
    pair: Pair,
    standby: str,
    say: Callable[[str], None],
    progress: Progress = lambda _what, _done: None,
) -> dict[str, dict[str, Any]]:
    """Configure both appliances and bring the first full backup across; what was configured.

    Args:
        pair: the lab, its schedule, and what its administrators know.
        standby: the appliance that becomes the standby; the other one is the active.
        say: told what is done, step by step.
        progress: told how far the backup's way from one to the other is.

    Raises:
        CommandRefused: an appliance declined a command.
        PageTrouble: the page declined the upload.
    """
    lab, access = pair.lab, pair.access
    active, fields = other(standby), configurations(pair, standby)
    say(f"{active}: module configuration; the standby's host key is pinned")
    configure(lab, active, fields[active])
    say(f"{active}: full backup, kept on the administrator's computer")
    epoch = lab.appliance(active).ctl(["status"])["lineage"]["epoch"]
    backup = lab.appliance(active).ctl(["backup", "create", "--operation", f"initial-{epoch}"])
    with tempfile.TemporaryFile() as file:

        def metered(what: str) -> BinaryIO:
            told = Metered(file, int(backup["size"]), lambda done: progress(what, done))
            return cast("BinaryIO", told)

        kept = metered(f"backup: from {active}, kept on the administrator's computer")
        lab.appliance(active).copy(f"backups/{backup['file']}", kept)
        kept.seek(0)
        say(f"{standby}: module configuration with the active's licence key")
        configure(lab, standby, fields[standby])
        say(f"{standby}: Standby-Import of the backup")
        with lab.appliance(standby).browser() as browser:
            log_in(browser, access[standby].login, access[standby].password)
            sent = metered(f"upload: the backup, to {standby}")
            answer = upload(browser, open_tab(browser, IMPORT_TAB), str(backup["file"]), sent)
    if answer.status >= _FIRST_REFUSAL:
        raise PageTrouble(f"{standby}: Standby-Import: {answer.status} {answer.text[:300]}")
    lab.timekeeper.settle()
    return fields


def offer(lab: Lab, standby: str, kind: Kind) -> None:
    """Offer a hostile file to Standby-Import, made from a backup of the other appliance (I2).

    Raises:
        CommandRefused: the appliance declined it, as it must.
    """
    active = lab.appliance(other(standby))
    backup = active.ctl(["backup", "create", "--operation", "for-an-attacker"])
    data = spoilt(kind, active.read(f"backups/{backup['file']}"))
    argv = ["redundancy", "initialise", "--size", str(len(data)), "--by", "administrator"]
    lab.appliance(standby).ctl(argv, data)


def configure(lab: Lab, node: str, fields: Mapping[str, Any]) -> None:
    """Save the module's configuration as its dialog would.

    Raises:
        CommandRefused: the appliance declined it.
    """
    argv = ["redundancy", "configure", "--by", "administrator"]
    lab.appliance(node).ctl(argv, json.dumps(dict(fields)).encode())


def _address(lab: Lab, node: str) -> str:
    return next(one.address for one in lab.describe() if one.name == node)
