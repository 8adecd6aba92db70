"""The machine of a rollback, tested without doubles."""

from __future__ import annotations

from dataclasses import replace

import pytest

from redundancy import rollback as rb

FACTS = rb.Facts(
    box="acting", generation=9, at_old_address=False, address_silent=True,
    licensed=True, addressed=True, protected=True,
)  # fmt: skip


def facts(step: rb.Name) -> rb.Facts:
    return replace(FACTS, box=rb.BOX[step])


def done(count: int) -> rb.State:
    state = rb.State("rollback-1")
    for name in rb.ORDER[:count]:
        state, _ = rb.step(state, rb.Advance(name, facts(name)))
    return state


@pytest.mark.covers("R57")
def test_the_seven_steps_in_order_finish_the_rollback() -> None:
    state = done(7)
    assert state.next is None
    assert state.generation == 9


@pytest.mark.parametrize("position", range(7))
@pytest.mark.covers("R57", "B2")
def test_a_step_out_of_order_is_refused_and_a_finished_one_changes_nothing(position: int) -> None:
    state = done(position)
    for later in rb.ORDER[position + 1 :]:
        after, told = rb.step(state, rb.Advance(later, facts(later)))
        assert after == state
        assert told[0].cause == "out-of-order"
    for earlier in rb.ORDER[:position]:
        assert rb.step(state, rb.Advance(earlier, facts(earlier))) == (state, [])


@pytest.mark.parametrize(
    ("step", "change", "cause"),
    [
        ("backup", {"generation": None}, "no-backup"),
        ("readdress", {"at_old_address": True}, "still-at-the-address"),
        ("shutdown", {"address_silent": False}, "address-answers"),
        ("import", {"generation": 8}, "other-generation"),
        ("identity", {"addressed": False}, "address-not-adapted"),
        ("identity", {"licensed": False}, "licences-missing"),
        ("redundancy", {"protected": False}, "no-run-since"),
        ("import", {"box": "standby"}, "wrong-appliance"),
    ],
)
def test_a_step_whose_check_fails_is_refused_with_the_reason(
    step: rb.Name, change: dict[str, object], cause: str
) -> None:
    state = done(rb.ORDER.index(step))
    after, told = rb.step(state, rb.Advance(step, replace(facts(step), **change)))
    assert after == state
    assert (told[0].event, told[0].cause) == ("rollback.refused", cause)
