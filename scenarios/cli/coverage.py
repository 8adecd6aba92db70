"""`coverage`: in which state of the engine which fault was exercised."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from scenarios.cli.output import progress_bars, show_json, show_table, with_format

if TYPE_CHECKING:
    from scenarios.coverage.mapping import Coverage


@click.command()
@click.option(
    "--runs",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("runs"),
    show_default=True,
    help="Where stored runs are.",
)
@click.option(
    "--fail-under",
    type=click.FloatRange(0, 100),
    metavar="PERCENT",
    help="Exit 1 where less than that of what can be exercised was.",
)
@with_format
def coverage(*, runs: Path, fail_under: float | None, form: str) -> None:
    """Show in which states of the engine which faults have acted, over all stored runs."""
    from scenarios.coverage.mapping import cover, run_folders  # noqa: PLC0415 - loaded when used

    with progress_bars() as bar:
        found = cover(run_folders(runs), bar("stored runs"))
    if not found.runs:
        remedy = f"standby-lab run '*' --backend sim --runs {runs} makes some"
        click.echo(f"standby-lab: {runs} holds no intact run; {remedy}", err=True)
        raise click.exceptions.Exit(3)
    for folder, why in found.left_out.items():
        click.echo(f"left out: {folder}: {why}", err=True)
    if form == "json":
        show_json(as_json(found))
    else:
        _show(found)
    if fail_under is not None and found.percent < fail_under:
        click.echo(f"standby-lab: less than {fail_under:g} %", err=True)
        raise click.exceptions.Exit(1)


def _show(found: Coverage) -> None:
    from scenarios.coverage.cells import FAMILIES, impossible, possible  # noqa: PLC0415 - same

    show_table(("state", *FAMILIES, "not yet"), rows(found))
    click.echo(
        f"\n{len(found.drills)} of {len(possible())} cells ({found.percent:.0f} %) over "
        f"{found.runs} runs; {len(impossible())} others cannot be, and --format json says why"
    )


def rows(found: Coverage) -> list[tuple[str, ...]]:
    """Return the rows of the table: a state each; of each family how many verbs of how many."""
    from scenarios.coverage.cells import FAMILIES, possible  # noqa: PLC0415 - same
    from scenarios.coverage.states import STATES  # noqa: PLC0415 - same

    cells = possible()
    missing = set(found.missing)

    def counted(state: Any, verbs: Mapping[str, Sequence[str]]) -> str:
        here = [cell for cell in cells if cell.state == state and cell.verb in verbs]
        done = sum(cell not in missing for cell in here)
        return f"{done}/{len(here)}" if here else "·"

    return [
        (
            str(state),
            *(counted(state, verbs) for verbs in FAMILIES.values()),
            ", ".join(cell.verb for cell in cells if cell.state == state and cell in missing),
        )
        for state in STATES
    ]


def as_json(found: Coverage) -> dict[str, Any]:
    """Return the whole map, as `--format json` shows it."""
    from scenarios.coverage.cells import impossible, possible  # noqa: PLC0415 - same

    return {
        "runs": found.runs,
        "left_out": found.left_out,
        "percent": round(found.percent, 1),
        "cells": [
            {
                "state": str(cell.state),
                "fault": cell.verb,
                "exercised": cell in found.drills,
                "drills": sorted(found.drills.get(cell, ())),
            }
            for cell in possible()
        ],
        "impossible": [
            {"state": str(cell.state), "fault": cell.verb, "because": why}
            for cell, why in impossible().items()
        ],
    }
