"""`drill`, `replay`, `shrink`: plans that a seed draws, run again, made small."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from scenarios.cli.drills import narrator, show_outcome
from scenarios.cli.labs import BACKENDS
from scenarios.cli.output import progress_bars, show_json, with_format

if TYPE_CHECKING:
    from scenarios.making import Workshop
    from scenarios.models.scenario import Scenario
    from scenarios.runner import Outcome

PROFILE_NAMES = ("calm", "rough", "hell")
_CODES = {"passed": 0, "failed": 1, "inconclusive": 3}
RUNS = click.option(
    "--runs",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("runs"),
    show_default=True,
    help="Where evidence goes.",
)
PROFILE = click.option(
    "--profile",
    type=click.Choice(PROFILE_NAMES),
    default="rough",
    show_default=True,
    help="A calm month, some bad days, or everything at once.",
)
_BACKEND = click.option(
    "--backend",
    type=click.Choice(BACKENDS),
    default="sim",
    show_default=True,
    help="Where labs are made; sim needs no rights and takes no time.",
)
_PLAN = click.argument("plan", type=click.Path(exists=True, path_type=Path))


@click.command()
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True)
@click.option("--count", type=click.IntRange(1), default=1, help="So many seeds from there on.")
@PROFILE
@_BACKEND
@RUNS
@with_format
def drill(  # noqa: PLR0913 - one parameter an option
    *, seed: int, count: int, profile: str, backend: str, runs: Path, form: str
) -> None:
    """Draw a plan from a seed, show it, run it, and judge it by every invariant."""
    from scenarios.making import commit  # noqa: PLC0415 - imported when it is used
    from scenarios.seeded.drawing import draw  # noqa: PLC0415 - same
    from scenarios.seeded.plans import scenario_of  # noqa: PLC0415 - same

    quiet = form == "json"
    workshop = _workshop(runs, quiet=quiet)
    plans = [scenario_of(draw(one, profile, commit())) for one in range(seed, seed + count)]
    outcomes = list(_run_all(plans, workshop, backend, quiet=quiet))
    if quiet:
        show_json([one.row() for one in outcomes])
    raise click.exceptions.Exit(_exit_code(outcomes))


@click.command()
@_PLAN
@_BACKEND
@RUNS
@with_format
def replay(*, plan: Path, backend: str, runs: Path, form: str) -> None:
    """Run a plan again: a file, or a stored run, whose trace must then be the same."""
    from scenarios.seeded.plans import load_plan, stored_trace  # noqa: PLC0415 - imported when it is used

    quiet = form == "json"
    workshop = _workshop(runs, quiet=quiet)
    before = stored_trace(plan)
    outcomes = list(_run_all([load_plan(plan)], workshop, backend, quiet=quiet))
    if quiet:
        show_json([one.row() for one in outcomes])
    elif before:
        same = "the same as" if before == outcomes[0].trace_hash else "ANOTHER than"
        click.echo(f"the trace is {same} that of the stored run")
    raise click.exceptions.Exit(_exit_code(outcomes))


@click.command()
@_PLAN
@click.option("--invariant", help="What it must go on breaking; default: the first that it breaks.")
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Default: shrunk.yaml beside the plan.",
)
@with_format
def shrink(*, plan: Path, invariant: str | None, output: Path | None, form: str) -> None:
    """Leave out of a failing plan whatever it fails without, and write what is left."""
    from scenarios.making import commit  # noqa: PLC0415 - imported when it is used
    from scenarios.seeded import plans  # noqa: PLC0415 - same
    from scenarios.seeded.apart import warm_up  # noqa: PLC0415 - same
    from scenarios.seeded.shrinking import Oracle, named_failure  # noqa: PLC0415 - same
    from scenarios.seeded.shrinking import shrink as make_small  # noqa: PLC0415 - same

    document = plans.document_of(plans.load_plan(plan))
    warm_up(commit())
    with progress_bars() as bar:
        told = bar("steps left out")
        total = len(document["steps"])
        oracle = Oracle(commit(), lambda _tries, steps: told(total - steps, total))
        wanted = None if invariant is None else named_failure(document, oracle, invariant)
        small = make_small(document, oracle, wanted)
    where = output or (plan if plan.is_dir() else plan.parent) / "shrunk.yaml"
    where.write_text(plans.text_of(small.document), encoding="utf-8")
    if form == "json":
        show_json(
            {
                "plan": str(where),
                "failure": [small.failure.invariant, small.failure.cause],
                "steps": len(small.document["steps"]),
                "steps_before": total,
                "tries": small.tries,
            }
        )
        return
    for line in plans.in_words(plans.scenario_of(small.document)):
        click.echo(line)
    click.echo(f"{small.failure}")
    click.echo(f"{total} steps became {len(small.document['steps'])} in {small.tries} tries")
    click.echo(f"written: {where}\nnext: standby-lab replay {where}")


def _workshop(runs: Path, *, quiet: bool) -> Workshop:
    from scenarios.making import Workshop  # noqa: PLC0415 - imported when it is used
    from scenarios.places import NewPlaces  # noqa: PLC0415 - same

    teller = narrator(quiet=quiet)
    return Workshop(runs, teller, NewPlaces(teller))


def _run_all(
    plans: list[Scenario], workshop: Workshop, backend: str, *, quiet: bool
) -> Iterator[Outcome]:
    """Run plans one after the other, each told in words first."""
    from scenarios.hosting import choose_backend  # noqa: PLC0415 - imported when it is used
    from scenarios.seeded.plans import in_words  # noqa: PLC0415 - same

    chosen, _ = choose_backend(backend)
    for plan in plans:
        if not quiet:
            for line in in_words(plan):
                click.echo(line)
        outcome = workshop.run(plan, chosen, seed=1)
        if not quiet:
            show_outcome(outcome)
        if outcome.verdict.value != "passed":
            click.echo(f"again: standby-lab replay {outcome.folder}", err=quiet)
            click.echo(f"smaller: standby-lab shrink {outcome.folder}", err=quiet)
        yield outcome


def _exit_code(outcomes: list[Outcome]) -> int:
    from scenarios.verdict import worst  # noqa: PLC0415 - imported when it is used

    return _CODES[worst(one.verdict for one in outcomes).value]
