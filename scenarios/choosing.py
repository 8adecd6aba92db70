"""Which scenarios are meant: by id, glob, file, family, or because they did not pass last."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from scenarios.loading import LIBRARY, ScenarioError, find, library, load
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
    """

    scenario: Scenario
    family: str
    asked: Asked


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
    options = settings.options() if settings else ()
    return [_chosen(path, folder, load(path, settings), options) for path in paths]


def _chosen(path: Path, folder: Path, scenario: Scenario, options: tuple[str, ...]) -> Choice:
    if path.is_relative_to(folder):
        return Choice(scenario, path.parent.name, Asked(name=scenario.id, options=options))
    return Choice(scenario, "", Asked(name=str(path), options=options))


def last_runs(runs: Path, scenario: str) -> list[LastRun]:
    """Return how a scenario ended last, by backend."""
    newest: dict[str, LastRun] = {}
    for path in sorted((runs / scenario).glob("*/summary.json")):
        row = _summary(path)
        if row is not None and not path.parent.is_symlink():
            backend = str(row["backend"])
            newest[backend] = LastRun(backend, str(row["verdict"]), row.get("took_s"))
    return [newest[backend] for backend in sorted(newest)]


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
