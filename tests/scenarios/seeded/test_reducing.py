"""Shrinking keeps the failure and leaves out everything else."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from scenarios.seeded.reducing import closed, ddmin, reduce

Steps = list[dict[str, Any]]
STEPS = st.lists(st.integers(0, 30), min_size=1, max_size=25, unique=True)


@given(STEPS, st.data())
def test_what_is_left_fails_and_no_part_of_it_can_go(parts: list[int], data: st.DataObject) -> None:
    needed = set(data.draw(st.lists(st.sampled_from(parts), min_size=1, max_size=4)))

    kept = ddmin(parts, lambda some: needed <= set(some))

    assert set(kept) == needed
    assert kept == [one for one in parts if one in needed]


@given(STEPS)
def test_where_order_and_number_matter_one_step_less_would_pass(parts: list[int]) -> None:
    def fails(some: list[int]) -> bool:
        return sum(some) >= sum(parts) // 2

    kept = ddmin(parts, fails)

    assert fails(kept)
    assert not any(fails(kept[:at] + kept[at + 1 :]) for at in range(len(kept)))


def test_a_heal_goes_with_its_fault_and_an_edit_with_its_change() -> None:
    steps: Steps = [
        {"heal": "gone"},
        {"drop": {"from": "pbx1", "to": "pbx2", "as": "there"}},
        {"heal": "there"},
        {"change": {"on": "pbx1", "edit": "nobody"}},
        {"when": {"on": "pbx1", "event": "run.started", "do": {"power off": "pbx1"}, "as": "m"}},
        {"heal": "m"},
        {"start job": {"on": "pbx1", "job": "never-added"}},
    ]

    assert closed(steps) == [steps[1], steps[2], steps[4], steps[5]]


def test_numbers_become_small_and_round_and_the_lab_plain() -> None:
    document: dict[str, Any] = {
        "id": "x",
        "lab": {"users": 7, "schedule": {"every": "12 h", "first in": "5 h"}, "attempts max": 4},
        "start": "initialised",
        "steps": [{"wait": "47 s"}, {"run now": "pbx1"}, {"wait for the operator": "3 days"}],
    }

    def fails(some: dict[str, Any]) -> bool:
        waits = [one["wait"] for one in some["steps"] if "wait" in one]
        return any(float(one.split()[0]) >= 5 for one in waits)

    small = reduce(document, fails)

    assert small["steps"] == [{"wait": "5 s"}]
    assert small["lab"] == {"schedule": {"every": "0 day", "first in": "0 min"}}
    assert "start" not in small


def test_a_plan_that_needs_all_of_it_stays_as_it_is() -> None:
    document: dict[str, Any] = {"id": "x", "lab": {"users": 1}, "steps": [{"a": "b"}]}

    assert reduce(document, lambda some: some == document) == document
