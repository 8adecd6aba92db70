"""What a power cut may leave of what was written and not synced.

POSIX promises nothing of it: each change of names may have reached the disk or not, whatever
was changed before or after it, and of each file nothing, the first half, or all of the bytes.
All combinations are the *survivors* of one power cut. Where there are more than a bound
allows, these are taken first, in this order: the least, the most, what a disk that keeps the
order would leave (each prefix), each change alone, each change missing, then the rest.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import islice, product
from math import prod


class Part(Enum):
    """How much of a pending change is left."""

    NOTHING = 0
    HALF = 1
    ALL = 2


@dataclass(frozen=True)
class Survivor:
    """One thing that a power cut may leave.

    Attributes:
        kept: a part for each pending change; those that are not named are lost.
    """

    kept: tuple[Part, ...] = ()

    def parts(self, number: int) -> tuple[Part, ...]:
        """Return a part for each of so many changes."""
        return (self.kept + (Part.NOTHING,) * number)[:number]

    def __str__(self) -> str:
        """Show a sign a change: lost, half, kept."""
        return "".join("-h+"[one.value] for one in self.kept) or "least"


LEAST = Survivor()


@dataclass(frozen=True)
class Survivors:
    """The survivors of one power cut.

    Attributes:
        examined: as many as the bound allows, the least first.
        possible: how many there are.
    """

    examined: tuple[Survivor, ...]
    possible: int


def survivors(pending: Sequence[Sequence[Part]], bound: int) -> Survivors:
    """List what a power cut may leave.

    Args:
        pending: for each pending change, which parts of it may be left (`SimDisk.pending`).
        bound: how many survivors are listed at most.
    """
    chosen = dict.fromkeys(islice(_in_order(pending), bound * 8))  # some come more than once
    possible = prod(len(parts) for parts in pending)
    return Survivors(tuple(Survivor(one) for one in islice(chosen, bound)), possible)


def _in_order(pending: Sequence[Sequence[Part]]) -> Iterator[tuple[Part, ...]]:
    size = len(pending)
    most = tuple(parts[-1] for parts in pending)
    least = tuple(parts[0] for parts in pending)
    yield least
    yield most
    for length in range(1, size):
        yield most[:length] + least[length:]
    for place in range(size):
        for part in pending[place][1:]:
            yield (*least[:place], part, *least[place + 1 :])
        for part in pending[place][:-1]:
            yield (*most[:place], part, *most[place + 1 :])
    yield from product(*pending)
