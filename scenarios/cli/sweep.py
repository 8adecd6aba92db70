"""`crash-sweep`: a drill, crashed wherever it can be."""

from __future__ import annotations

import os
from pathlib import Path

import click

from scenarios.cli.output import show_json, show_table, with_format

DEFAULT = ("failover",)
_SHOWN = 10


@click.command(name="crash-sweep")
@click.option(
    "--scenario",
    "names",
    multiple=True,
    default=DEFAULT,
    show_default=True,
    help="What is run, by id or file; may be repeated.",
)
@click.option(
    "-j", "--jobs", type=click.IntRange(1), help="Processes at once; default: one a core."
)
@click.option(
    "--bound",
    type=click.IntRange(1),
    default=64,
    show_default=True,
    help="Surviving worlds of one power cut that are examined at most.",
)
@click.option("--cell", help="Only this one, as a failure names it; its evidence is kept.")
@click.option(
    "--runs",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("runs"),
    show_default=True,
    help="Where the evidence of --cell goes.",
)
@with_format
def crash_sweep(  # noqa: PLR0913 - one parameter an option
    *, names: tuple[str, ...], jobs: int | None, bound: int, cell: str | None, runs: Path, form: str
) -> None:
    """Cut the power after every disk operation, kill around every named step, and judge."""
    if cell is not None:
        _repeat(cell, runs)
        return
    from scenarios.loading import find, load  # noqa: PLC0415 - imported when it is used
    from scenarios.sweep import table  # noqa: PLC0415 - same
    from scenarios.sweep.sweeping import sweep  # noqa: PLC0415 - same

    workers = jobs or os.cpu_count() or 1
    sweeps = [sweep(load(find(name)), jobs=workers, bound=bound) for name in names]
    if form == "json":
        show_json(table.as_json(sweeps, bound))
    else:
        show_table(table.COLUMNS, table.shown(sweeps))
        click.echo(f"\n{table.totals(sweeps, bound)}")
    failed = {one: lines for swept in sweeps for one, lines in swept.failed.items()}
    unknown = [one for swept in sweeps for one in swept.unexamined]
    for one, lines in list(failed.items())[:_SHOWN]:
        click.echo(f"failed: {lines[0]}\n  again: standby-lab crash-sweep --cell {one}", err=True)
    if len(failed) > _SHOWN:
        click.echo(f"and {len(failed) - _SHOWN} more; --format json names all", err=True)
    raise click.exceptions.Exit(1 if failed else 3 if unknown else 0)


def _repeat(text: str, runs: Path) -> None:
    """Run one cell alone and tell what is wrong with it."""
    from scenarios.loading import find, load  # noqa: PLC0415 - imported when it is used
    from scenarios.making import wall_clock  # noqa: PLC0415 - same
    from scenarios.sweep.cells import Cell, NoCell  # noqa: PLC0415 - same
    from scenarios.sweep.sweeping import repeat  # noqa: PLC0415 - same

    try:
        cell = Cell.parse(text)
    except NoCell as error:
        raise click.BadParameter(str(error), param_hint="--cell") from error
    folder = runs / "crash-sweep" / f"{wall_clock():%Y-%m-%dT%H-%M-%S.%fZ}-sim"
    faults = repeat(load(find(cell.scenario)), cell, folder=folder)
    for line in faults:
        click.echo(f"failed: {line}")
    click.echo(f"{cell}: {'failed' if faults else 'passed'}\nevidence: {folder}")
    raise click.exceptions.Exit(1 if faults else 0)
