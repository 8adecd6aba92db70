"""Chance that a seed determines."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TypeVar

One = TypeVar("One")


class Dice:
    """Bytes and choices that a seed and a purpose determine."""

    def __init__(self, *words: object) -> None:
        self._words = "/".join(str(one) for one in words)

    def draw(self, length: int, *purpose: object) -> bytes:
        """Return bytes for a purpose."""
        name = "/".join([self._words, *(str(one) for one in purpose)])
        return hashlib.shake_128(name.encode()).digest(length)

    def below(self, limit: int, *purpose: object) -> int:
        """Return a number from 0 to limit - 1."""
        return int.from_bytes(self.draw(8, *purpose), "big") % limit

    def pick(self, choices: Sequence[One], *purpose: object) -> One:
        """Return one of several."""
        return choices[self.below(len(choices), *purpose)]
