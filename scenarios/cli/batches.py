"""A batch of scenarios on the terminal: live lines, the table at the end, files for CI."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import click

from scenarios.choosing import Choice
from scenarios.cli.output import show_table
from scenarios.crew import BROKEN, Result, Terms
from scenarios.replaying import command_for, replay_command
from scenarios.reporting.github import annotate
from scenarios.reporting.junit import Case, write_junit

_CODES = {"passed": 0, "failed": 1, "inconclusive": 3, "broken": BROKEN}
Told = Callable[[str, str], None]  # (scenario, what happens in it)
ONLY_SIMULATED = "what it does to a disk needs a simulated lab; --backend sim runs it"
_GRAVEST = ("failed", "broken", "inconclusive", "passed")


@dataclass
class Batch:
    """What was to be run, and what became of it.

    Attributes:
        choices: everything that was chosen, and can run.
        left_out: what was chosen with others, and only a simulated lab can run.
        results: of those that ended, in order of their end.
    """

    choices: Sequence[Choice]
    left_out: Sequence[Choice] = ()
    results: list[Result] = field(default_factory=list)

    def take(
        self, results: Iterable[Result], tell: Callable[[Result], None], *, stop_on_first: bool
    ) -> None:
        """Take results as they come; where one did not pass, no more if so wished.

        What is told has been taken: an interruption must not come in between.
        """
        for result in results:
            self.results.append(result)
            tell(result)
            if stop_on_first and result.verdict != "passed":
                return

    @property
    def not_run(self) -> list[Choice]:
        """The scenarios without a result."""
        ended = [result.choice for result in self.results]
        return [choice for choice in self.choices if choice not in ended]

    @property
    def exit_code(self) -> int:
        """The gravest: a failure is certain, so it outweighs a lab that broke."""
        verdicts = {result.verdict for result in self.results}
        gravest = next((one for one in _GRAVEST if one in verdicts), "inconclusive")
        if gravest == "broken":
            return max(result.code for result in self.results if result.outcome is None)
        return _CODES[gravest]

    def show(self) -> None:
        """Show the table of several, and what was not judged."""
        for result in self.results:
            if result.trouble:
                click.echo(f"standby-lab: {result.trouble}", err=True)
        if len(self.choices) + len(self.left_out) > 1:
            click.echo()
            if self.results:
                show_table(("scenario", "verdict", "took", "evidence"), list(self._rows()))
            counts = [result.verdict for result in self.results]
            told = [f"{counts.count(one)} {one}" for one in reversed(_GRAVEST) if one in counts]
            judged = f"\n{len(self.results)} of {len(self.choices)} judged"
            left_out = f"; {len(self.left_out)} left out" if self.left_out else ""
            click.echo(": ".join(filter(None, [judged, ", ".join(told)])) + left_out)
        if self.not_run:
            names = ", ".join(choice.scenario.id for choice in self.not_run)
            click.echo(f"not judged: {names}", err=True)

    def tell_left_out(self) -> None:
        """Say what was left out, and why."""
        if self.left_out:
            names = ", ".join(choice.scenario.id for choice in self.left_out)
            click.echo(f"{len(self.left_out)} left out: {ONLY_SIMULATED}: {names}", err=True)

    def cases(self, terms: Terms) -> list[Case]:
        """Return the results as test reports have them."""
        made = [_case(result.choice, result, terms) for result in self.results]
        made += [_case(choice, None, terms) for choice in self.not_run]
        left_out = [_case(choice, None, terms) for choice in self.left_out]
        return made + [replace(one, causes=[ONLY_SIMULATED]) for one in left_out]

    def report(self, terms: Terms, junit_xml: Path | None) -> None:
        """Write what CI reads: a JUnit file, and annotations within GitHub's actions."""
        cases = self.cases(terms)
        if junit_xml is not None:
            write_junit(junit_xml, cases)
        if os.environ.get("GITHUB_ACTIONS") == "true":
            for line in annotate(cases):
                click.echo(line)

    def _rows(self) -> Iterator[tuple[str, str, str, str]]:
        for result in self.results:
            outcome = result.outcome
            folder = "" if outcome is None else str(outcome.folder)
            yield result.choice.scenario.id, result.verdict, _took(result), folder


def _took(result: Result) -> str:
    times = None if result.outcome is None else result.outcome.record.times
    return "" if times is None else f"{times.took_s:.1f} s"


def _case(choice: Choice, result: Result | None, terms: Terms) -> Case:
    parameters = [("backend", terms.backend), ("seed", str(terms.seed))]
    if terms.engine is not None:
        parameters.append(("engine", terms.engine.build.sha256[:12]))
    outcome = None if result is None else result.outcome
    replay = command_for(choice.asked, terms.backend, terms.seed)
    causes: list[str] = [result.trouble] if result is not None and result.trouble else []
    took_s = 0.0
    if outcome is not None:
        replay = replay_command(outcome.record.plan)
        causes = [
            f"{name}: {line}"
            for name, one in outcome.judgements.items()
            if one.verdict.value in {"failed", "inconclusive"}
            for line in one.evidence
        ]
        took_s = 0.0 if outcome.record.times is None else outcome.record.times.took_s
    return Case(
        scenario=choice.scenario.id,
        family=choice.family,
        parameters=parameters,
        verdict="not-run" if result is None else result.verdict,
        took_s=took_s,
        causes=causes,
        evidence="" if outcome is None else str(outcome.folder),
        replay=replay,
    )


@contextmanager
def live_lines(*, quiet: bool) -> Iterator[tuple[Told, Callable[[Result], None]]]:
    """Show what several scenarios do, one line each; the second function ends a line.

    On a terminal the lines under way stand below those that ended. Elsewhere a line is written
    when a scenario begins and when it ends.
    """
    if quiet:
        yield lambda _name, _text: None, lambda _result: None
        return
    from rich.console import Console  # noqa: PLC0415 - rich is loaded where it is shown
    from rich.live import Live  # noqa: PLC0415 - same
    from rich.text import Text  # noqa: PLC0415 - same

    console = Console(highlight=False)
    under_way: dict[str, str] = {}
    if not console.is_terminal:

        def told(name: str, text: str) -> None:
            if name not in under_way:
                click.echo(f"begun    {name}")
            under_way[name] = text

        yield told, lambda result: click.echo(_ended(result))
        return
    with Live(console=console, transient=True, refresh_per_second=8) as live:

        def draw() -> None:
            live.update(Text("\n".join(f"… {name}: {text}" for name, text in under_way.items())))

        def tell(name: str, text: str) -> None:
            under_way[name] = text
            draw()

        def end(result: Result) -> None:
            under_way.pop(result.choice.scenario.id, None)
            console.print(Text(_ended(result)))
            draw()

        yield tell, end


def _ended(result: Result) -> str:
    return f"{result.verdict:<12} {result.choice.scenario.id}  {_took(result)}".rstrip()
