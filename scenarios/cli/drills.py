"""`scenarios`, `run`, `verify`, `fidelity`: drills and their verdicts."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

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
@_RUNS
@with_format
def scenarios(*, runs: Path, form: str) -> None:
    """List the scenarios: where each can run here, how its last runs ended, and how long they took.

    Each scenario runs on every backend whose kernel has what its faults need; what this
    computer lacks for a backend, `doctor` says.
    """
    from emulator.machine import BACKENDS as HOSTS  # noqa: PLC0415 - imported when it is used
    from emulator.machine import survey  # noqa: PLC0415 - same
    from scenarios.choosing import LastRun, last_runs  # noqa: PLC0415 - same
    from scenarios.feasible import needs  # noqa: PLC0415 - same
    from scenarios.loading import library, load  # noqa: PLC0415 - same

    here = survey()
    usable = [one for one in HOSTS if not here.lacks(one)]
    rows = [
        (path.parent.name, load(path), last_runs(runs, name)) for name, path in library().items()
    ]
    if form == "json":
        show_json(
            [
                {
                    "id": one.id,
                    "family": family,
                    "title": one.title,
                    "covers": list(one.covers),
                    "needs": needs(one),
                    "backends": usable,
                    "last_runs": [vars(run) for run in last],
                }
                for family, one, last in rows
            ]
        )
        return

    def told(run: LastRun) -> str:
        took = "" if run.took_s is None else f" {run.took_s:.1f} s"
        return f"{run.backend} {run.verdict}{took}"

    show_table(
        ("scenario", "family", "title", "covers", "backends", "last runs"),
        [
            (
                one.id,
                family,
                one.title,
                " ".join(one.covers),
                " ".join(usable),
                ", ".join(map(told, last)),
            )
            for family, one, last in rows
        ],
    )


@click.command()
@click.argument("names", nargs=-1, metavar="[SCENARIO]...")
@click.option("--family", "families", multiple=True, help="All scenarios of a family.")
@click.option("--rerun-failed", is_flag=True, help="Only those that did not pass when last run.")
@click.option("--backend", type=click.Choice(BACKENDS), default="auto", show_default=True)
@_SEED
@click.option("--real-time", is_flag=True, help="Serve no time: five minutes take five minutes.")
@click.option(
    "-j",
    "--jobs",
    type=click.IntRange(1, 64),
    help="Labs side by side; default: as many as this computer's cores are good for.",
)
@click.option("--stop-on-first", is_flag=True, help="Begin no more once one did not pass.")
@click.option("--set", "given", multiple=True, metavar="KEY=VALUE", help="As in users=500.")
@click.option(
    "--profile",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="A customer's pair: version, users, phone models, schedule, objectives.",
)
@click.option("--dry-run", is_flag=True, help="Show the plan with all defaults, and run nothing.")
@click.option("--keep", is_flag=True, help="Let each lab stand until Enter or Ctrl-C.")
@click.option(
    "--engine",
    type=click.Path(path_type=Path),
    metavar="PATH",
    help="Another build of the module: the folder that holds the package `redundancy`.",
)
@click.option(
    "--junit-xml",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Also write results as JUnit XML.",
)
@_RUNS
@with_format
def run(*, form: str, **options: Any) -> None:
    """Run scenarios (by id, glob, family, or files) and judge them."""
    from scenarios.cli.running import Wish, run_batch  # noqa: PLC0415 - imported when it is used

    raise click.exceptions.Exit(run_batch(Wish(**options), as_json=form == "json"))


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@with_format
def verify(*, folder: Path, form: str) -> None:
    """Judge a stored run again, from its record alone."""
    from scenarios.runner import judged  # noqa: PLC0415 - imported when it is used

    outcome = judged(folder, narrator(quiet=form == "json"))
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
    from scenarios.feasible import simulated_only  # noqa: PLC0415 - imported when it is used
    from scenarios.fidelity import compare_outcomes  # noqa: PLC0415 - imported when it is used
    from scenarios.hosting import choose_backend  # noqa: PLC0415 - same
    from scenarios.loading import find, library, load  # noqa: PLC0415 - same
    from scenarios.making import Workshop  # noqa: PLC0415 - same
    from scenarios.places import KeptPlaces  # noqa: PLC0415 - same

    wanted = [one.strip() for one in backends.split(",")]
    unknown = sorted(set(wanted) - set(BACKENDS[1:]))
    if unknown or len(set(wanted)) < 2:  # noqa: PLR2004 - a comparison needs two
        raise click.BadParameter(
            f"{backends!r}: name at least two of {', '.join(BACKENDS[1:])}",
            param_hint="--backends",
        )
    chosen = [load(find(name)) for name in names or library()]
    chosen = [one for one in chosen if names or not simulated_only(one)]
    for backend in wanted:  # what one of them lacks is said before any has run
        choose_backend(backend)
    teller = narrator(quiet=False)
    with KeptPlaces(teller) as places:
        workshop = Workshop(runs, teller, places)
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
    show_telephones(outcome)
    downtime = outcome.downtime
    if downtime is not None:
        total = "unknown" if downtime.total_s is None else f"{downtime.total_s:.2f} s"
        click.echo(f"downtime of the rollback, from (b) to the last phone: {total}")
    click.echo(f"evidence: {outcome.folder}")
    click.echo(f"next: standby-lab verify {outcome.folder}")


def show_telephones(outcome: Outcome) -> None:
    """Show what became of each telephone in the switchover; nothing where there is none."""
    from scenarios.clients import (  # noqa: PLC0415 - imported when it is used
        crowd_in_words,
        crowd_returns,
        returns,
    )

    rows = [
        (
            one.name,
            one.telephone.model,
            one.telephone.transport,
            f"{one.telephone.registers_every_s:g} s",
            "never" if one.took_s is None else f"{one.took_s:.1f} s",
            one.mac_before,
            one.mac_after,
            "yes" if one.restarted_s is not None else "no",
            str(one.lost),
        )
        for one in returns(outcome.record)
    ]
    if rows:
        columns = ("phone", "model", "by", "every", "back after", "MAC before", "MAC after")
        show_table((*columns, "restarted", "calls lost"), rows)
    many = crowd_returns(outcome.record)
    if many:
        click.echo(crowd_in_words(many))


def _exit_code(verdicts: Iterable[Verdict]) -> int:
    from scenarios.verdict import worst  # noqa: PLC0415 - imported when it is used

    return _EXIT[worst(verdicts).value]


def narrator(*, quiet: bool) -> Narrator:
    """Choose how a drill is told: live on a terminal, lines elsewhere, nothing for programs."""
    from emulator.clock import RealStopwatch  # noqa: PLC0415 - imported when it is used
    from scenarios.narration import Lines, Live, Silence  # noqa: PLC0415 - same

    if quiet:
        return Silence()
    clock = RealStopwatch().now_s
    from rich.console import Console  # noqa: PLC0415 - rich is loaded where it is shown

    console = Console()
    return Live(console, clock) if console.is_terminal else Lines(click.echo, clock)
