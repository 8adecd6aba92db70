"""Finds and reads scenario files; an error names file, line, cause and remedy."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, get_args

from pydantic import ValidationError

from scenarios.marks import Marked, YamlError, parse
from scenarios.models import Expectation, Scenario, Step

_ABSENT = {"missing", "too_short"}
LIBRARY = Path(__file__).parent / "library"


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
    if path.suffix in {".yaml", ".yml"} or "/" in name:
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


def load(path: Path) -> Scenario:
    """Read a scenario file.

    Raises:
        ScenarioError: it cannot be read, is not YAML, or says what the language does not.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ScenarioError(f"{path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ScenarioError(f"{path}: not UTF-8 text", remedy="save it as UTF-8") from error
    scenario = read(text, str(path))
    if path.is_relative_to(LIBRARY) and scenario.id != path.stem:
        raise ScenarioError(
            f"{path}: the id is `{scenario.id}`", remedy="file name and id must be the same"
        )
    return scenario


def read(text: str, origin: str) -> Scenario:
    """Read a scenario from text; `origin` stands in errors.

    Raises:
        ScenarioError: see `load`.
    """
    try:
        marked = parse(text)
    except YamlError as error:
        raise ScenarioError(
            f"{origin}:{error.line}: {error.message}", remedy="correct the YAML there"
        ) from error
    if not isinstance(marked.value, dict):
        raise ScenarioError(
            f"{origin}:{marked.line(())}: no scenario: it has no keys",
            remedy="begin with `id:`, `title:`, `covers:`, `steps:`, as those of the library do",
        )
    marked = Marked(_expanded(marked.value), marked.lines)
    try:
        scenario = Scenario.model_validate(marked.value)
    except ValidationError as error:
        raise _explain(error, marked, origin) from error
    _check_names(scenario, marked, origin)
    return scenario


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


def _explain(error: ValidationError, marked: Marked, origin: str) -> ScenarioError:
    """Turn the first fault into one line with its place; what is wrong before what is missing."""
    faults = error.errors(include_url=False)
    first = min(faults, key=lambda one: (one["type"] in _ABSENT, marked.line(one["loc"])))
    location = first["loc"]
    line = marked.line(location)
    where = ".".join(_readable(location, marked))
    kind, message = first["type"], first["msg"].removeprefix("Value error, ")
    remedy = ""
    if kind == "union_tag_not_found":
        message = "one verb is needed here, and only one"
    elif kind == "union_tag_invalid":
        tag = str(first["ctx"]["tag"])
        message = f"`{tag}` is no verb of the language"
        remedy = _closest(tag, _tags(location))
    elif kind == "extra_forbidden":
        message = f"`{location[-1]}` is not known here"
        remedy = _closest(str(location[-1]), _keys())
    elif kind == "missing":
        message = f"`{location[-1]}` is missing"
        remedy = f"add `{location[-1]}:`"
    elif kind == "too_short":
        message = f"`{location[-1]}` is empty"
    elif kind == "literal_error":
        message = f"must be {first['ctx']['expected']}".replace("'", "`")
    elif kind == "string_pattern_mismatch":
        message = f"`{first['input']}` does not look like one ({first['ctx']['pattern']})"
    if not remedy:
        remedy = f"see the field `{where}`" if where else ""
    return ScenarioError(f"{origin}:{line}: {where}: {message}", remedy=remedy)


def _readable(location: Sequence[str | int], marked: Marked) -> list[str]:
    """Leave out what pydantic adds to a location and the document does not have."""
    kept: list[str] = []
    here: tuple[str | int, ...] = ()
    for index, step in enumerate(location):
        inside = (*here, step) in marked.lines
        if inside:
            here = (*here, step)
        added = index == len(location) - 1 and (not kept or kept[-1] != step)
        if inside or added:
            kept.append(str(step + 1) if isinstance(step, int) else step)
    return kept


def _tags(location: Sequence[str | int]) -> list[str]:
    union = Expectation if location[:1] == ("expect",) else Step
    members = get_args(get_args(union)[0])
    return [tag.tag for member in members for tag in get_args(member)[1:]]


def _keys() -> list[str]:
    """Return every key of the language."""
    schema = Scenario.model_json_schema()
    models = [schema, *schema["$defs"].values()]
    return sorted({key for model in models for key in model["properties"]})


def _closest(word: str, known: Sequence[str]) -> str:
    close = difflib.get_close_matches(word, known, n=1, cutoff=0.5)
    if close:
        return f"did you mean `{close[0]}`?"
    return f"known here: {', '.join(known)}"


def _check_names(scenario: Scenario, marked: Marked, origin: str) -> None:
    """Refuse changes named twice, and expectations that speak of changes nobody makes."""
    made: set[str] = set()
    for index, step in enumerate(scenario.steps):
        name = getattr(getattr(step, "change", None), "as_", None)
        if name in made:
            line = marked.line(("steps", index, "change", "as"))
            raise ScenarioError(
                f"{origin}:{line}: two changes are named `{name}`", remedy="rename one"
            )
        if name is not None:
            made.add(name)
    for index, expectation in enumerate(scenario.expect):
        spec = getattr(expectation, "present", None) or getattr(expectation, "lost", None)
        for name in () if spec is None else spec.changes:
            if name not in made:
                line = marked.line(("expect", index))
                raise ScenarioError(
                    f"{origin}:{line}: no step makes the change `{name}`",
                    remedy=_closest(name, sorted(made)),
                )
