"""`run`: what was wished for, carried out, shown, and written for CI."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import click

from emulator.lab import Lab
from scenarios.choosing import Choice, choose, failed_files, fitting, passed_last
from scenarios.cli.batches import Batch, live_lines
from scenarios.cli.drills import narrator, show_outcome
from scenarios.cli.output import show_json
from scenarios.cli.trouble import explain
from scenarios.crew import Result, Terms, one_by_one, sensible_count, side_by_side
from scenarios.engine_build import staged
from scenarios.hosting import choose_backend
from scenarios.loading import ScenarioError, load_profile
from scenarios.planning import planned, rendered
from scenarios.runner import leave
from scenarios.settings import Settings, pairs


@dataclass(frozen=True)
class Wish:
    """The options of `run`, as click names them."""

    names: Sequence[str]
    families: Sequence[str]
    rerun_failed: bool
    backend: str
    seed: int
    real_time: bool
    jobs: int | None
    stop_on_first: bool
    keep: bool
    given: Sequence[str]
    profile: Path | None
    dry_run: bool
    engine: Path | None
    junit_xml: Path | None
    runs: Path


def run_batch(wish: Wish, *, as_json: bool) -> int:
    """Run what was wished for; the exit code.

    Raises:
        KeyboardInterrupt: after the labs were removed and what was judged was shown.
    """
    choices = _choices(wish)
    if not choices:
        click.echo("nothing to run: every one of them passed when it was last run")
        return 0
    if wish.dry_run:
        _show_plans(choices, as_json=as_json)
        return 0
    backend, why = choose_backend(wish.backend)
    choices, left_out = fitting(choices, backend)
    if wish.keep and (backend == "sim" or (wish.jobs or 1) > 1):
        raise click.UsageError("--keep needs a lab that others can reach: not sim, and no -j")
    jobs = wish.jobs or (1 if wish.keep else sensible_count(backend, len(choices)))
    with ExitStack() as stack:
        engine = None if wish.engine is None else stack.enter_context(staged(wish.engine))
        terms = Terms(
            runs=wish.runs,
            backend=backend,
            seed=wish.seed,
            real_time=wish.real_time,
            engine=engine,
            linger=_stand if wish.keep else leave,
            explain=explain,
        )
        batch = Batch(choices, left_out)
        batch.tell_left_out()
        try:
            with _results(batch, terms, jobs, why, quiet=as_json) as (results, tell):
                batch.take(results, tell, stop_on_first=wish.stop_on_first)
        finally:
            _tell(batch, terms, wish, as_json=as_json)
    return batch.exit_code


def _choices(wish: Wish) -> list[Choice]:
    if not wish.names and not wish.families and not wish.rerun_failed:
        raise click.UsageError("name a scenario, a --family, or --rerun-failed")
    settings = _settings(wish)
    if wish.names or wish.families:
        choices = choose(wish.names, wish.families, settings=settings)
    else:
        choices = choose(("*", *failed_files(wish.runs)), (), settings=settings)
    if not wish.rerun_failed:
        return choices
    return [one for one in choices if passed_last(wish.runs, one.scenario.id) is False]


def _settings(wish: Wish) -> Settings:
    """Return what the options change of every scenario.

    Raises:
        ScenarioError: the profile is none, or an option does not read KEY=VALUE.
    """
    try:
        changes = pairs(wish.given)
    except ValueError as error:
        raise ScenarioError(f"--set: {error}") from error
    return Settings(load_profile(wish.profile).settings() if wish.profile else {}, changes)


def _show_plans(choices: Sequence[Choice], *, as_json: bool) -> None:
    """Show what would be run, with every default."""
    if as_json:
        show_json([planned(one.scenario) for one in choices])
    else:
        click.echo("---\n".join(rendered(one.scenario) for one in choices), nl=False)


@contextmanager
def _results(
    batch: Batch, terms: Terms, jobs: int, why: str, *, quiet: bool
) -> Iterator[tuple[Iterator[Result], Callable[[Result], None]]]:
    """Yield the results as they come, and who tells of each on the terminal."""
    here = jobs == 1 and not (terms.engine and terms.backend == "sim")
    teller = narrator(quiet=quiet)
    teller.note(f"backend {terms.backend}: {why}")
    if here:
        yield one_by_one(batch.choices, terms, teller), lambda _result: None
        return
    with live_lines(quiet=quiet) as (told, ended):
        results = side_by_side(batch.choices, terms, jobs, told)
        try:
            yield results, ended
        finally:
            results.close()


def _tell(batch: Batch, terms: Terms, wish: Wish, *, as_json: bool) -> None:
    if as_json:
        show_json([_row(result, terms) for result in batch.results])
        for result in batch.results:
            if result.trouble:
                click.echo(f"standby-lab: {result.trouble}", err=True)
    else:
        for result in batch.results:
            if result.outcome is not None and (
                len(batch.choices) == 1 or result.verdict != "passed"
            ):
                show_outcome(result.outcome)
        batch.show()
    batch.report(terms, wish.junit_xml)


def _row(result: Result, terms: Terms) -> dict[str, object]:
    if result.outcome is not None:
        return result.outcome.row()
    return {
        "scenario": result.choice.scenario.id,
        "seed": terms.seed,
        "backend": terms.backend,
        "verdict": "broken",
        "trouble": result.trouble,
    }


def _stand(lab: Lab) -> None:
    """Let a lab stand until the person at the terminal has seen enough."""
    name = lab.spec.name
    click.echo(f"   the lab {name} stands: standby-lab inspect {name}, standby-lab ssh {name}")
    click.echo("   Enter removes it")
    try:
        sys.stdin.readline()
    except KeyboardInterrupt:
        click.echo()
