"""Draws a plan: of a seed and a profile, the same one anywhere."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from scenarios.seeded.draws import Draws
from scenarios.seeded.profiles import PROFILES, Profile
from scenarios.seeded.sketch import Sketch, Step
from scenarios.seeded.tolerances import tolerances

Document = dict[str, Any]  # a scenario as its file has it

_STARTS = ("2025-01-14 09:00", "2025-02-27 16:30", "2025-03-28 22:00", "2025-10-24 01:00")
_EVERY = (("1 day", 6), ("12 h", 2), ("6 h", 1), ("1 week", 1))
_COVERS = ["R3", "R5", "R23", "R24", "R46", "D2", "D5", "D6", "D8", "D9", "D14"]
_LIVENESS: tuple[Step, ...] = (
    {"power on": "pbx1"},
    {"power on": "pbx2"},
    {"wait for the operator": "2 h"},
    {"run now": "pbx1"},
    {"run now": "pbx2"},
    {"wait for the operator": "2 h"},
)


def scenario_id(seed: int, profile: str) -> str:
    """Return what the drill of a seed is called."""
    return f"drill-{profile}-{seed}"


def draw(seed: int, profile: str, commit: str) -> Document:
    """Draw the plan of a seed.

    Args:
        seed: any number from 0 on.
        profile: a name of `PROFILES`.
        commit: of the project, for the plan's header.
    """
    draws = Draws(f"{profile}/{seed}")
    steps = list(_steps(draws, PROFILES[profile]))
    return {
        "id": scenario_id(seed, profile),
        "title": f"Seed {seed}: {PROFILES[profile].title}",
        "covers": list(_COVERS),
        "drawn": {"seed": seed, "profile": profile, "commit": commit},
        "manner": "exploring",
        "lab": _lab(draws),
        "start": "initialised",
        "steps": steps,
        "tolerate": list(tolerances(steps)),
        "expect": [{"protected": "the pair"}],
    }


def _lab(draws: Draws) -> Document:
    every, first = draws.weighed(_EVERY), draws.one_of(("2 min", "1 h", "5 h"))
    return {
        "users": draws.between(2, 5),
        "starts": draws.one_of(_STARTS),
        "schedule": {"every": every, "first in": first},
        "attempts max": draws.between(1, 4),
        "boot address check": "yes",
    }


def _steps(draws: Draws, profile: Profile) -> Iterator[Step]:
    """Yield what happens, then how everything is mended, then what must work again."""
    sketch = Sketch(draws)
    for _ in range(draws.between(profile.least, profile.most)):
        draws.weighed(profile.acts)(sketch)
        if draws.chance(profile.mends):
            sketch.mend_one()
    sketch.mend_all()
    yield from sketch.steps
    yield from _LIVENESS
