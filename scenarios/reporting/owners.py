"""Who had an address, as stations on the LAN saw it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from scenarios.record import Record

SILENCE_S = 0.5  # without an answer for longer nobody has the address; it is asked every 10 ms
_AGAIN_S = 1.0  # two boxes that answer in turn within this time are in conflict


@dataclass(frozen=True)
class Spell:
    """A time in which one box answered without a gap.

    Attributes:
        owner: the node, or the MAC of a stranger.
        since_s, until_s: first and last answer, in `Event.wall_s`.
    """

    owner: str
    since_s: float
    until_s: float


def spells(
    answers: Iterable[tuple[float, str]], record: Record, silence_s: float = SILENCE_S
) -> list[Spell]:
    """Join answers (when, MAC) to spells, in order of time; a longer silence ends one."""
    found: list[Spell] = []
    for at_s, mac in sorted(answers):
        last = found[-1] if found else None
        owner = record.name_of(mac)
        if last is not None and last.owner == owner and at_s - last.until_s <= silence_s:
            found[-1] = Spell(owner, last.since_s, at_s)
        else:
            found.append(Spell(owner, at_s, at_s))
    return found


def conflict_s(answers: Sequence[tuple[float, str]]) -> float:
    """Return for how long two boxes answered for one address in turn.

    One change of the owner is a takeover. A conflict is a change that is taken back within a
    second; it lasts from the first of such changes to the last.
    """
    ordered = sorted(answers)
    changes = [late for (_, one), (late, other) in pairwise(ordered) if one != other]
    return sum(late - early for early, late in pairwise(changes) if late - early <= _AGAIN_S)
