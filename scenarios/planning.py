"""The plan of a scenario before it runs: everything that was left to defaults, written out."""

from __future__ import annotations

from typing import Any

import yaml

from scenarios.models.scenario import Scenario
from scenarios.steps import describe


def planned(scenario: Scenario) -> dict[str, Any]:
    """Return a scenario with every default, and its steps as they will be taken."""
    whole = scenario.model_dump(mode="json", by_alias=True, exclude={"steps"})
    whole["steps"] = [describe(step) for step in scenario.whole]
    return whole


def rendered(scenario: Scenario) -> str:
    """Return the plan as YAML, in the order of the language."""
    text: str = yaml.safe_dump(planned(scenario), sort_keys=False, allow_unicode=True, width=100)
    return text
