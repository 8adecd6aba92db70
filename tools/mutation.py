"""The mutation check of the pure machines: `make mutation`.

mutmut changes one thing at a time in them (its settings stand in `pyproject.toml`) and runs
their tests. At least `KILLED_MIN` of the mutants must be noticed; each that survives is
explained in `tests/mutation/survivors.yaml`, by its function and the lines that change. Exit
status 1 when too many survive or when one is not explained. An explanation that fits none is
noted only: on a slow machine a mutant that survives elsewhere may run out of time.
"""

from __future__ import annotations

import ast
import difflib
import json
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from tools.planted import copy
from tools.trial import COPIED, WORKERS

KILLED_MIN = 0.9
EXPLAINED = "tests/mutation/survivors.yaml"
SURVIVED = 0  # of mutmut's codes
UNTESTED = (None, 2, 5, 33, 34)  # not run, interrupted, no tests, skipped; others: noticed
MARK = "__mutmut_"


@dataclass(frozen=True)
class Mutant:
    """One change of one function.

    Attributes:
        module: in which it is.
        function: its name, with its class if it has one.
        change: the lines that differ, `- was` and `+ is`.
        killed: whether a test noticed it.
    """

    module: str
    function: str
    change: str
    killed: bool

    @property
    def place(self) -> tuple[str, str]:
        """What it is known by in the explanations."""
        return f"{self.module}.{self.function}", self.change


def run(root: Path) -> list[Mutant]:
    """Make all mutants in a copy of a checkout, and run their tests.

    Raises:
        RuntimeError: mutmut could not; the message holds its last lines.
    """
    with tempfile.TemporaryDirectory(prefix="mutation-") as name:
        folder = Path(name).resolve()
        copy(root, folder, COPIED)
        argv = [sys.executable, "-m", "mutmut", "run", "--max-children", str(WORKERS)]
        done = subprocess.run(
            argv, cwd=folder, check=False, text=True, stdout=subprocess.PIPE, stderr=sys.stderr
        )
        found = list(_mutants(folder / "mutants"))
        if done.returncode or not found:
            raise RuntimeError(f"mutmut ended with {done.returncode}:\n{done.stdout[-2000:]}")
        return found


def _mutants(folder: Path) -> Iterator[Mutant]:
    for meta in sorted(folder.rglob("*.py.meta")):
        codes = json.loads(meta.read_text("utf-8"))["exit_code_by_key"]
        source = meta.with_suffix("").read_text("utf-8")
        functions = {
            one.name: one for one in ast.walk(ast.parse(source)) if isinstance(one, ast.FunctionDef)
        }
        for key, code in codes.items():
            yield mutant(key, code, functions)


def mutant(key: str, code: int | None, functions: Mapping[str, ast.FunctionDef]) -> Mutant:
    """Return one mutant by mutmut's name of it, and by the functions of the mutated file."""
    module, _, mangled = key.rpartition(".")
    base = mangled.rpartition(MARK)[0]
    was = _body(functions[f"{base}{MARK}orig"])
    lines = difflib.unified_diff(was, _body(functions[mangled]), lineterm="", n=0)
    change = "\n".join(
        f"{one[0]} {one[1:].strip()}"
        for one in lines
        if one[:1] in "+-" and not one.startswith(("+++", "---"))
    )
    survived = code == SURVIVED or code in UNTESTED
    return Mutant(module, _readable(base), change, killed=not survived)


def _body(function: ast.FunctionDef) -> list[str]:
    return ast.unparse(function).splitlines()[1:]


def _readable(mangled: str) -> str:
    """Turn `x__start` into `_start`, and `xǁScheduleǁslot` into `Schedule.slot`."""
    if mangled.startswith("xǁ"):
        return mangled[2:].replace("ǁ", ".")
    return mangled.removeprefix("x_")


def explanations(path: Path) -> dict[tuple[str, str], str]:
    """Read why mutants survive, by function and change."""
    rows = yaml.safe_load(path.read_text("utf-8")) or []
    return {(row["function"], row["change"].strip()): row["why"] for row in rows}


def verdict(mutants: Sequence[Mutant], explained: Mapping[tuple[str, str], str]) -> list[str]:
    """Return what is wrong: too many survivors, and those that nobody explained."""
    wrong = [
        f"survives without an explanation: {function}\n{change}"
        for function, change in sorted(_survivors(mutants) - set(explained))
    ]
    rate = sum(one.killed for one in mutants) / len(mutants)
    if rate < KILLED_MIN:
        wrong.append(f"{rate:.1%} are noticed, at least {KILLED_MIN:.0%} must be")
    return wrong


def stale(mutants: Sequence[Mutant], explained: Mapping[tuple[str, str], str]) -> list[str]:
    """Return which explanations fit no mutant that survives."""
    return [
        f"note: explained, but no such mutant survives: {function}\n{change}"
        for function, change in sorted(set(explained) - _survivors(mutants))
    ]


def _survivors(mutants: Sequence[Mutant]) -> set[tuple[str, str]]:
    return {one.place for one in mutants if not one.killed}


def table(mutants: Sequence[Mutant]) -> list[str]:
    """Return, for each module, how many mutants there are and how many were noticed."""
    made, killed = Counter(one.module for one in mutants), Counter[str]()
    killed.update(one.module for one in mutants if one.killed)
    lines = [f"{'module':<32} {'mutants':>8} {'noticed':>8}"]
    for name, count in sorted(made.items()):
        lines.append(f"{name:<32} {count:>8} {killed[name] / count:>8.1%}")
    total = len(mutants)
    return [*lines, f"{'all':<32} {total:>8} {killed.total() / total:>8.1%}"]


def main(root: Path, make: Callable[[Path], list[Mutant]]) -> int:
    """Run the check and print its table; the exit status.

    Args:
        root: of the checkout.
        make: makes the mutants of a checkout and runs their tests; raises RuntimeError.
    """
    try:
        mutants = make(root)
    except RuntimeError as error:
        sys.stdout.write(f"{error}\n")
        return 1
    explained = explanations(root / EXPLAINED)
    wrong, notes = verdict(mutants, explained), stale(mutants, explained)
    count = len(_survivors(mutants) & set(explained))
    end = f"survivors with an explanation: {count} ({EXPLAINED})"
    sys.stdout.write("\n".join([*table(mutants), "", *notes, *wrong, end]) + "\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(Path(__file__).resolve().parent.parent, run))
