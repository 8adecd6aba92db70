"""Which planted bugs a campaign finds by itself: `make search`.

Each bug is planted into a copy of the project, and that copy's own `standby-lab campaign` draws
drills until one fails; none of the hand-written scenarios is run. The table says how many drills
it took, which invariant noticed the bug, and how many steps the plan has that shows it. A bug
that is not found within the seeds is named with the reason that `tests/search/unfound.yaml`
gives; exit status 1 where there is none.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from rich.console import Console

from tools import rotation
from tools.mutants import COMMAND, WIDTH
from tools.planted import PACKAGES, Bug, PlantedError, catalogue, plant
from tools.trial import WORKERS, copies, progress

SEEDS = 400
UNFOUND = "tests/search/unfound.yaml"
PROFILES = ("rough", "hell")


@dataclass(frozen=True)
class Found:
    """What a campaign said of one bug.

    Attributes:
        drills: how many it made until one failed, or in all.
        invariant: which noticed it first; "" for none.
        cause: of the failure.
        steps: of the plan that shows it, shrunk.
        trouble: why nothing can be said.
    """

    drills: int = 0
    invariant: str = ""
    cause: str = ""
    steps: int = 0
    trouble: str = ""


def search(root: Path, bug: Bug, seeds: int) -> Found:
    """Plant a bug and let campaigns look for it, one profile after the other."""
    made = 0
    with copies() as folder:
        plant(bug, root, folder, PACKAGES)
        for profile in PROFILES:
            found = _campaign(folder, profile, seeds)
            made += found.drills
            if found.invariant or found.trouble:
                break
    return Found(made, found.invariant, found.cause, found.steps, found.trouble)


def _campaign(folder: Path, profile: str, seeds: int) -> Found:
    options = ["--seeds", f"1..{seeds}", "--profile", profile, "--stop-on-first", "-j", "1"]
    argv = [sys.executable, "-c", COMMAND, "campaign", *options, "--format", "json"]
    done = subprocess.run(
        [*argv, "--runs", "runs"], cwd=folder, capture_output=True, text=True, check=False
    )
    if not done.stdout:
        return Found(trouble=f"its campaign could not be run: {done.stderr.strip()[-300:]}")
    said: Mapping[str, Any] = json.loads(done.stdout)
    shown = [one for one in said["failures"] if one["scenario"]]
    if not shown:
        return Found(drills=said["judged"])
    about = json.loads((folder / shown[0]["scenario"]).with_name("failure.json").read_text("utf-8"))
    return Found(said["judged"], about["invariant"], about["evidence"], about["steps"])


def searched(root: Path, bugs: Sequence[Bug], seeds: int) -> dict[str, Found]:
    """Search for each bug; tells how far it is. Returns what became of each, by name."""
    found = {}
    with (
        progress(Console(stderr=True), "bugs", len(bugs)) as tell,
        ThreadPoolExecutor(WORKERS) as pool,
    ):
        futures = {pool.submit(search, root, bug, seeds): bug for bug in bugs}
        for done in as_completed(futures):
            bug = futures[done]
            error = done.exception()  # of one search; the others go on
            found[bug.id] = Found(trouble=repr(error)) if error else done.result()
            tell(bug.id)
    return found


def table(found: Mapping[str, Found], reasons: Mapping[str, str]) -> Iterator[str]:
    """Yield a line for each bug."""
    wide = max(map(len, found)) + 2
    yield f"{'bug':<{wide}}{'drills':>6}  {'steps':>5}  noticed by"
    for name, one in sorted(found.items()):
        if one.invariant:
            told = f"{one.drills:>6}  {one.steps:>5}  {one.invariant}: {one.cause}"
        else:
            why = one.trouble or reasons.get(name, "NOT FOUND, and no reason is given")
            told = f"{one.drills:>6}  {'-':>5}  {why}"
        yield f"{name:<{wide}}{told}"[:WIDTH]


def main(root: Path, arguments: argparse.Namespace) -> int:
    """Search for bugs and print the table; the exit status."""
    try:
        bugs = [one for one in catalogue(root) if one.scenarios]
    except PlantedError as error:
        sys.stdout.write(f"{error}\n")
        return 1
    if arguments.few is not None:
        named = {one.id: one for one in bugs}
        bugs = [named[name] for name in rotation.few(list(named), arguments.few, root)]
    path = root / UNFOUND
    reasons = yaml.safe_load(path.read_text("utf-8")) if path.is_file() else {}
    found = searched(root, bugs, arguments.seeds)
    sys.stdout.write("\n".join(table(found, reasons)) + "\n")
    known = sum(bool(one.invariant) for one in found.values())
    sys.stdout.write(f"\n{known} of {len(found)} bugs were found by campaigns alone\n")
    gaps = [name for name, one in found.items() if not one.invariant and name not in reasons]
    return 1 if gaps else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="which planted bugs a campaign finds by itself")
    parser.add_argument("--few", type=int, metavar="N", help="only N bugs, others after a change")
    parser.add_argument("--seeds", type=int, default=SEEDS, help="of each profile, at most")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main(Path(__file__).resolve().parent.parent, _arguments()))
