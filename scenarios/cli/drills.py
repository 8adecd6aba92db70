"""`scenarios`, `run`, `verify`, `fidelity`: drills and their verdicts."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from scenarios.cli.labs import BACKENDS
from scenarios.cli.output import show_json, show_table, with_format

if TYPE_CHECKING:
    from scenarios.narration import Narrator
    from scenarios.runner import Outcome
    from scenarios.verdict import Verdict

_EXIT = {"passed": 0, "failed": 1, "inconclusive": 3}
_RUNS = click.option(
    "--runs",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("runs"),
    show_default=True,
    help="Where evidence goes.",
)
_SEED = click.option("--seed", type=click.IntRange(0), default=1, show_default=True)


@click.command()
@with_format
def scenarios(*, form: str) -> None:
    """List the scenarios of the library."""
    from scenarios.loading import library, load  # noqa: PLC0415 - imported when it is used

    rows = [(path.parent.name, load(path)) for path in library().values()]
    if form == "json":
        show_json(
            [
                {"id": one.id, "family": family, "title": one.title, "covers": list(one.covers)}
                for family, one in rows
            ]
        )
        return
    show_table(
        ("scenario", "family", "title", "covers"),
        [(one.id, family, one.title, " ".join(one.covers)) for family, one in rows],
    )


@click.command()
@click.argument("names", nargs=-1, required=True, metavar="SCENARIO...")
@click.option("--backend", type=click.Choice(BACKENDS), default="auto", show_default=True)
@_SEED
@click.option("--real-time", is_flag=True, help="Serve no time: five minutes take five minutes.")
@_RUNS
@with_format
def run(  # noqa: PLR0913 - one parameter an option
    *, names: tuple[str, ...], backend: str, seed: int, real_time: bool, runs: Path, form: str
) -> None:
    """Run scenarios (by id, or files) and judge them."""
    from scenarios.hosting import choose_backend  # noqa: PLC0415 - imported when it is used
    from scenarios.loading import find, load  # noqa: PLC0415 - same
    from scenarios.making import Workshop  # noqa: PLC0415 - same

    chosen = [load(find(name)) for name in names]
    backend, why = choose_backend(backend)
    narrator = _narrator(quiet=form == "json")
    narrator.note(f"backend {backend}: {why}")
    workshop = Workshop(runs, narrator)
    outcomes = [workshop.run(one, backend, seed=seed, real_time=real_time) for one in chosen]
    if form == "json":
        show_json([one.row() for one in outcomes])
    else:
        for outcome in outcomes:
            show_outcome(outcome)
    raise click.exceptions.Exit(_exit_code(one.verdict for one in outcomes))


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@with_format
def verify(*, folder: Path, form: str) -> None:
    """Judge a stored run again, from its record alone."""
    from scenarios.runner import judged  # noqa: PLC0415 - imported when it is used

    outcome = judged(folder, _narrator(quiet=form == "json"))
    if form == "json":
        show_json([outcome.row()])
    else:
        show_outcome(outcome)
    raise click.exceptions.Exit(_exit_code([outcome.verdict]))


@click.command()
@click.argument("names", nargs=-1, metavar="[SCENARIO]...")
@click.option(
    "--backends",
    default="docker,netns,sim",
    show_default=True,
    help="Which ones, separated by commas; the others are compared with the first.",
)
@_SEED
@_RUNS
def fidelity(*, names: tuple[str, ...], backends: str, seed: int, runs: Path) -> None:
    """Run scenarios on several backends and compare their traces and verdicts."""
    from scenarios.fidelity import compare_outcomes  # noqa: PLC0415 - imported when it is used
    from scenarios.hosting import choose_backend  # noqa: PLC0415 - same
    from scenarios.loading import find, library, load  # noqa: PLC0415 - same
    from scenarios.making import Workshop  # noqa: PLC0415 - same

    wanted = [one.strip() for one in backends.split(",")]
    unknown = sorted(set(wanted) - set(BACKENDS[1:]))
    if unknown or len(set(wanted)) < 2:  # noqa: PLR2004 - a comparison needs two
        raise click.BadParameter(
            f"{backends!r}: name at least two of {', '.join(BACKENDS[1:])}",
            param_hint="--backends",
        )
    chosen = [load(find(name)) for name in names or library()]
    for backend in wanted:  # what one of them lacks is said before any has run
        choose_backend(backend)
    workshop = Workshop(runs, _narrator(quiet=False))
    comparisons = [
        compare_outcomes(
            one.id, {backend: workshop.run(one, backend, seed=seed) for backend in wanted}
        )
        for one in chosen
    ]
    show_table(
        ("scenario", *wanted, "trace"),
        [
            (
                one.scenario,
                *(one.outcomes[backend].verdict.value for backend in wanted),
                "the same" if not any(one.differences.values()) else "DIFFERS",
            )
            for one in comparisons
        ],
    )
    for one in comparisons:
        for line in one.report():
            click.echo(line)
    raise click.exceptions.Exit(0 if all(one.alike for one in comparisons) else 1)


def show_outcome(outcome: Outcome) -> None:
    """Show verdict, outage by phases, loss, where the evidence is, and what to type next."""
    plan = outcome.record.plan
    judgements = outcome.judgements
    counted = [one.verdict.value for one in judgements.values()]
    marks = ", ".join(
        f"{counted.count(word)} {word}"
        for word in ("passed", "failed", "inconclusive", "not-applicable")
        if word in counted
    )
    click.echo(f"\n{plan.scenario.id} on {plan.backend}: {outcome.verdict.value} ({marks})")
    for name, one in judgements.items():
        if one.verdict.value in {"failed", "inconclusive"}:
            click.echo(f"  {one.verdict.value}: {name}: {'; '.join(one.evidence)}")
    outage = outcome.outage
    if outage is not None:
        total = "unknown" if outage.total_s is None else f"{outage.total_s:.2f} s"
        phases = ", ".join(f"{name} {seconds:.3f} s" for name, seconds in outage.phases())
        click.echo(f"outage {total}: {phases}")
        click.echo(f"lost: {len(outcome.lost)} object(s) {', '.join(outcome.lost)}".rstrip())
    downtime = outcome.downtime
    if downtime is not None:
        total = "unknown" if downtime.total_s is None else f"{downtime.total_s:.2f} s"
        click.echo(f"downtime of the rollback, from (b) to the last phone: {total}")
    click.echo(f"evidence: {outcome.folder}")
    click.echo(f"next: standby-lab verify {outcome.folder}")


def _exit_code(verdicts: Iterable[Verdict]) -> int:
    from scenarios.verdict import worst  # noqa: PLC0415 - imported when it is used

    return _EXIT[worst(verdicts).value]


def _narrator(*, quiet: bool) -> Narrator:
    """Choose how a drill is told: live on a terminal, lines elsewhere, nothing for programs."""
    from emulator.clock import RealStopwatch  # noqa: PLC0415 - imported when it is used
    from scenarios.narration import Lines, Live, Silence  # noqa: PLC0415 - same

    if quiet:
        return Silence()
    clock = RealStopwatch().now_s
    from rich.console import Console  # noqa: PLC0415 - rich is loaded where it is shown

    console = Console()
    return Live(console, clock) if console.is_terminal else Lines(click.echo, clock)
