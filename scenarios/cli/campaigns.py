"""`campaign`, `reach`: drills by the thousand, and which rare states they have seen."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from scenarios.cli.output import show_json, show_table, with_format
from scenarios.cli.seeded import PROFILE, RUNS

if TYPE_CHECKING:
    from scenarios.seeded.campaign import Tally
    from scenarios.seeded.trying import Failure

_FAILURES = "failures"
_SHOWN = 8
_EVERY = 50  # drills, between two lines where there is no terminal


class SeedRange(click.ParamType[range]):
    """`1..5000`: every seed from the first to the last one."""

    name = "A..B"

    def convert(self, value: Any, param: Any, ctx: Any) -> range:
        """Read it; a usage error where it is none."""
        first, dots, last = str(value).partition("..")
        if not dots or not (first.isdigit() and last.isdigit()) or int(first) > int(last):
            self.fail(f"{value!r} is no range; write it as in 1..5000", param, ctx)
        return range(int(first), int(last) + 1)


class Shard(click.ParamType[tuple[int, int]]):
    """`2/3`: the second of three equal parts."""

    name = "i/n"

    def convert(self, value: Any, param: Any, ctx: Any) -> tuple[int, int]:
        """Read it; a usage error where it is none."""
        part, slash, parts = str(value).partition("/")
        if not slash or not (part.isdigit() and parts.isdigit()):
            self.fail(f"{value!r} is no shard; write it as in 1/4", param, ctx)
        if not 1 <= int(part) <= int(parts):
            self.fail(f"{value!r}: there are the shards 1/{parts} to {parts}/{parts}", param, ctx)
        return int(part), int(parts)


@click.command()
@click.option("--seeds", type=SeedRange(), default="1..1000", show_default=True)
@PROFILE
@click.option("-j", "--jobs", type=click.IntRange(1), help="Processes; default: one a core.")
@click.option("--shard", type=Shard(), default="1/1", help="Only this part of the seeds.")
@click.option("--minutes", type=click.FloatRange(min=0), help="Begin no more after so long.")
@click.option("--stop-on-first", is_flag=True, help="Begin no more once a drill has failed.")
@RUNS
@with_format
def campaign(*, form: str, runs: Path, **options: Any) -> None:
    """Make every drill of a range of seeds that was not made yet, and judge it.

    What ended is in RUNS/campaign.jsonl, so a campaign that was killed goes on where it was.
    For each cause of failure one drill is made small and filed under RUNS/failures/.
    """
    from scenarios.making import commit  # noqa: PLC0415 - imported when it is used
    from scenarios.seeded import campaign as campaigns  # noqa: PLC0415 - same
    from scenarios.seeded.store import Store  # noqa: PLC0415 - same

    part, parts = options["shard"]
    jobs = options["jobs"] or os.cpu_count() or 1
    now_s = _stopwatch()
    limit_s = None if options["minutes"] is None else options["minutes"] * 60 + now_s()
    terms = campaigns.Terms(
        seeds=options["seeds"][part - 1 :: parts],
        profile=options["profile"],
        commit=commit(),
        jobs=jobs,
        stop_on_first=options["stop_on_first"],
        enough=lambda: limit_s is not None and now_s() >= limit_s,
    )
    total = len(options["seeds"][part - 1 :: parts])
    began_s = now_s()
    with _live(total, now_s, quiet=form == "json") as told:
        tally = campaigns.campaign(terms, Store(runs / "campaign.jsonl"), told)
    took_s = now_s() - began_s
    with _shrinking(quiet=form == "json") as shrinking:
        filed = dict(campaigns.file_failures(tally, terms, runs / _FAILURES, shrinking))
    if form == "json":
        show_json(_as_json(tally, filed, total, took_s))
    else:
        _show(tally, filed, total, took_s)
    raise click.exceptions.Exit(_exit_code(tally))


@click.command()
@RUNS
@with_format
def reach(*, runs: Path, form: str) -> None:
    """Show how many drills saw each rare state; one that none saw is inconclusive (exit 3)."""
    from scenarios.seeded.campaign import Tally  # noqa: PLC0415 - imported when it is used
    from scenarios.seeded.reach import RARE  # noqa: PLC0415 - same
    from scenarios.seeded.store import Store  # noqa: PLC0415 - same

    tally = Tally({line.key: line for line in Store(runs / "campaign.jsonl").lines()})
    counts = tally.reached()
    if form == "json":
        show_json([{"state": name, "drills": counts[name]} for name in RARE])
    else:
        show_table(
            ("drills", "rare state"),
            [(counts[name] or "NONE", name) for name in sorted(RARE, key=lambda one: -counts[one])],
        )
        click.echo(
            f"\n{len(tally.lines)} drills; {sum(map(bool, counts.values()))} of "
            f"{len(RARE)} states were reached"
        )
    raise click.exceptions.Exit(0 if all(counts[name] for name in RARE) else 3)


def _stopwatch() -> Callable[[], float]:
    from emulator.clock import RealStopwatch  # noqa: PLC0415 - imported when it is used

    return RealStopwatch().now_s


def _causes(tally: Tally, filed: dict[Failure, Path]) -> Iterator[tuple[str, ...]]:
    for failure, lines in tally.causes().items():
        first = str(min(line.seed for line in lines))
        yield str(len(lines)), first, failure.invariant, failure.cause, str(filed.get(failure, ""))


def _as_json(tally: Tally, filed: dict[Failure, Path], total: int, took_s: float) -> dict[str, Any]:
    names = ("drills", "first_seed", "invariant", "cause", "scenario")
    return {
        "seeds": total,
        "judged": len(tally.lines),
        "fresh": tally.fresh,
        "ended_outside": tally.ended_outside,
        "took_s": round(took_s, 3),
        "verdicts": dict(tally.verdicts()),
        "failures": [dict(zip(names, row, strict=True)) for row in _causes(tally, filed)],
        "reached": dict(tally.reached()),
    }


def _show(tally: Tally, filed: dict[Failure, Path], total: int, took_s: float) -> None:
    rows = list(_causes(tally, filed))
    if rows:
        show_table(("drills", "first seed", "invariant", "cause", "scenario"), rows)
        click.echo()
    verdicts = ", ".join(f"{count} {name}" for name, count in tally.verdicts().items())
    rate = tally.fresh / took_s if took_s else 0.0
    click.echo(f"{len(tally.lines)} of {total} drills judged: {verdicts or 'none'}")
    click.echo(f"{tally.fresh} of them now, {rate:.1f} a second")
    if tally.ended_outside:
        click.echo(f"{tally.ended_outside} were ended from outside: start the campaign again")
    if not rows and len(tally.lines) < total:
        click.echo("not all of them: start the campaign again, it goes on there")


def _exit_code(tally: Tally) -> int:
    verdicts = tally.verdicts()
    for name, code in (("failed", 1), ("broken", 4), ("inconclusive", 3)):
        if verdicts[name]:
            return code
    return 0 if tally.lines and not tally.ended_outside else 3


@contextmanager
def _live(
    total: int, now_s: Callable[[], float], *, quiet: bool
) -> Iterator[Callable[[Tally], None]]:
    """Show how far a campaign is: a table that changes on a terminal, lines elsewhere."""
    began_s = now_s()
    if quiet:
        yield lambda _tally: None
        return
    from rich.console import Console  # noqa: PLC0415 - rich is loaded where it is shown
    from rich.live import Live  # noqa: PLC0415 - same
    from rich.text import Text  # noqa: PLC0415 - same

    console = Console()
    if not console.is_terminal:

        def line(tally: Tally) -> None:
            if tally.fresh and not tally.fresh % _EVERY:
                click.echo(_progress(tally, total, now_s() - began_s)[0])

        yield line
        return
    # No thread of its own draws it: the campaign forks.
    with Live(console=console, auto_refresh=False, transient=True) as live:
        yield lambda tally: live.update(
            Text("\n".join(_progress(tally, total, now_s() - began_s))), refresh=True
        )


def _progress(tally: Tally, total: int, passed_s: float) -> list[str]:
    rate = tally.fresh / passed_s if passed_s else 0.0
    causes = tally.causes()
    head = f"{len(tally.lines)} of {total} drills, {rate:.1f} a second, "
    head += f"{len(tally.reached())} rare states, {len(causes)} cause(s) of failure"
    lines = [f"{len(found):>6}  {failure}" for failure, found in causes.items()]
    return [head, *lines[:_SHOWN]]


@contextmanager
def _shrinking(*, quiet: bool) -> Iterator[Callable[[str, int, int], None]]:
    """Show how small the plan of a failure has become."""
    if quiet:
        yield lambda _name, _tries, _steps: None
        return
    told: set[str] = set()

    def tell(name: str, _tries: int, _steps: int) -> None:
        if name not in told:
            told.add(name)
            click.echo(f"making a plan small that fails: {name}")

    yield tell
