"""Numbers that a seed determines, under every version of Python and every hash seed."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import shake_128
from typing import TypeVar

T = TypeVar("T")
_BYTES = 8  # of a number; its bias towards small remainders is below one in 10**15


class Draws:
    """An endless series of numbers: SHAKE-128 of its name and a counter.

    Args:
        name: of the series; another name, another series.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._drawn = 0

    def below(self, end: int) -> int:
        """Draw one of 0 to end - 1."""
        self._drawn += 1
        drawn = shake_128(f"{self._name}/{self._drawn}".encode()).digest(_BYTES)
        return int.from_bytes(drawn, "big") % end

    def between(self, first: int, last: int) -> int:
        """Draw one of first to last, both included."""
        return first + self.below(last - first + 1)

    def chance(self, percent: int) -> bool:
        """Say yes so often in a hundred times."""
        return self.below(100) < percent

    def one_of(self, values: Sequence[T]) -> T:
        """Draw one, each as likely as any other."""
        return values[self.below(len(values))]

    def weighed(self, weights: Sequence[tuple[T, int]]) -> T:
        """Draw one, each as likely as its weight says."""
        number = self.below(sum(weight for _, weight in weights))
        for value, weight in weights:
            number -= weight
            if number < 0:
                return value
        raise ValueError("there is nothing to draw from: every weight is 0")
