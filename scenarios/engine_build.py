"""Another build of the module, as `run --engine` gives it to the appliances.

The package is copied before the first lab is made, so that one run tests one state of it, and
only the package: whatever else lies beside it is never imported.
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from scenarios.record import EngineBuild

PACKAGE = "redundancy"
_ENTRY = "module.py"  # what the appliances' module host loads


class NoEngine(Exception):  # noqa: N818 - says what is wrong with the path
    """A path holds no build of the module (exit code 2)."""


@dataclass(frozen=True)
class StagedEngine:
    """A copy of a build.

    Attributes:
        folder: holds the package and nothing else.
        build: where it comes from and its hash, for the plan.
    """

    folder: Path
    build: EngineBuild


@contextmanager
def staged(path: Path) -> Iterator[StagedEngine]:
    """Copy the build at a path: a checkout that has the package, or the package itself.

    Raises:
        NoEngine: there is none.
    """
    package = path if (path / _ENTRY).is_file() else path / PACKAGE
    if not (package / _ENTRY).is_file() or not (package / "__init__.py").is_file():
        raise NoEngine(
            f"{path}: no package `{PACKAGE}` with {_ENTRY} is there; name the folder that holds it"
        )
    with tempfile.TemporaryDirectory(prefix="standby-lab-engine-") as place:
        copy = Path(place) / PACKAGE
        shutil.copytree(package, copy, ignore=shutil.ignore_patterns("__pycache__"))
        build = EngineBuild(path=str(path.resolve()), sha256=_hash(copy))
        yield StagedEngine(Path(place), build)


def _hash(folder: Path) -> str:
    """Return one SHA-256 over all names and contents."""
    digest = hashlib.sha256()
    for file in sorted(one for one in folder.rglob("*") if one.is_file()):
        content = file.read_bytes()
        digest.update(f"{file.relative_to(folder)}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()
