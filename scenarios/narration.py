"""What a person sees while a drill runs: live on a terminal, plain lines elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from rich.console import Console

Say = Callable[[str], None]


class Narrator(Protocol):
    """Told what happens, as it happens."""

    def phase(self, name: str) -> None:
        """Begin a phase."""

    def note(self, text: str) -> None:
        """Say one thing more."""

    def step(self, text: str) -> AbstractContextManager[Say]:
        """Begin a step; what is said within it is its progress, the last word its result.

        The end of the context is the end of the step: a tick, or a cross where an
        exception leaves it.
        """


class Lines:
    """Plain lines, one a step, for logs and pipes.

    Args:
        write: takes one line.
        clock: real seconds.
    """

    def __init__(self, write: Callable[[str], None], clock: Callable[[], float]) -> None:
        self._write = write
        self._clock = clock

    def phase(self, name: str) -> None:
        """Write the name of the phase."""
        self._write(f"-- {name}")

    def note(self, text: str) -> None:
        """Write a line."""
        self._write(f"   {text}")

    @contextmanager
    def step(self, text: str) -> Iterator[Say]:
        """Write one line when the step has ended."""
        began_s = self._clock()
        said: list[str] = []
        mark = "failed"
        try:
            yield said.append
            mark = "ok"
        finally:
            result = f": {said[-1]}" if said else ""
            self._write(f"   {mark:<6} {self._clock() - began_s:6.2f} s  {text}{result}")


class Live:
    """A terminal: the step under way turns, finished ones stay with tick and time.

    What is told goes through `escape`: brackets in it are text, not styles.

    Args:
        console: rich's; it honours NO_COLOR.
        clock: real seconds.
    """

    def __init__(self, console: Console, clock: Callable[[], float]) -> None:
        from rich.markup import escape  # noqa: PLC0415 - rich is loaded where it is shown

        self._escape = escape
        self._console = console
        self._clock = clock

    def phase(self, name: str) -> None:
        """Write the name of the phase."""
        self._console.print(f"[bold]{name}[/bold]")

    def note(self, text: str) -> None:
        """Write a line."""
        self._console.print(f"  [dim]{self._escape(text)}[/dim]", highlight=False)

    @contextmanager
    def step(self, text: str) -> Iterator[Say]:
        """Show the step while it runs, then one line for good."""
        began_s = self._clock()
        said: list[str] = []
        mark = "[red]✗[/red]"
        shown = self._escape(text)
        with self._console.status(shown) as status:

            def say(word: str) -> None:
                said.append(word)
                status.update(f"{shown}: {self._escape(word)}")

            try:
                yield say
                mark = "[green]✓[/green]"
            finally:
                result = f" [dim]{self._escape(said[-1])}[/dim]" if said else ""
                took = f"{self._clock() - began_s:6.2f} s"
                self._console.print(f"  {mark} {took}  {shown}{result}", highlight=False)


class Silence:
    """Says nothing: for programs that want the outcome only."""

    def phase(self, name: str) -> None:
        """Keep quiet."""

    def note(self, text: str) -> None:
        """Keep quiet."""

    @contextmanager
    def step(self, text: str) -> Iterator[Say]:
        """Keep quiet about a step and its progress."""
        del text
        yield lambda _word: None
