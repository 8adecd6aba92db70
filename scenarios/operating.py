"""What an operator does with a pair that is up: run now, switch over."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from emulator.lab import Lab, LabError, NodeDown
from scenarios.browsing import click_switchover, log_in, open_tab
from scenarios.drill import Access

RUN_LIMIT = timedelta(hours=2)


def with_role(lab: Lab, role: str) -> str:
    """Return the appliance that has a role now.

    Raises:
        LabError: none that is up has it.
    """
    found = {}
    for one in lab.spec.appliances:
        try:
            found[one.name] = str(lab.appliance(one.name).ctl(["redundancy", "status"])["role"])
        except NodeDown:
            found[one.name] = "off"
    for name, own in found.items():
        if own == role:
            return name
    roles = ", ".join(f"{name} is {own}" for name, own in found.items())
    remedy = "a pair that is set up has one: standby-lab up without --bare"
    if "off" in found.values():
        remedy = f"a new lab has one: standby-lab down {lab.spec.name}, then standby-lab up"
        if "standby" in found.values():
            remedy = f"let the standby take over: standby-lab switchover {lab.spec.name}"
    raise LabError(f"no appliance of {lab.spec.name} is the {role} ({roles})", remedy=remedy)


def sync_now(lab: Lab) -> dict[str, Any]:
    """Order a run on the current active and wait for its end.

    Raises:
        LabError: there is no active, or the run does not end.
        CommandRefused: the active declined.
    """
    node = with_role(lab, "active")
    appliance = lab.appliance(node)
    number = appliance.ctl(["redundancy", "run", "--by", "operator"])["run"]

    def record() -> Mapping[str, Any] | None:
        rows = appliance.ctl(["redundancy", "status"])["runs"]
        return next((row for row in rows if row["run"] == number and row["finished"]), None)

    end = lab.timekeeper.now() + RUN_LIMIT
    lab.timekeeper.advance(end, lambda: record() is not None)
    done = record()
    if done is None:
        raise LabError(
            f"run {number} on {node} has not ended within {RUN_LIMIT}",
            remedy=f"look into its log: standby-lab exec {node} -- appliancectl redundancy log",
        )
    return {"node": node, **done, "causes": list(done["causes"])}


def switch_now(lab: Lab, access: Mapping[str, Access]) -> dict[str, Any]:
    """Log in at the standby's page, open the tab and click (R48, R49, R5).

    Raises:
        LabError: there is no standby.
        PageTrouble: the page does not work.
    """
    node = with_role(lab, "standby")
    with lab.appliance(node).browser() as browser:
        log_in(browser, access[node].login, access[node].password)
        answer = click_switchover(browser, open_tab(browser))
    role = lab.appliance(node).ctl(["redundancy", "status"])["role"]
    outcome = "claimed" if role == "active" else "refused"
    return {"node": node, "outcome": outcome, "status": answer.status, "text": answer.text}
