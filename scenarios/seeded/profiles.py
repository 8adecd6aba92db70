"""Profiles of drawn drills: how long, how busy, how rough.

A profile is data: what may come next, and how likely each of it is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from scenarios.seeded import deeds, troubles
from scenarios.seeded.sketch import Sketch

Act = Callable[[Sketch], None]


@dataclass(frozen=True)
class Profile:
    """What drills of a kind are made of.

    Attributes:
        acts: what may come next, and its weight.
        least, most: how many acts a drill has.
        mends: how often in a hundred acts something broken is mended meanwhile.
        title: what it is like, for people.
    """

    title: str
    acts: Sequence[tuple[Act, int]]
    least: int
    most: int
    mends: int


PROFILES: Mapping[str, Profile] = {
    "calm": Profile(
        "a month of an ordinary pair, at most one thing goes wrong at a time",
        (
            (deeds.work, 8),
            (deeds.days, 10),
            (deeds.run_by_hand, 3),
            (deeds.settings, 1),
            (deeds.click_in_vain, 1),
            (deeds.reboot, 1),
            (troubles.transfer, 2),
            (troubles.mail, 1),
        ),
        least=10,
        most=16,
        mends=60,
    ),
    "rough": Profile(
        "some bad days: faults of every family, and an administrator who is not always careful",
        (
            (deeds.work, 8),
            (deeds.some_time, 8),
            (deeds.run_by_hand, 4),
            (deeds.job, 3),
            (deeds.settings, 2),
            (deeds.newest_backup, 1),
            (deeds.wrong_password, 1),
            (deeds.licence, 1),
            (deeds.update, 1),
            (deeds.meddle, 3),
            (deeds.click_in_vain, 2),
            (deeds.reboot, 2),
            (deeds.fail_over, 3),
            (deeds.roll_back, 6),
            (troubles.transfer, 3),
            (troubles.line, 4),
            (troubles.box, 3),
            (troubles.host_key, 1),
            (troubles.mail, 2),
            (troubles.in_a_run, 5),
            (troubles.in_a_switchover, 2),
        ),
        least=6,
        most=14,
        mends=30,
    ),
    "hell": Profile(
        "everything at once, and clocks that jump",
        (
            (deeds.work, 5),
            (deeds.some_time, 6),
            (deeds.run_by_hand, 4),
            (deeds.job, 3),
            (deeds.settings, 1),
            (deeds.newest_backup, 1),
            (deeds.wrong_password, 1),
            (deeds.licence, 2),
            (deeds.update, 2),
            (deeds.clock, 2),
            (deeds.meddle, 4),
            (deeds.click_in_vain, 3),
            (deeds.reboot, 3),
            (deeds.fail_over, 4),
            (deeds.roll_back, 9),
            (troubles.transfer, 4),
            (troubles.line, 6),
            (troubles.loose_cable, 1),
            (troubles.box, 5),
            (troubles.host_key, 1),
            (troubles.crash, 3),
            (troubles.standstill, 2),
            (troubles.mail, 3),
            (troubles.stranger, 1),
            (troubles.in_a_run, 9),
            (troubles.in_a_switchover, 4),
        ),
        least=12,
        most=30,
        mends=15,
    ),
}
