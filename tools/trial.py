"""Trying planted bugs: each in a copy of the project, in a process of its own.

Processes are forked from one that has the outside packages loaded already: most of a short
test's time would go there. Nothing of the project itself is loaded before the fork.
"""

from __future__ import annotations

import contextlib
import io
import multiprocessing
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import pytest
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from tools import rotation
from tools.planted import PACKAGES, Bug, copy, plant

WORKERS = 2
LIMIT_S = 60  # a bug that makes a test hang is noticed by that
COPIED = (*PACKAGES, "tests", "tools", "docs", "README.md", "Makefile", "pyproject.toml")
PRELOADED = [
    "pytest", "_pytest.pytester", "hypothesis", "pydantic", "yaml", "paramiko", "flask",
    "waitress", "httpx", "docker", "greenlet", "rich.progress", "click", "dateutil.relativedelta",
    "cryptography.hazmat.primitives.ciphers.aead", "aiosmtpd.controller",
]  # fmt: skip


@dataclass(frozen=True)
class Trial:
    """What became of one bug.

    Attributes:
        failed, passed: its cited tests by how they ended.
        trouble: why nothing can be said, "" if something can.
    """

    failed: frozenset[str] = frozenset()
    passed: frozenset[str] = frozenset()
    trouble: str = ""

    def unnoticed(self, bug: Bug) -> str:
        """Return why the bug does not count as caught; "" if every cited test failed."""
        if self.trouble:
            return f"{bug.id}: {self.trouble}"
        missed = [one for one in bug.caught_by if one not in self.failed]
        return f"{bug.id} is not noticed by {', '.join(missed)}" if missed else ""


class _Outcomes:
    """A pytest plugin that remembers which tests failed."""

    def __init__(self) -> None:
        self.failed: set[str] = set()
        self.ran: set[str] = set()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note one phase of one case; the cases of a function count together."""
        test = report.nodeid.partition("[")[0]
        if report.when == "call" or report.failed:
            self.ran.add(test)
        if report.failed:
            self.failed.add(test)


def few(bugs: Sequence[Bug], number: int, root: Path) -> list[Bug]:
    """Return some of the bugs: others, as soon as anything in the packages changed."""
    chosen = {name: place for place, name in enumerate(rotation.few(_ids(bugs), number, root))}
    return sorted((one for one in bugs if one.id in chosen), key=lambda one: chosen[one.id])


def _ids(bugs: Sequence[Bug]) -> list[str]:
    return [one.id for one in bugs]


def trials(root: Path, bugs: Sequence[Bug]) -> dict[str, Trial]:
    """Try each bug; tells how far it is. Returns what became of each, by its name."""
    with progress(Console(stderr=True), "planted bugs", len(bugs)) as tell, _pool() as pool:
        futures = {pool.submit(attempt, root, bug): bug for bug in bugs}
        found = {}
        for done in as_completed(futures):
            bug = futures[done]
            error = done.exception()
            found[bug.id] = Trial(trouble=f"the trial broke: {error!r}") if error else done.result()
            tell(bug.id)
    return found


def sound(root: Path, tests: Sequence[str]) -> list[Trial]:
    """Run tests in copies without a bug: what fails there can catch nothing."""
    Console(stderr=True).out(f"first, {len(tests)} tests without a bug …", highlight=False)
    shares = [share for one in range(WORKERS) if (share := tests[one::WORKERS])]
    with _pool() as pool:
        return list(pool.map(rehearse, [root] * len(shares), shares))


def rehearse(root: Path, tests: Sequence[str]) -> Trial:
    """Run tests in a copy without a bug; in a process that ends afterwards."""
    with copies() as folder:
        copy(root, folder, COPIED)
        return examine(root, folder, tests)


def attempt(root: Path, bug: Bug) -> Trial:
    """Plant a bug in a copy and run its tests there; in a process that ends afterwards."""
    with copies() as folder:
        rest = [one for one in COPIED if one not in PACKAGES]
        plant(bug, root, folder, PACKAGES)
        copy(root, folder, rest)
        return examine(root, folder, bug.caught_by)


def examine(root: Path, folder: Path, tests: Sequence[str]) -> Trial:
    """Run tests in a copy of a checkout, in this process."""
    os.chdir(folder)
    sys.path[:] = [str(folder), *(one for one in sys.path if one not in ("", str(root)))]
    outcomes, said = _Outcomes(), io.StringIO()
    options = ("-q", "--tb=line", "-p", "no:cacheprovider", "-o", f"timeout={LIMIT_S}")
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        status = pytest.main([*options, *tests], plugins=[outcomes])
    if status not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
        return Trial(trouble=f"pytest could not run its tests:\n{said.getvalue()[-2000:]}")
    for name in PACKAGES:
        origin = getattr(sys.modules.get(name), "__file__", None)
        if origin is not None and not Path(origin).is_relative_to(folder):
            return Trial(trouble=f"the tests did not run the copy but {origin}")
    return Trial(frozenset(outcomes.failed), frozenset(outcomes.ran - outcomes.failed))


def _pool() -> ProcessPoolExecutor:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOADED)
    return ProcessPoolExecutor(WORKERS, mp_context=context, max_tasks_per_child=1)


@contextlib.contextmanager
def copies() -> Iterator[Path]:
    """Yield an empty folder for the copies of one bug, and remove it."""
    with tempfile.TemporaryDirectory(prefix="planted-") as name:
        yield Path(name).resolve()


@contextlib.contextmanager
def progress(console: Console, what: str, total: int) -> Iterator[Callable[[str], None]]:
    """Yield what tells that one more was tried: a bar on a terminal, lines elsewhere."""
    if not console.is_terminal:
        tried = count(1)
        yield lambda name: console.out(f"{what}: {next(tried)}/{total} {name}", highlight=False)
        return
    columns = (TextColumn("{task.description:32}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(what, total=total)
        yield lambda name: bar.update(task, advance=1, description=name)
