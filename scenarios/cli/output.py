"""Tables for people, JSON for programs."""

from __future__ import annotations

import functools
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
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


@contextmanager
def progress_bars() -> Iterator[Callable[[str], Callable[[int, int], None]]]:
    """Show a bar for each thing that is under way, on a terminal only.

    Yields what makes a bar of a name; that bar is told how much is done, and of how much.
    """
    from rich.console import Console  # noqa: PLC0415 - rich is loaded where it is shown
    from rich.progress import (  # noqa: PLC0415 - same
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    console = Console(stderr=True)
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn()
    times = TimeElapsedColumn(), TimeRemainingColumn()
    # No thread of its own draws it: what is under way may fork.
    with Progress(
        *columns,
        *times,
        console=console,
        auto_refresh=False,
        transient=True,
        redirect_stdout=False,
        redirect_stderr=False,
        disable=not console.is_terminal,
    ) as shown:

        def bar(name: str) -> Callable[[int, int], None]:
            task = shown.add_task(name, total=None)

            def told(done: int, of: int) -> None:
                shown.update(task, completed=done, total=of, refresh=True)

            return told

        yield bar


def show_table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Write a table. Words are kept whole: where even so it is too wide, a block for each row."""
    from rich.console import Console  # noqa: PLC0415 - rich is loaded where a table is shown
    from rich.table import Table  # noqa: PLC0415 - same
    from rich.text import Text  # noqa: PLC0415 - same

    texts = [[str(cell) for cell in row] for row in rows]
    console = Console(highlight=False)
    if not console.is_terminal:  # nothing is folded in a pipe
        console = Console(highlight=False, width=_width(columns, texts, len))
    if _width(columns, texts, _longest_word) > console.width:
        _show_blocks(columns, texts)
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for at, column in enumerate(columns):
        words = max(_longest_word(line[at]) for line in [columns, *texts])
        table.add_column(column, overflow="fold", min_width=words)
    for row in texts:
        table.add_row(*map(Text, row))  # as it stands: `:cd:` is a part of a MAC, and no picture
    with console.capture() as captured:
        console.print(table)
    for line in captured.get().splitlines():
        click.echo(line.rstrip())


def _show_blocks(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    indent = max(map(len, columns)) + 2
    for number, row in enumerate(rows):
        if number:
            click.echo()
        for column, text in zip(columns, row, strict=True):
            click.echo(f"{column:<{indent}}{text}".rstrip())


def _width(
    columns: Sequence[str], rows: Sequence[Sequence[str]], measure: Callable[[str], int]
) -> int:
    """Return the width that a table needs, by what its cells need."""
    lines = [columns, *rows]
    return sum(max(measure(line[at]) for line in lines) + 2 for at in range(len(columns))) - 2


def _longest_word(text: str) -> int:
    return max(map(len, text.split()), default=0)


@contextmanager
def filling() -> Iterator[Callable[[str, float], None]]:
    """Give what shows how far something is: a bar on a terminal, elsewhere a line a quarter.

    Lines read `WHAT: HOW MUCH`; there is a bar for each WHAT. On standard error.
    """
    if not sys.stderr.isatty():
        shown: dict[str, int] = {}
        yield lambda line, done: _tell(shown, line, done)
        return
    from rich.console import Console  # noqa: PLC0415 - rich is loaded where a bar is shown
    from rich.progress import Progress, TaskID  # noqa: PLC0415 - same

    bars: dict[str, TaskID] = {}
    console = Console(stderr=True)
    with Progress(
        console=console, transient=True, redirect_stdout=False, redirect_stderr=False
    ) as progress:

        def show(line: str, done: float) -> None:
            what = line.partition(":")[0]
            if what not in bars:
                bars[what] = progress.add_task(what, total=1.0)
            progress.update(bars[what], completed=done, description=line)
            if done >= 1:
                progress.remove_task(bars.pop(what))

        yield show


def _tell(shown: dict[str, int], line: str, done: float) -> None:
    what, quarter = line.partition(":")[0], int(4 * done)
    if quarter > shown.get(what, 0):
        shown[what] = quarter
        click.echo(f"{done:4.0%} {line}", err=True)
