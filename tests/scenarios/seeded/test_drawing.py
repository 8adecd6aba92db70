"""Plans come from seeds alone, and are scenarios of the language."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from scenarios.loading import read
from scenarios.seeded.drawing import draw
from scenarios.seeded.draws import Draws
from scenarios.seeded.plans import document_of, in_words, plan_hash, scenario_of, text_of
from scenarios.seeded.profiles import PROFILES
from scenarios.seeded.trying import try_out

HASHES = """
from scenarios.seeded.drawing import draw
from scenarios.seeded.plans import plan_hash
print(*(plan_hash(draw(seed, "hell", "x")) for seed in range(8)))
"""


@pytest.mark.parametrize("profile", PROFILES)
def test_every_plan_is_a_scenario_of_the_language_and_survives_its_file(profile: str) -> None:
    for seed in range(25):
        document = draw(seed, profile, "abc")
        scenario = scenario_of(document)
        assert read(text_of(document), "plan") == scenario
        assert scenario_of(document_of(scenario)) == scenario


def test_a_plan_depends_on_its_seed_and_profile_alone() -> None:
    plans = {
        plan_hash(draw(seed, profile, commit))
        for seed in range(20)
        for profile in PROFILES
        for commit in ("abc", "def")
    }

    assert len(plans) == 20 * len(PROFILES)


def test_another_process_under_another_hash_seed_draws_the_same_plans() -> None:
    told = {
        subprocess.run(
            [sys.executable, "-c", HASHES],
            env={**os.environ, "PYTHONHASHSEED": seed, "LC_ALL": "C", "TZ": "Asia/Tokyo"},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }

    assert told == {" ".join(plan_hash(draw(seed, "hell", "x")) for seed in range(8)) + "\n"}


def test_the_numbers_of_a_series_are_those_of_any_python() -> None:
    draws = Draws("rough/1")

    assert [draws.below(1000) for _ in range(6)] == [511, 493, 714, 171, 765, 137]


def test_every_weight_is_heeded() -> None:
    draws = Draws("weights")
    drawn = [draws.weighed((("often", 3), ("never", 0), ("seldom", 1))) for _ in range(400)]

    assert 270 < drawn.count("often") < 330
    assert drawn.count("never") == 0


def test_a_plan_is_told_in_words_step_by_step() -> None:
    scenario = scenario_of(draw(3, "rough", "abc"))
    lines = list(in_words(scenario))

    assert lines[0] == "seed 3, profile rough"
    assert len(lines) == 2 + len(scenario.whole)
    assert lines[2] == " 1. initialise pbx2"


def test_every_plan_mends_what_it_breaks_and_ends_with_a_run() -> None:
    for seed in range(60):
        steps = draw(seed, "hell", "abc")["steps"]
        made = [spec["as"] for step in steps for spec in step.values() if _is_fault(step, spec)]
        healed = [step["heal"] for step in steps if "heal" in step]
        assert set(made) <= set(healed)
        assert [*steps[-3:-1]] == [{"run now": "pbx1"}, {"run now": "pbx2"}]


def _is_fault(step: dict[str, object], spec: object) -> bool:
    return isinstance(spec, dict) and "as" in spec and "change" not in step


CROWDED = """
id: crowded
title: More redirects than users, and a user who leaves with his
covers: [R4]
manner: exploring
lab: {users: 1, schedule: {every: 1 day, first in: 2 min}}
start: initialised
steps:
  - change: {on: pbx1, add: user, as: user-1}
  - change: {on: pbx1, add: redirect, as: redirect-1}
  - change: {on: pbx1, add: redirect, as: redirect-2}
  - change: {on: pbx1, add: redirect, as: redirect-3}
  - change: {on: pbx1, remove: user-1}
  - run now: pbx1
  - advance to the next run: {on: pbx1, within: 30 min}
expect:
  - protected: the pair
"""


def test_what_nobody_is_left_for_is_passed_over_and_what_left_with_a_user_is_not_missing() -> None:
    tried = try_out(read(CROWDED, "plan"), "abc")

    assert (tried.verdict, tried.evidence) == ("passed", ())
