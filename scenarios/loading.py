"""Finds and reads scenario files; an error names file, line, cause and remedy."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from scenarios.explaining import Fault, explain
from scenarios.marks import Marked, YamlError, parse
from scenarios.models.scenario import Scenario
from scenarios.naming import misnamed
from scenarios.powering import powerless
from scenarios.settings import Profile, Settings

LIBRARY = Path(__file__).parent / "library"
FILE_SUFFIXES = frozenset({".yaml", ".yml"})


class ScenarioError(Exception):
    """A scenario that cannot be run as written (exit code 2)."""

    def __init__(self, message: str, *, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy


def library(folder: Path = LIBRARY) -> dict[str, Path]:
    """Return the files of the library by scenario id, in order of family and name."""
    return {path.stem: path for path in sorted(folder.glob("*/*.yaml"))}


def find(name: str, folder: Path = LIBRARY) -> Path:
    """Return the file of a scenario that was named by its id or by its path.

    Raises:
        ScenarioError: there is none; the remedy names the closest one.
    """
    known = library(folder)
    if name in known:
        return known[name]
    path = Path(name)
    if path.suffix in FILE_SUFFIXES or "/" in name:
        if path.is_file():
            return path
        raise ScenarioError(
            f"{name}: there is no such file", remedy="`standby-lab scenarios` lists the library"
        )
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.4)
    raise ScenarioError(
        f"there is no scenario `{name}`",
        remedy=f"did you mean `{close[0]}`?" if close else "see `standby-lab scenarios`",
    )


def load(path: Path, settings: Settings | None = None) -> Scenario:
    """Read a scenario file, changed by settings.

    Raises:
        ScenarioError: it cannot be read, is not YAML, or says what the language does not.
    """
    scenario = read(_text(path), str(path), settings)
    if path.is_relative_to(LIBRARY) and scenario.id != path.stem:
        raise ScenarioError(
            f"{path}: the id is `{scenario.id}`", remedy="file name and id must be the same"
        )
    return scenario


def load_profile(path: Path) -> Profile:
    """Read a customer's profile.

    Raises:
        ScenarioError: it cannot be read, is not YAML, or says what a profile does not.
    """
    marked = _parsed(_text(path), str(path), "a profile begins with `customer:`")
    try:
        return Profile.model_validate(marked.value)
    except ValidationError as error:
        raise _refused(explain(error, marked), str(path)) from error


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise ScenarioError(f"{path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ScenarioError(f"{path}: not UTF-8 text", remedy="save it as UTF-8") from error


def read(text: str, origin: str, settings: Settings | None = None) -> Scenario:
    """Read a scenario from text, changed by settings; `origin` stands in errors.

    Raises:
        ScenarioError: see `load`.
    """
    begins = "begin with `id:`, `title:`, `covers:`, `steps:`, as those of the library do"
    marked = _parsed(text, origin, begins)
    try:
        value = (settings or Settings.none()).apply(_expanded(marked.value))
    except ValueError as error:
        raise ScenarioError(f"{origin}: {error}", remedy="see --set") from error
    return _validated(Marked(value, marked.lines), origin)


def checked(document: Mapping[str, Any], origin: str) -> Scenario:
    """Check a scenario that a program has written, by the rules for files.

    Raises:
        ScenarioError: see `load`; it names no line.
    """
    return _validated(Marked(document, {}), origin)


def _validated(marked: Marked, origin: str) -> Scenario:
    try:
        scenario = Scenario.model_validate(marked.value)
    except ValidationError as error:
        raise _refused(explain(error, marked), origin) from error
    for fault in (*misnamed(scenario, marked), *powerless(scenario, marked)):
        raise _refused(fault, origin)
    return scenario


def _refused(fault: Fault, origin: str) -> ScenarioError:
    return ScenarioError(f"{origin}:{fault.line}: {fault.message}", remedy=fault.remedy)


def _parsed(text: str, origin: str, remedy: str) -> Marked:
    try:
        marked = parse(text)
    except YamlError as error:
        raise ScenarioError(
            f"{origin}:{error.line}: {error.message}",
            remedy=error.remedy or "correct the YAML there",
        ) from error
    if not isinstance(marked.value, dict):
        raise ScenarioError(
            f"{origin}:{marked.line(())}: no scenario: it has no keys", remedy=remedy
        )
    return marked


def _expanded(value: Any) -> Any:
    """Split comma-free shorthand: `covers: R24` and `changes: doomed` are lists of one."""
    if isinstance(value, dict):
        return {
            key: [item] if key in {"covers", "changes"} and isinstance(item, str) else item
            for key, item in ((key, _expanded(item)) for key, item in value.items())
        }
    if isinstance(value, list):
        return [_expanded(item) for item in value]
    return value
