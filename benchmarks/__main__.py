"""Measure, print one table, and exit with 1 if anything is too slow."""

from __future__ import annotations

import os
import sys
from itertools import chain
from pathlib import Path

from benchmarks import simulation, transfer
from benchmarks.labs import ROUNDS, command, rows
from benchmarks.table import Row, render
from emulator.machine import survey


def main() -> int:
    """Run all benchmarks that this machine allows."""
    found = survey()
    backends = tuple(one for one in ("docker", "netns") if not found.lacks(one))
    program = str(Path(sys.executable).parent / "standby-lab")
    measured: list[Row] = []
    here = lambda: dict(os.environ)  # noqa: E731 - an environment, read when it is used
    bare = command("python -c pass", [sys.executable, "-c", "pass"], here)
    measured.append(Row(command("standby-lab --help", [program, "--help"], here), bare, 0.3))
    for row in chain(
        simulation.rows(), rows(backends), transfer.rows() if "netns" in backends else ()
    ):
        print(f"measured: {row.measured.name}", file=sys.stderr)
        measured.append(row)
    print(f"medians of {ROUNDS} after one to warm up\n")
    print(render(measured))
    return 0 if all(row.met for row in measured) else 1


if __name__ == "__main__":
    sys.exit(main())
