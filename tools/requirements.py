"""Which test or scenario covers which requirement: `make requirements`.

The list stands in `docs/requirements.md`. A test cites numbers with the marker
`covers("R24", …)`, a scenario in its line `covers: […]`. Nothing is executed: the sources
are read. Exit status 1 when an observable line is covered by nobody, or a number is cited
that the list does not know.
"""

from __future__ import annotations

import ast
import re
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

LINE = re.compile(r"- ([RD]\d+) (.+)")
LISTED = re.compile(r"[RD]\d+")
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


def report(listed: Sequence[Requirement], cited: Mapping[str, Sequence[str]]) -> list[str]:
    """Return the lines to print: covered and uncovered ones, then prose."""
    lines = []
    for one in listed:
        if one.prose:
            continue
        places = cited.get(one.number, ())
        lines.append(f"{one.number:>4}  {one.text}")
        lines += [f"        {place}" for place in places[:SHOWN]]
        if len(places) > SHOWN:
            lines.append(f"        and {len(places) - SHOWN} more")
        if not places:
            lines.append("        GAP: no test and no scenario cites it")
    lines += ["", "Prose, which nothing can observe:"]
    return lines + [f"{one.number:>4}  {one.text}" for one in listed if one.prose]


def main(root: Path) -> int:
    """Print the table for a checkout; the exit status."""
    listed = requirements((root / "docs" / "requirements.md").read_text("utf-8"))
    known = {one.number for one in listed}
    cited: dict[str, list[str]] = defaultdict(list)
    unknown = []
    for one in citations(root):
        if one.number in known:
            cited[one.number].append(one.place)
        elif LISTED.fullmatch(one.number) or not SITUATION.fullmatch(one.number):
            unknown.append(f"{one.place} cites {one.number}, which the list does not know")
    gaps = [one.number for one in listed if not one.prose and one.number not in cited]
    covered = len(known) - len(gaps) - sum(one.prose for one in listed)
    end = f"{covered} covered, {len(gaps)} gaps: {', '.join(gaps) or 'none'}"
    sys.stdout.write("\n".join([*report(listed, cited), "", *unknown, end]) + "\n")
    return 1 if gaps or unknown else 0


if __name__ == "__main__":
    sys.exit(main(Path(__file__).resolve().parent.parent))
