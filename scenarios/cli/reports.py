"""`report`: what a stored run tells an auditor."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("folder", type=click.Path(path_type=Path), metavar="RUN")
@click.option(
    "--language",
    type=click.Choice(["de", "en"]),
    help="Only this one; without it both: report.html (German), report.en.html.",
)
@click.option(
    "--previous",
    type=click.Path(path_type=Path),
    help="The run to compare with; without it the one before of the same scenario and backend.",
)
@click.option(
    "--cover",
    type=click.Path(path_type=Path),
    help="A YAML file with what only the operator knows: classification, distribution, trigger, "
    "recovery plan, lead, operator, observer, next date.",
)
def report(
    *, folder: Path, language: str | None, previous: Path | None, cover: Path | None
) -> None:
    """Write the drill report of a stored run: one HTML file that needs nothing else."""
    from scenarios.checkers import judge  # noqa: PLC0415 - imported when it is used
    from scenarios.evidence import REPORTS, load  # noqa: PLC0415 - same
    from scenarios.reporting.cover import read_cover  # noqa: PLC0415 - same
    from scenarios.reporting.writing import Request, write_reports  # noqa: PLC0415 - same

    record = load(folder)
    request = Request(
        languages=tuple(REPORTS) if language is None else (language,),
        previous=previous,
        cover=None if cover is None else read_cover(cover),
    )
    for path in write_reports(folder, record, judge(record), request):
        click.echo(path)
