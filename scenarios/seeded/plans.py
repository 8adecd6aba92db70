"""A plan as text, as a scenario, and in words."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from scenarios.evidence import load as load_run
from scenarios.loading import checked, load
from scenarios.models.scenario import Scenario
from scenarios.schema import MODELINE
from scenarios.seeded.drawing import Document
from scenarios.steps import describe

_LISTED = ("steps", "tolerate", "expect")


def scenario_of(document: Document) -> Scenario:
    """Return the scenario of a document, checked as that of a file is.

    Raises:
        ScenarioError: the language does not allow it.
    """
    return checked(document, str(document.get("id", "plan")))


def document_of(scenario: Scenario) -> Document:
    """Return a scenario as its file would have it."""
    found: Document = scenario.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    return found


def text_of(document: Document) -> str:
    """Return the text of a plan's file, a line for each step."""
    lines = [MODELINE]
    for key, value in document.items():
        if key in _LISTED and value:
            lines += ["", f"{key}:", *(f"  - {_entry(one)}" for one in value)]
        elif value:
            lines.append(f"{key}: {_flow(value)}")
    return "\n".join([*lines, ""])


def _entry(value: Document) -> str:
    text = _flow(value)
    return text[1:-1] if len(value) == 1 else text


def _flow(value: Any) -> str:
    text: str = yaml.dump(
        _texts(value),
        Dumper=_Dumper,
        sort_keys=False,
        allow_unicode=True,
        width=10**6,
        default_flow_style=True,
    )
    return text.removesuffix("\n").removesuffix("\n...")


def _texts(value: Any) -> Any:
    """Return a value with all numbers as text, which the language takes them as."""
    if isinstance(value, dict):
        return {key: _texts(one) for key, one in value.items()}
    return [_texts(one) for one in value] if isinstance(value, list) else str(value)


def load_plan(path: Path) -> Scenario:
    """Read a plan: a scenario file, a stored run, or the `plan.yaml` of one.

    Raises:
        ScenarioError: it is none.
        NotARun: `plan.yaml` is not as a run has written it.
    """
    if path.is_dir():
        path /= "plan.yaml"
    if path.name == "plan.yaml" and (path.parent / "events.jsonl").is_file():
        return load_run(path.parent).plan.scenario
    return load(path)


def stored_trace(path: Path) -> str:
    """Return the hash of the trace of a stored run, "" where the path is none."""
    folder = path if path.is_dir() else path.parent
    summary = folder / "summary.json"
    if not summary.is_file():
        return ""
    return str(json.loads(summary.read_text(encoding="utf-8"))["trace_hash"])


def plan_hash(document: Document) -> str:
    """Return the SHA-256 of what a plan does, whoever drew it."""
    done = {key: value for key, value in document.items() if key not in {"id", "title", "drawn"}}
    return hashlib.sha256(json.dumps(done, sort_keys=True).encode()).hexdigest()


def in_words(scenario: Scenario) -> Iterator[str]:
    """Yield the lines of a plan as operators speak."""
    lab, drawn = scenario.lab, scenario.drawn
    if drawn is not None:
        yield f"seed {drawn.seed}, profile {drawn.profile}"
    every = lab.model_dump(mode="json", by_alias=True)["schedule"]["every"]
    yield f"a pair with {lab.users} users, a run every {every}, {lab.attempts_max} attempt(s)"
    width = len(str(len(scenario.whole)))
    for number, step in enumerate(scenario.whole, 1):
        yield f"{number:>{width}}. {describe(step)}"


class _Dumper(yaml.SafeDumper):
    """Writes every scalar plain, as the language reads it, and no anchors."""

    def ignore_aliases(self, data: object) -> bool:
        """Write a part that stands twice two times."""
        del data
        return True


_Dumper.yaml_implicit_resolvers = {}  # so that `on` and `no` need no quotes
