"""What the three machines (run, switchover, rollback) share, and how any of them is driven.

A machine is a pure function `step(state, observation, …) -> (state, actions)`. Its executor
performs the actions in order; only the last one can yield the next observation.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

Seen = TypeVar("Seen")
Wanted = TypeVar("Wanted")


@dataclass(frozen=True)
class Tell:
    """An action: write an event into the journal."""

    event: str
    cause: str = ""
    detail: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Done:
    """An observation: the last action took effect."""

    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Failed:
    """An observation: the last action failed, or nobody knows (`definite` is False, D2)."""

    cause: str
    message: str
    definite: bool = True


def drive(
    seen: Seen,
    take: Callable[[Seen], Sequence[Wanted]],
    perform: Callable[[Wanted], Seen | None],
) -> None:
    """Feed observations to a machine until it asks for nothing that yields another one.

    Args:
        seen: the first observation.
        take: has the machine decide, keeps its state, and returns its actions.
        perform: carries one action out.
    """
    pending: Seen | None = seen
    while pending is not None:
        actions = take(pending)
        pending = None
        for action in actions:
            pending = perform(action)
