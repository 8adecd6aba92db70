"""Which scenarios are meant: by id, glob, file, family, or because they did not pass last."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from scenarios.feasible import needs, simulated_only
from scenarios.loading import FILE_SUFFIXES, LIBRARY, ScenarioError, find, library, load
from scenarios.marks import YamlError, parse
from scenarios.models.scenario import Scenario
from scenarios.record import Asked
from scenarios.settings import Settings

_GLOB = frozenset("*?[")


@dataclass(frozen=True)
class Choice:
    """A scenario that is to be run.

    Attributes:
        family: the folder of the library that it stands in; "" for a file of one's own.
        asked: how it is asked for.
        itself: it was named by its own id or file, not by a glob or a family.
    """

    scenario: Scenario
    family: str
    asked: Asked
    itself: bool


@dataclass(frozen=True)
class LastRun:
    """How a scenario ended when it was run last on a backend.

    Attributes:
        took_s: set-up and removal included; None where it was not recorded.
    """

    backend: str
    verdict: str
    took_s: float | None


def choose(
    names: Sequence[str],
    families: Sequence[str],
    folder: Path = LIBRARY,
    settings: Settings | None = None,
) -> list[Choice]:
    """Return the scenarios that were named, each once, in the order of naming.

    Args:
        names: ids, globs over ids, or paths of files.
        families: folders of the library, all of whose scenarios are meant.
        folder: the library.
        settings: what is changed of each.

    Raises:
        ScenarioError: a name or a family means nothing, or a file cannot be read.
    """
    paths: dict[Path, None] = {}
    for name in names:
        paths |= dict.fromkeys(_named(name, folder))
    for family in families:
        paths |= dict.fromkeys(_family(family, folder))
    themselves = {find(name, folder) for name in names if not _GLOB & set(name)}
    options = settings.options() if settings else ()
    choices = []
    for path in paths:
        scenario, inside = load(path, settings), path.is_relative_to(folder)
        asked = Asked(name=scenario.id if inside else str(path), options=options)
        family = path.parent.name if inside else ""
        choices.append(Choice(scenario, family, asked, path in themselves))
    return choices


def fitting(choices: Sequence[Choice], backend: str) -> tuple[list[Choice], list[Choice]]:
    """Tell those that a backend can host from those that only a simulated lab can.

    Raises:
        ScenarioError: one of the latter was named itself.
    """
    if backend == "sim":
        return list(choices), []
    left_out = [one for one in choices if simulated_only(one.scenario)]
    for one in left_out:
        if one.itself:
            raise ScenarioError(
                f"{one.asked.name}: {backend} cannot do what it asks for "
                f"({', '.join(needs(one.scenario))})",
                remedy="--backend sim can",
            )
    return [one for one in choices if one not in left_out], left_out


def last_runs(runs: Path, scenario: str) -> list[LastRun]:
    """Return how a scenario ended last, by backend."""
    newest: dict[str, LastRun] = {}
    for path in sorted((runs / scenario).glob("*/summary.json")):
        row = _summary(path)
        if row is not None and not path.parent.is_symlink():
            backend = str(row["backend"])
            newest[backend] = LastRun(backend, str(row["verdict"]), row.get("took_s"))
    return [newest[backend] for backend in sorted(newest)]


def failed_files(runs: Path) -> list[str]:
    """Return the scenario files outside the library that did not pass when last run."""
    plans = sorted(runs.glob("*/latest/plan.yaml"))
    asked = [_asked(path) for path in plans if not passed_last(runs, path.parts[-3])]
    return [one for one in asked if one]


def _asked(plan: Path) -> str:
    """Return the file that a run was asked for by; "" where it was an id, or none can be read."""
    try:
        value = parse(plan.read_text(encoding="utf-8")).value
        name = str(value["asked"]["name"])
    except (OSError, UnicodeDecodeError, YamlError, KeyError, TypeError):
        return ""
    return name if Path(name).suffix in FILE_SUFFIXES else ""


def passed_last(runs: Path, scenario: str) -> bool | None:
    """Say whether the newest run of a scenario passed; None where there was none."""
    latest = runs / scenario / "latest"
    if not latest.exists():
        return None
    row = _summary(latest / "summary.json")
    return row is not None and row["verdict"] == "passed"


def _summary(path: Path) -> dict[str, Any] | None:
    """Read a summary; None where the run broke before it was judged."""
    try:
        row: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return row if {"backend", "verdict"} <= row.keys() else None


def _named(name: str, folder: Path) -> list[Path]:
    if not _GLOB & set(name):
        return [find(name, folder)]
    found = [path for known, path in library(folder).items() if fnmatchcase(known, name)]
    if not found:
        raise ScenarioError(
            f"no scenario matches `{name}`", remedy="see `standby-lab scenarios`; globs match ids"
        )
    return found


def _family(family: str, folder: Path) -> list[Path]:
    known = sorted({path.parent.name for path in library(folder).values()})
    if family not in known:
        raise ScenarioError(
            f"there is no family `{family}`", remedy=f"the library has: {', '.join(known)}"
        )
    return [path for path in library(folder).values() if path.parent.name == family]
