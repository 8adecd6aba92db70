"""Planted bugs: small named errors, each as data, and a copy of the project that has one.

A test that never fails proves nothing. Each bug in `tests/planted/*.yaml` says which lines of
`docs/requirements.md` it violates, which text of which file becomes which other text, and
which tests must then fail. `tools.trial` really tries them. Those with `scenarios` must also
be noticed by drills, which `tools.mutants` tries.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

FOLDER = "tests/planted"
MODULE = "redundancy"
PACKAGES = (MODULE, "emulator", "scenarios")
NUMBER = r"[RDTOVIFBCM]\d+"


class PlantedError(Exception):
    """The catalogue does not fit itself or the code; the message says where and why."""


class Bug(BaseModel):
    """One planted bug.

    Attributes:
        id: unique among all.
        title: what the product then does wrong.
        violates: numbers of `docs/requirements.md`, and of situations.
        file: below the checkout, in one of the packages.
        find: text that stands in it exactly once.
        replace: what stands there instead.
        caught_by: the tests that must fail, `tests/…/test_x.py::test_y`.
        scenarios: the drills that must notice it, and the invariants that each must find broken.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str = Field(pattern=r"[a-z0-9]+(-[a-z0-9]+)*")
    title: str = Field(min_length=10)
    violates: tuple[str, ...] = Field(min_length=1)
    file: str = Field(pattern=rf"({'|'.join(PACKAGES)})/.+")
    find: str = Field(min_length=1)
    replace: str
    caught_by: tuple[str, ...] = Field(alias="caught by", min_length=1)
    scenarios: Mapping[str, Annotated[tuple[str, ...], Field(min_length=1)]] = {}

    @property
    def of_module(self) -> bool:
        """Whether it can be planted into a build of the module, as `run --engine` takes one."""
        return self.file.startswith(f"{MODULE}/")


def catalogue(root: Path) -> list[Bug]:
    """Read every planted bug of a checkout.

    Raises:
        PlantedError: a file is not a list of bugs, or two bugs have one name.
    """
    found: dict[str, Bug] = {}
    for path in sorted((root / FOLDER).glob("*.yaml")):
        for bug in _read(path):
            if bug.id in found:
                raise PlantedError(f"{path.name}: there are two bugs {bug.id}")
            found[bug.id] = bug
    return list(found.values())


def _read(path: Path) -> Iterator[Bug]:
    try:
        rows = yaml.safe_load(path.read_text("utf-8"))
    except yaml.YAMLError as error:
        raise PlantedError(f"{path.name}: not YAML: {error}") from error
    if not isinstance(rows, list):
        raise PlantedError(f"{path.name}: must be a list of bugs")
    for place, row in enumerate(rows, start=1):
        try:
            yield Bug.model_validate(row)
        except ValidationError as error:
            name = row.get("id", f"bug {place}") if isinstance(row, dict) else f"bug {place}"
            raise PlantedError(f"{path.name}: {name}: {error}") from error


def misfits(
    root: Path, bugs: Sequence[Bug], covering: Mapping[str, Sequence[str]]
) -> Iterator[str]:
    """Say of each bug what keeps it from proving anything; without running it.

    Args:
        root: the checkout.
        bugs: of the catalogue.
        covering: for each number, the tests that cite it.
    """
    for bug in bugs:
        if bug.find == bug.replace:
            yield f"{bug.id}: changes nothing"
        try:
            _changed(bug, root)
        except PlantedError as error:
            yield str(error)
        for number in bug.violates:
            if not re.fullmatch(NUMBER, number):
                yield f"{bug.id}: {number} is no number of a requirement or a situation"
            elif not set(bug.caught_by) & set(covering.get(number, ())):
                yield f"{bug.id}: none of its tests cites {number}"
        yield from _unknown(bug, root)
        known = {one for places in covering.values() for one in places}
        for test in bug.caught_by:
            if test not in known:
                yield f"{bug.id}: {test} cites nothing, or there is no such test"


def _unknown(bug: Bug, root: Path) -> Iterator[str]:
    """Say which scenarios and invariants of a bug there are not."""
    for scenario, invariants in bug.scenarios.items():
        if not list((root / "scenarios" / "library").glob(f"*/{scenario}.yaml")):
            yield f"{bug.id}: there is no scenario {scenario}"
        for one in invariants:
            if not (root / "scenarios" / "checkers" / f"{one.replace('-', '_')}.py").is_file():
                yield f"{bug.id}: there is no invariant {one}"


def plant(bug: Bug, root: Path, into: Path, folders: Sequence[str]) -> None:
    """Make a copy of parts of a checkout that has this bug.

    Args:
        bug: to plant; its file must lie in one of the folders.
        root: the checkout, which stays as it is.
        into: where the copies of the folders are made.
        folders: `redundancy` alone makes a build of the module.

    Raises:
        PlantedError: the text to replace does not stand in the file exactly once.
    """
    changed = _changed(bug, root)
    copy(root, into, folders)
    (into / bug.file).write_text(changed, "utf-8")
    for compiled in (into / bug.file).parent.glob(f"__pycache__/{Path(bug.file).stem}.*"):
        compiled.unlink()


def copy(root: Path, into: Path, names: Sequence[str]) -> None:
    """Copy folders and files of a checkout, what is compiled included: that saves its time."""
    for name in names:
        if (root / name).is_dir():
            shutil.copytree(root / name, into / name)
        else:
            shutil.copy2(root / name, into / name)


def _changed(bug: Bug, root: Path) -> str:
    path = root / bug.file
    if not path.is_file():
        raise PlantedError(f"{bug.id}: there is no file {bug.file}")
    text = path.read_text("utf-8")
    count = text.count(bug.find)
    if count != 1:
        raise PlantedError(
            f"{bug.id}: its text stands {count} times in {bug.file}, must be once: {bug.find!r}"
        )
    return text.replace(bug.find, bug.replace)
