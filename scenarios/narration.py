"""What a person sees while a drill runs: live on a terminal, plain lines elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol


class Narrator(Protocol):
    """Told what happens, as it happens."""

    def phase(self, name: str) -> None:
        """A phase begins."""

    def note(self, text: str) -> None:
        """One more line on what is being done."""

    def step(self, text: str, clock: Callable[[], float]) -> StepLine:
        """A step begins; the context says how it ended."""


class StepLine(Protocol):
    """A step that is being carried out."""

    def __enter__(self) -> Callable[[str], None]:
        """Return what is told of the step's progress; the last word stays."""

    def __exit__(self, *error: object) -> None:
        """End it: a tick, or a cross where an exception leaves it."""


@dataclass
class Lines:
    """Plain lines, one a step, for logs and pipes.

    Attributes:
        write: takes one line.
    """

    write: Callable[[str], None]

    def phase(self, name: str) -> None:
        """Write the name of the phase."""
        self.write(f"-- {name}")

    def note(self, text: str) -> None:
        """Write a line."""
        self.write(f"   {text}")

    @contextmanager
    def step(self, text: str, clock: Callable[[], float]) -> Iterator[Callable[[str], None]]:
        """Write one line when the step has ended."""
        began_s = clock()
        last = [""]
        mark = "failed"
        try:
            yield last.append
            mark = "ok"
        finally:
            self.write(f"   {mark:<6} {text}: {last[-1]} [{clock() - began_s:.1f} s]")
