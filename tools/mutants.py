"""Planted bugs handed to drills: `make mutants`.

A checker that never fails proves nothing. A bug of the module is planted into a build of it,
which the drills get by `standby-lab run --engine`, as a maintainer of the real one would try
theirs. One of the emulated appliance is planted into a copy of the whole project, whose own
drills run then. Exit status 1 when a drill does not find broken what the bug says it must.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console

from tools import rotation
from tools.planted import MODULE, PACKAGES, Bug, PlantedError, catalogue, plant
from tools.trial import WORKERS, copies, progress

LIMIT_S = 120  # a bug that makes a drill hang is told by that
COMMAND = "from scenarios.cli import main; main()"  # of the folder in which it runs
WIDTH = 150  # of the table


@dataclass(frozen=True)
class Drilled:
    """What drills said of one build.

    Attributes:
        broken: for each scenario the invariants that failed, and the first evidence of each.
        trouble: why nothing can be said, "" if something can.
    """

    broken: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    trouble: str = ""

    def unnoticed(self, bug: Bug) -> Iterator[str]:
        """Yield why the bug survives: each drill that did not find broken what it must."""
        if self.trouble:
            yield f"{bug.id}: {self.trouble}"
            return
        for scenario, invariants in bug.scenarios.items():
            missed = [one for one in invariants if one not in self.broken[scenario]]
            if missed:
                yield f"{bug.id} survives {scenario}: {', '.join(missed)} did not fail"


def drill(root: Path, bug: Bug) -> Drilled:
    """Plant a bug and run its scenarios on the simulated lab."""
    with copies() as folder:
        if bug.of_module:
            plant(bug, root, folder, [MODULE])
            return run(root, list(bug.scenarios), folder / "runs", ["--engine", str(folder)])
        plant(bug, root, folder, PACKAGES)
        return run(folder, list(bug.scenarios), folder / "runs", [])


def run(checkout: Path, scenarios: Sequence[str], runs: Path, options: Sequence[str]) -> Drilled:
    """Run scenarios by the command line of a checkout.

    Args:
        checkout: whose packages run.
        scenarios: of its library.
        runs: where the evidence goes.
        options: more of them.
    """
    wish = ["--backend", "sim", "--format", "json", "--runs", str(runs), *options]
    argv = [sys.executable, "-c", COMMAND, "run", *scenarios, *wish]
    pipe = subprocess.PIPE
    with subprocess.Popen(argv, cwd=checkout, text=True, stdout=pipe, stderr=pipe) as process:
        try:
            said, trouble = process.communicate(timeout=LIMIT_S)
        except subprocess.TimeoutExpired:
            process.terminate()  # it removes its lab, and its worker, before it ends
            process.communicate()
            return Drilled(trouble=f"its drills had not ended after {LIMIT_S} s")
    if not said:
        return Drilled(trouble=f"its drills could not be run: {trouble.strip()[-500:]}")
    rows = {row["scenario"]: row for row in json.loads(said)}
    lost = [one for one in scenarios if "run" not in rows.get(one, {})]
    if lost:
        return Drilled(trouble=f"{', '.join(lost)} broke: {trouble.strip()[-500:]}")
    return Drilled({one: _broken(Path(rows[one]["run"])) for one in scenarios})


def _broken(folder: Path) -> Mapping[str, str]:
    judgements = json.loads((folder / "summary.json").read_text("utf-8"))["judgements"]
    return {
        name: one["evidence"][0]
        for name, one in judgements.items()
        if one["verdict"] == "failed" and one["evidence"]
    }


def drills(root: Path, bugs: Sequence[Bug]) -> dict[str, Drilled]:
    """Hand each bug to its drills; tells how far it is. Returns what became of each, by name."""
    found = {}
    with (
        progress(Console(stderr=True), "mutants", len(bugs)) as tell,
        ThreadPoolExecutor(WORKERS) as pool,
    ):
        futures = {pool.submit(drill, root, bug): bug for bug in bugs}
        for done in as_completed(futures):
            bug = futures[done]
            error = done.exception()  # of one trial; the others go on
            found[bug.id] = (
                Drilled(trouble=f"the trial broke: {error!r}") if error else done.result()
            )
            tell(bug.id)
    return found


def unsound(root: Path, bugs: Sequence[Bug]) -> Iterator[str]:
    """Yield what fails without any bug, in a build that equals the project's: it catches none."""
    scenarios = sorted({name for bug in bugs for name in bug.scenarios})
    shares = [share for one in range(WORKERS) if (share := scenarios[one::WORKERS])]
    with copies() as folder, ThreadPoolExecutor(WORKERS) as pool:
        build = ["--engine", str(root)]
        for done in pool.map(lambda one: run(root, one, folder / one[0], build), shares):
            if done.trouble:
                yield f"without any bug: {done.trouble}"
            for scenario, broken in done.broken.items():
                if broken:
                    yield f"{scenario} fails without any bug: {', '.join(broken)}"


def table(bugs: Sequence[Bug], found: Mapping[str, Drilled]) -> Iterator[str]:
    """Yield the lines that show, for each bug, which drill notices it, by what."""
    wide = max(len(one.id) for one in bugs) + 2
    deep = max(len(name) for one in bugs for name in one.scenarios) + 2
    yield f"{'bug':<{wide}}{'planted in':<12}{'scenario':<{deep}}noticed by"
    for bug in bugs:
        head = f"{bug.id:<{wide}}{'module' if bug.of_module else 'project':<12}"
        for scenario in bug.scenarios:
            broken = found[bug.id].broken.get(scenario, {})
            lines = [f"{name}: {evidence}" for name, evidence in broken.items()]
            for number, line in enumerate(lines or ["nothing"]):
                yield f"{head}{'' if number else scenario:<{deep}}{line}"[:WIDTH]
                head = " " * (wide + 12)


def main(root: Path, number: int | None) -> int:
    """Try bugs and print the table; the exit status.

    Args:
        root: of the checkout.
        number: how many, others after each change; None: all of them.
    """
    try:
        bugs = [one for one in catalogue(root) if one.scenarios]
    except PlantedError as error:
        sys.stdout.write(f"{error}\n")
        return 1
    bugs = few(bugs, number, root) if number is not None else bugs
    wrong = list(unsound(root, bugs))
    found = {} if wrong else drills(root, bugs)
    survived = [line for one in bugs if one.id in found for line in found[one.id].unnoticed(one)]
    lines = list(table(bugs, found)) if found else []
    end = f"{len(bugs)} mutants, {len({line.split()[0] for line in survived})} survive"
    sys.stdout.write("\n".join([*lines, "", *wrong, *survived, *([end] if found else [])]) + "\n")
    return 1 if wrong or survived else 0


def few(bugs: Sequence[Bug], number: int, root: Path) -> list[Bug]:
    """Return some of the bugs that drills must notice: others, as soon as anything changed."""
    named = {one.id: one for one in bugs if one.scenarios}
    return [named[name] for name in rotation.few(list(named), number, root)]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="which drill notices which planted bug")
    parser.add_argument("--few", type=int, metavar="N", help="only N bugs, others after a change")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main(Path(__file__).resolve().parent.parent, _arguments().few))
