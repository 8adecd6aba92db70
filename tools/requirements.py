"""Which test or scenario covers which requirement: `make requirements`.

The list stands in `docs/requirements.md`. A test cites numbers with the marker
`covers("R24", …)`, a scenario in its line `covers: […]`. Each observable line also needs a
planted bug (`tools.planted`) that violates it and that a test citing it notices; all of them
are really tried. Exit status 1 when something lacks, when a number is cited that the list
does not know, or when a bug goes unnoticed.
"""

from __future__ import annotations

import argparse
import ast
import re
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tools.planted import Bug, PlantedError, catalogue, misfits
from tools.trial import few, sound, trials

Judge = Callable[[Path, Sequence[Bug]], list[str]]

LINE = re.compile(r"- ([RD]\d+) (.+)")
SITUATION = re.compile(r"[TOVIFBCM]\d+")
COVERS = re.compile(r"^covers: \[(.*?)\]", re.MULTILINE | re.DOTALL)
SHOWN = 4  # citations a line; the rest is counted


@dataclass(frozen=True)
class Requirement:
    """One line of the list.

    Attributes:
        prose: nothing that a test could observe.
    """

    number: str
    text: str
    prose: bool


@dataclass(frozen=True)
class Citation:
    """A test or a scenario that cites a number."""

    number: str
    place: str


def requirements(text: str) -> list[Requirement]:
    """Read the list, in the order of its numbers."""
    found = []
    prose = False
    for line in text.splitlines():
        if line.startswith("## "):
            prose = line == "## Prose"
        elif match := LINE.fullmatch(line):
            found.append(Requirement(match[1], match[2], prose))
    return sorted(found, key=lambda one: (one.number[0] != "R", int(one.number[1:])))


def citations(root: Path) -> Iterator[Citation]:
    """Read every test and scenario below a checkout."""
    for path in sorted((root / "tests").rglob("test_*.py")):
        place = path.relative_to(root).as_posix()
        yield from _of_tests(path.read_text("utf-8"), place)
    for path in sorted((root / "scenarios" / "library").rglob("*.yaml")):
        for match in COVERS.finditer(path.read_text("utf-8")):
            for number in re.split(r"[,\s]+", match[1].strip(" ,\n")):
                yield Citation(number, f"scenario {path.stem}")


def _of_tests(source: str, place: str) -> Iterator[Citation]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef):
            for decorator in node.decorator_list:
                for number in _numbers(decorator):
                    yield Citation(number, f"{place}::{node.name}")


def _numbers(decorator: ast.expr) -> list[str]:
    """Return what a decorator `pytest.mark.covers(…)` names."""
    if not isinstance(decorator, ast.Call) or ast.unparse(decorator.func) != "pytest.mark.covers":
        return []
    return [str(one.value) for one in decorator.args if isinstance(one, ast.Constant)]


def report(
    listed: Sequence[Requirement],
    cited: Mapping[str, Sequence[str]],
    planted: Mapping[str, Sequence[Bug]],
) -> list[str]:
    """Return the lines to print: each observable one with its tests and bugs, then prose."""
    lines = []
    for one in listed:
        if one.prose:
            continue
        places = cited.get(one.number, ())
        lines.append(f"{one.number:>4}  {one.text}")
        lines += [f"        {place}" for place in places[:SHOWN]]
        if len(places) > SHOWN:
            lines.append(f"        and {len(places) - SHOWN} more")
        lines += [f"        bug {bug.id}: {bug.title}" for bug in planted.get(one.number, ())]
        if not places:
            lines.append("        GAP: no test and no scenario cites it")
        if one.number not in planted:
            lines.append("        GAP: no planted bug shows that a test can fail")
    lines += ["", "Prose, which nothing can observe:"]
    return lines + [f"{one.number:>4}  {one.text}" for one in listed if one.prose]


def main(root: Path, judge: Judge) -> int:
    """Print the table for a checkout; the exit status.

    Args:
        root: of the checkout.
        judge: tries planted bugs, and returns what went wrong with them.
    """
    listed = requirements((root / "docs" / "requirements.md").read_text("utf-8"))
    cited: dict[str, list[str]] = defaultdict(list)
    for one in citations(root):
        cited[one.number].append(one.place)
    try:
        bugs = catalogue(root)
    except PlantedError as error:
        sys.stdout.write(f"{error}\n")
        return 1
    wrong = [*_unknown(listed, cited), *misfits(root, bugs, cited)]
    wrong += judge(root, bugs) if not wrong else ["no bug was tried"]
    planted: dict[str, list[Bug]] = defaultdict(list)
    for bug in bugs:
        for number in bug.violates:
            planted[number].append(bug)
    needed = [one.number for one in listed if not one.prose]
    gaps = [one for one in needed if one not in cited or one not in planted]
    end = (
        f"{len(needed) - len(gaps)} covered, {len(gaps)} gaps: {', '.join(gaps) or 'none'}; "
        f"{len(bugs)} planted bugs"
    )
    sys.stdout.write("\n".join([*report(listed, cited, planted), "", *wrong, end]) + "\n")
    return 1 if gaps or wrong else 0


def _unknown(listed: Sequence[Requirement], cited: Mapping[str, Sequence[str]]) -> Iterator[str]:
    known = {one.number for one in listed}
    for number, places in cited.items():
        if number not in known and not SITUATION.fullmatch(number):
            for place in places:
                yield f"{place} cites {number}, which the list does not know"


def caught(root: Path, bugs: Sequence[Bug]) -> list[str]:
    """Try planted bugs; what no cited test noticed, and which tests fail without a bug."""
    tests = sorted({one for bug in bugs for one in bug.caught_by})
    for one in sound(root, tests):
        if one.trouble:
            return [one.trouble]
        if one.failed:
            return [f"fails without any bug, and so catches none: {', '.join(sorted(one.failed))}"]
    found = trials(root, bugs)
    return [said for bug in bugs if (said := found[bug.id].unnoticed(bug))]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="which test and which bug prove a requirement")
    parser.add_argument(
        "--few", type=int, metavar="N", help="try only N planted bugs, others after each change"
    )
    return parser.parse_args()


def _judge(number: int | None) -> Judge:
    if number is None:
        return caught
    return lambda root, bugs: caught(root, few(bugs, number, root))


if __name__ == "__main__":
    sys.exit(main(Path(__file__).resolve().parent.parent, _judge(_arguments().few)))
