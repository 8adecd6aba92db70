"""`crash-sweep`: a drill, crashed wherever it can be."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import click

from scenarios.cli.output import progress_bars, show_json, show_table, with_format

DEFAULT = ("failover", "transfer-cut", "rollback", "rollback-abandoned")
_SHOWN = 10
BOUND = 1024  # five times what any cut in the library leaves


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
    default=BOUND,
    show_default=True,
    help="Surviving worlds of one power cut that are examined at most; what lies beyond it makes "
    "the sweep inconclusive.",
)
@click.option("--cell", help="Only this one, as a failure names it; its evidence is kept.")
@click.option(
    "--runs",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("runs"),
    show_default=True,
    help="Where the evidence of --cell goes.",
)
@click.option(
    "--backend",
    type=click.Choice(["sim", "netns", "docker"]),
    default="sim",
    show_default=True,
    help="sim: every disk operation and named step; else SIGKILL around every named step.",
)
@with_format
def crash_sweep(  # noqa: PLR0913 - one parameter an option
    *,
    names: tuple[str, ...],
    jobs: int | None,
    bound: int,
    cell: str | None,
    runs: Path,
    backend: str,
    form: str,
) -> None:
    """Cut the power after every disk operation, kill around every named step, and judge.

    On a real backend a sweep that was interrupted goes on where it was.
    """
    if backend != "sim":
        _sweep_really(names, backend, jobs or os.cpu_count() or 1, cell, runs, form)
        return
    if cell is not None:
        _repeat(cell, runs)
        return
    from scenarios.loading import find, load  # noqa: PLC0415 - imported when it is used
    from scenarios.sweep import table  # noqa: PLC0415 - same
    from scenarios.sweep.cells import first_own_step  # noqa: PLC0415 - same
    from scenarios.sweep.sweeping import sweep  # noqa: PLC0415 - same

    workers = jobs or os.cpu_count() or 1
    scenarios = [load(find(name)) for name in names]
    sweeps = []
    with progress_bars() as bar:
        for number, scenario in enumerate(scenarios):
            first = first_own_step(scenario, scenarios[:number])
            told = bar(scenario.id)
            sweeps.append(sweep(scenario, jobs=workers, bound=bound, first=first, progress=told))
    if form == "json":
        show_json(table.as_json(sweeps, bound))
    else:
        show_table(table.COLUMNS, table.shown(sweeps))
        click.echo(f"\n{table.totals(sweeps, bound)}")
    failed = {str(one): lines for swept in sweeps for one, lines in swept.failed.items()}
    _tell_failures(failed, "standby-lab crash-sweep")
    raise click.exceptions.Exit(1 if failed else 0 if all(one.complete for one in sweeps) else 3)


def _sweep_really(  # noqa: PLR0913, PLR0917 - the options
    names: tuple[str, ...], backend: str, jobs: int, cell: str | None, runs: Path, form: str
) -> None:
    """Kill real appliances at their named steps."""
    from scenarios.loading import find, load  # noqa: PLC0415 - imported when it is used
    from scenarios.making import commit  # noqa: PLC0415 - same
    from scenarios.sweep import table  # noqa: PLC0415 - same
    from scenarios.sweep.cells import NoCell, first_own_step  # noqa: PLC0415 - same
    from scenarios.sweep.killing import Kill  # noqa: PLC0415 - same
    from scenarios.sweep.workers import Ledger, benches, sweep_really  # noqa: PLC0415 - same

    try:
        only = None if cell is None else Kill.parse(cell)
    except NoCell as error:
        raise click.BadParameter(str(error), param_hint="--cell") from error
    folder = runs / "crash-sweep"
    ledger = Ledger.open(folder / f"{backend}.jsonl", commit())
    if only is not None:
        ledger.known.pop(str(only), None)
    sweeps = []
    scenarios = [load(find(name)) for name in (names if only is None else (only.scenario,))]
    with progress_bars() as bar:
        for number, one in enumerate(scenarios):
            workers = benches(one, backend, 1 if only else jobs, folder / backend / one.id)
            first = first_own_step(one, scenarios[:number])

            def wanted(kill: Kill, first: int = first) -> bool:
                return kill.position >= first if only is None else str(kill) == str(only)

            sweeps.append(sweep_really(workers, ledger, wanted, bar(f"{one.id} on {backend}")))
    if form == "json":
        show_json(table.killed_as_json(sweeps))
    else:
        show_table(table.KILLED_COLUMNS, table.killed_shown(sweeps))
    failed = {one: lines for swept in sweeps for one, lines in swept.found.items() if lines}
    _tell_failures(failed, f"standby-lab crash-sweep --backend {backend}")
    if not any(swept.kills for swept in sweeps):
        raise click.BadParameter(f"the drill has no such step: {cell}", param_hint="--cell")
    raise click.exceptions.Exit(1 if failed else 0)


def _tell_failures(failed: Mapping[str, Sequence[str]], command: str) -> None:
    for one, lines in list(failed.items())[:_SHOWN]:
        click.echo(f"failed: {lines[0]}\n  again: {command} --cell {one}", err=True)
    if len(failed) > _SHOWN:
        click.echo(f"and {len(failed) - _SHOWN} more; --format json names all", err=True)


def _repeat(text: str, runs: Path) -> None:
    """Run one cell alone and tell what is wrong with it."""
    from scenarios.clock import wall_clock  # noqa: PLC0415 - same
    from scenarios.loading import find, load  # noqa: PLC0415 - imported when it is used
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
