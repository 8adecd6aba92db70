"""Tables for people, JSON for programs."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Sequence
from typing import Any

import click


def with_format(command: Callable[..., None]) -> Callable[..., None]:
    """Add `--format table|json` to a command, which gets it as `form`.

    Inside click it keeps the name `format`, so that the variable is called so, too.
    """

    @functools.wraps(command)
    def renamed(**options: Any) -> None:
        command(form=options.pop("format"), **options)

    option = click.option(
        "--format",
        type=click.Choice(["table", "json"]),
        default="table",
        show_default=True,
        help="For people or for programs.",
    )
    return option(renamed)


def show_json(value: Any) -> None:
    """Write a JSON document."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False, default=str))


def show_table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Write a table; narrow, so that it survives a pipe."""
    from rich.console import Console  # noqa: PLC0415 - rich is loaded where a table is shown
    from rich.table import Table  # noqa: PLC0415 - same

    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(str(cell) for cell in row))
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=_widest(columns, rows))
    with console.capture() as captured:
        console.print(table)
    for line in captured.get().splitlines():
        click.echo(line.rstrip())


def _widest(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> int:
    """Return the width at which nothing is folded."""
    lines = [columns, *rows]
    return sum(max(len(str(line[at])) for line in lines) + 2 for at in range(len(columns)))
