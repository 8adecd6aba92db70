"""`sync` and `switchover`: operate the pair of a lab that is up."""

from __future__ import annotations

import textwrap

import click

from scenarios.cli.labs import lab_name
from scenarios.cli.output import show_json, with_format

PAGE_WIDTH = 76  # of what a page says, indented on a terminal of 80 columns
_NAME = click.argument("name", required=False, callback=lab_name)


@click.command()
@_NAME
@with_format
def sync(*, name: str | None, form: str) -> None:
    """Run the transfer to the standby now, on the current active, and wait for its outcome."""
    from scenarios.operating import sync_now  # noqa: PLC0415 - imported when it is used
    from scenarios.staying import attached  # noqa: PLC0415 - same

    with attached(name) as opened:
        run = sync_now(opened.lab)
    if form == "json":
        show_json(run)
    else:
        causes = f" ({', '.join(run['causes'])})" if run["causes"] else ""
        click.echo(f"run {run['run']} on {run['node']}: {run['outcome']}{causes}")
    if run["outcome"] != "succeeded":
        log = f"standby-lab exec --lab {opened.lab.spec.name} {run['node']} -- appliancectl"
        click.echo(f"what went wrong, step by step: {log} redundancy log", err=True)
        raise click.exceptions.Exit(1)


@click.command()
@_NAME
@with_format
def switchover(*, name: str | None, form: str) -> None:
    """Switch over at the standby's page, as an administrator would."""
    from scenarios.operating import switch_now  # noqa: PLC0415 - imported when it is used
    from scenarios.staying import attached  # noqa: PLC0415 - same

    with attached(name) as opened:
        decision = switch_now(opened.lab, opened.access)
    if form == "json":
        show_json(decision)
    else:
        click.echo(f"{decision['node']}: {decision['outcome']}, its page answers:")
        click.echo(textwrap.indent(textwrap.fill(decision["text"], PAGE_WIDTH), "  "))
    if decision["outcome"] != "claimed":
        raise click.exceptions.Exit(1)
