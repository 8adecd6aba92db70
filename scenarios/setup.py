"""The set-up of a pair as its administrator does it: the five steps of R17 to R44.

The licences of steps 1 and 4 stand on the boxes from the factory on. Every step says on
which of the two appliances it is done (R16).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from emulator.lab import Lab
from scenarios.browsing import PageTrouble, log_in, open_tab, upload
from scenarios.drill import Pair, slot

IMPORT_TAB = "/admin/modules/redundanz/standby-import"
MODULE_ADDRESS = "standby@example.com"  # R27; no user's address
_FIRST_REFUSAL = 400


def initialise(pair: Pair, standby: str, say: Callable[[str], None]) -> None:
    """Configure both appliances and bring the first full backup across.

    Args:
        pair: the lab, its schedule, and what its administrators know.
        standby: the appliance that becomes the standby; the other one is the active.
        say: told what is done, step by step.

    Raises:
        CommandRefused: an appliance declined a command.
        PageTrouble: the page declined the upload.
    """
    lab, access, plan = pair.lab, pair.access, pair.plan
    active = "pbx1" if standby == "pbx2" else "pbx2"
    fields = {
        "licence_key": access[active].server_key,
        "attempts_max": plan.attempts_max,
        "mail_address": MODULE_ADDRESS,
        **slot(plan.schedule, pair.start, plan.zone),
    }
    target = {
        "standby_server": _address(lab, standby),
        "standby_password": access[standby].root_password,
    }
    say(f"{active}: module configuration; the standby's host key is pinned")
    _configure(lab, active, {**fields, **target})
    say(f"{active}: full backup, kept on the administrator's computer")
    epoch = lab.appliance(active).ctl(["status"])["lineage"]["epoch"]
    backup = lab.appliance(active).ctl(["backup", "create", "--operation", f"initial-{epoch}"])
    data = lab.appliance(active).read(f"backups/{backup['file']}")
    say(f"{standby}: module configuration with the active's licence key")
    _configure(lab, standby, fields)
    say(f"{standby}: Standby-Import of the backup")
    with lab.appliance(standby).browser() as browser:
        log_in(browser, access[standby].login, access[standby].password)
        answer = upload(browser, open_tab(browser, IMPORT_TAB), str(backup["file"]), data)
    if answer.status >= _FIRST_REFUSAL:
        raise PageTrouble(f"{standby}: Standby-Import: {answer.status} {answer.text[:300]}")
    lab.timekeeper.settle()


def _configure(lab: Lab, node: str, fields: Mapping[str, Any]) -> None:
    argv = ["redundancy", "configure", "--by", "administrator"]
    lab.appliance(node).ctl(argv, json.dumps(dict(fields)).encode())


def _address(lab: Lab, node: str) -> str:
    return next(one.address for one in lab.describe() if one.name == node)
