"""New hardware that a drill puts in an appliance's place: drawn before the lab is made (B6).

Its secrets are then among those that may stand in no evidence.
"""

from __future__ import annotations

from dataclasses import replace

from emulator import factory
from emulator.factory import Entropy
from emulator.lab import ApplianceSpec
from scenarios.blueprint import Blueprint, Ground, blueprint
from scenarios.drill import Access, Drill, Spare
from scenarios.models.scenario import Scenario
from scenarios.models.steps import Exchange, Replace


def drawn_for(scenario: Scenario, ground: Ground, entropy: Entropy) -> Blueprint:
    """Draw a scenario's lab, with a new box for each one that it replaces."""
    drawn = blueprint(ground, scenario.lab, entropy)
    spares: dict[str, Spare] = {
        step.replace.node: _spare(drawn, step.replace, entropy)
        for step in scenario.steps
        if isinstance(step, Replace)
    }
    secrets = {secret for one in spares.values() for secret in _secrets(one)}
    return replace(drawn, spares=spares, secrets=tuple(sorted({*drawn.secrets, *secrets})))


def exchange(drill: Drill, wanted: Exchange) -> str:
    """Replace a box; what is said of the new one.

    The log of the old one goes with it, so it is kept for the evidence.

    Raises:
        LabError: it is on.
    """
    node, spare = wanted.node, drill.spares[wanted.node]
    log = drill.node(node).read("log/events.jsonl")
    drill.node(node).exchange(spare.spec)
    drill.logs[node] = drill.logs.get(node, b"") + log
    drill.pair = replace(drill.pair, access={**drill.pair.access, node: spare.access})
    address = spare.spec.factory["network"]["address"]
    drill.lab.note("replaced", node=node, address=address)
    return f"a new box at {address}"


def _spare(drawn: Blueprint, wanted: Exchange, entropy: Entropy) -> Spare:
    old = next(one for one in drawn.spec.appliances if one.name == wanted.node)
    address = f"{drawn.spec.subnet.rpartition('.')[0]}{wanted.address}"
    box, known = factory.replacement(old.factory, address, entropy)
    access = Access(
        known.login,
        known.password,
        known.root_passwords[old.name],
        known.server_keys[old.name],
        tuple(box["licences"]),
    )
    return Spare(ApplianceSpec(old.name, box), access)


def _secrets(spare: Spare) -> tuple[str, ...]:
    access = spare.access
    return (access.password, access.root_password, *access.licence_keys)
