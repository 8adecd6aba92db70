"""The machine of a rollback, tested without doubles."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from redundancy import machine, replay, rollback_steps
from redundancy import rollback as rb
from redundancy.contract import NetworkSettings
from redundancy.journal import Record
from redundancy.role import Roles

NETWORK = NetworkSettings(address="198.18.0.10", prefix=24, gateway="198.18.0.1")
BEGAN = rb.Began("rollback-1", 2, "hw-pbx2", NETWORK)
GOOD = rollback_steps.Facts(
    part="acting", at_address=False, file="full.sar", carried=True, licensed=True,
    holds=True, protected=True,
)  # fmt: skip
AFTER = {"backup": {"file": "full.sar"}, "readdress": {"lost": ["users/7"]}}
ACTING = Roles("standby", "active")


def facts(step: rollback_steps.Order, **changes: object) -> rollback_steps.Facts:
    at_address = step in {"identity", "abandon", "phones"}
    good = replace(
        GOOD, part=rollback_steps.PARTS[step][0], at_address=at_address, holds=step == "identity"
    )
    return replace(good, **changes)


def begun() -> rb.State:
    return rb.step(rb.State(), BEGAN)[0]


def ask(
    state: rb.State, step: rollback_steps.Order, **changes: object
) -> tuple[rb.State, list[rb.Action]]:
    return rb.step(state, rb.Asked(step, "admin", facts(step, **changes)))


def carry_out(state: rb.State, step: rollback_steps.Order) -> tuple[rb.State, list[rb.Action]]:
    asked, actions = ask(state, step)
    if asked.asked is None:
        return asked, actions
    done, more = rb.step(asked, rb.Acted(facts(step), AFTER.get(step, {})))
    return done, [*actions, *more]


def done(count: int) -> rb.State:
    state = begun()
    for name in rollback_steps.ORDER[:count]:
        state, _ = carry_out(state, name)
    assert state.done == count
    return state


def told(actions: list[rb.Action]) -> list[tuple[str, str]]:
    return [(one.event, one.cause) for one in actions if isinstance(one, machine.Tell)]


def answers(actions: list[rb.Action]) -> list[str]:
    return [f"{one.outcome} {one.code}" for one in actions if isinstance(one, rb.Answer)]


@pytest.mark.covers("R57", "R58")
def test_the_seven_steps_in_order_finish_the_rollback() -> None:
    state, actions = carry_out(done(6), "redundancy")
    assert state.next is None
    assert told(actions)[-2:] == [("rollback.step", "redundancy"), ("rollback.finished", "")]
    assert (state.file, state.lost) == ("full.sar", ("users/7",))


@pytest.mark.parametrize("position", range(7))
@pytest.mark.covers("R57", "B2")
def test_a_step_out_of_order_is_refused_and_the_next_one_is_named(position: int) -> None:
    state = done(position)
    for later in rollback_steps.ORDER[position + 1 :]:
        after, actions = ask(state, later)
        assert replace(after, asked=None) == state
        assert told(actions) == [("rollback.refused", "out-of-order")]
        assert actions[-1].reasons == (("next", rollback_steps.ORDER[position]),)


@pytest.mark.parametrize("position", range(7))
def test_a_finished_step_is_answered_and_changes_nothing(position: int) -> None:
    state = done(position)
    for earlier in set(rollback_steps.ORDER[:position]) - {"shutdown"}:
        after, actions = ask(state, earlier)
        assert after == state
        assert answers(actions) == ["done already"]
        assert told(actions) == []


@pytest.mark.parametrize("step", rollback_steps.ORDER)
@pytest.mark.parametrize("part", ["acting", "original", "standby"])
@pytest.mark.covers("R57")
def test_a_step_belongs_to_its_appliance(
    step: rollback_steps.Name, part: rollback_steps.Part
) -> None:
    state = done(rollback_steps.ORDER.index(step))
    _, actions = ask(state, step, part=part)
    refused = ("rollback.refused", "wrong-appliance") in told(actions)
    assert refused is (part not in rollback_steps.PARTS[step])


@pytest.mark.parametrize(
    ("step", "change", "cause"),
    [
        ("readdress", {"file": ""}, "no-backup"),
        ("readdress", {"answered_by": ("02:00",)}, "address-answers"),
        ("shutdown", {"at_address": True}, "still-at-the-address"),
        ("import", {"carried": False}, "other-backup"),
        ("import", {"answered_by": ("02:00",)}, "address-answers"),
        ("identity", {"licensed": False}, "licences-missing"),
        ("identity", {"answered_by": ("02:00",)}, "address-answers"),
        ("redundancy", {"protected": False}, "not-protected"),
    ],
)
@pytest.mark.covers("R57", "R58", "D5")
def test_a_step_whose_check_fails_is_refused_and_mailed_before_anything_is_done(
    step: rollback_steps.Name, change: dict[str, object], cause: str
) -> None:
    state = done(rollback_steps.ORDER.index(step))
    after, actions = ask(state, step, **change)
    assert after == state
    assert told(actions) == [("rollback.refused", cause)]
    assert not any(isinstance(one, rb.Act | rb.PowerOff) for one in actions)
    assert [one.cause for one in actions if isinstance(one, rb.Notify)] == [cause]
    if cause == "address-answers":
        assert actions[-1].reasons == (("mac", "02:00"),)


@pytest.mark.parametrize(
    ("step", "change", "cause"),
    [
        ("backup", {"file": ""}, "no-backup"),
        ("readdress", {"at_address": True}, "still-at-the-address"),
        ("identity", {"at_address": False}, "address-not-adapted"),
        ("identity", {"holds": False}, "epoch-not-opened"),
    ],
)
def test_a_step_without_effect_is_not_done(
    step: rollback_steps.Name, change: dict[str, object], cause: str
) -> None:
    state = done(rollback_steps.ORDER.index(step))
    asked, _ = ask(state, step)
    after, actions = rb.step(asked, rb.Acted(facts(step, **change)))
    assert after == state
    assert told(actions) == [("rollback.refused", cause)]


def test_an_action_that_fails_leaves_the_step_due() -> None:
    state = done(1)
    asked, _ = ask(state, "readdress")
    after, actions = rb.step(asked, machine.Failed("disk-full", "the disk is full"))
    assert after == state
    assert answers(actions) == ["refused disk-full"]


def test_steps_that_end_the_persons_way_are_answered_before_they_are_done() -> None:
    _, actions = ask(done(1), "readdress")
    assert [type(one) for one in actions] == [machine.Tell, rb.Answer, rb.Act]
    _, actions = ask(done(2), "shutdown")
    assert answers(actions)[0] == "accepted shutdown"
    assert told(actions)[-1] == ("rollback.step", "shutdown")
    assert isinstance(actions[-1], rb.PowerOff)


@pytest.mark.covers("R57", "B2")
def test_an_acting_active_that_is_up_again_shuts_down_again() -> None:
    state, actions = ask(done(3), "shutdown")
    assert answers(actions)[0] == "accepted shutdown"
    assert isinstance(actions[-1], rb.PowerOff)
    assert state.next == "import"


def test_the_acting_active_can_be_put_back_into_service() -> None:
    for position in (1, 2, 3):
        state, actions = carry_out(done(position), "abandon")
        assert state.abandoned
        assert told(actions)[-1] == ("rollback.abandoned", "")


def test_it_is_not_put_back_while_the_original_answers_nor_before_anything_was_done() -> None:
    _, actions = ask(done(3), "abandon", answered_by=("02:00",))
    assert told(actions) == [("rollback.refused", "address-answers")]
    _, actions = ask(begun(), "abandon")
    assert told(actions) == [("rollback.refused", "nothing-to-abandon")]


def test_what_nobody_asked_for_changes_nothing() -> None:
    state = done(2)
    assert rb.step(state, rb.Acted(facts("shutdown"))) == (state, [])
    assert rb.step(state, machine.Failed("x", "y")) == (state, [])


def box(epoch: int, hardware_id: str = "hw-pbx2", roles: Roles = ACTING) -> rb.Box:
    return rb.Box(roles, epoch, hardware_id)


@pytest.mark.parametrize(
    ("state", "here", "part", "due"),
    [
        (rb.State(), box(2), "acting", "backup"),
        (rb.State(), box(1, roles=Roles("active", "active")), None, "backup"),
        (rb.State(), box(1, roles=Roles("standby", "standby")), None, "backup"),
        (done(1), box(2), "acting", "readdress"),
        (done(3), box(2), "acting", "import"),
        (begun(), box(2, "hw-pbx1", Roles("active", "standby")), "original", "import"),
        (begun(), box(2, "hw-pbx1", ACTING), "original", "import"),  # with the other's licences
        (begun(), box(2, "hw-new", Roles("standby", "standby")), "original", "import"),
        (done(5), box(3, "hw-pbx1", Roles("active", "active")), "original", "phones"),
        (done(3), box(3, roles=Roles("standby", "standby")), "standby", "redundancy"),
        (done(7), box(3, roles=Roles("standby", "standby")), "standby", None),
        (done(7), box(4), "acting", "backup"),  # the next failover
        (replace(done(3), abandoned=True), box(2), "acting", "backup"),
    ],
)
def test_part_and_standing_follow_from_the_box_and_the_record(
    state: rb.State, here: rb.Box, part: rollback_steps.Part | None, due: rollback_steps.Name | None
) -> None:
    found, seen = rb.place(here, state)
    assert (found, seen.next) == (part, due)


def record(event: str, operation: str = "rollback-1", **detail: object) -> Record:
    return Record(1, datetime(2030, 1, 1, tzinfo=UTC), operation, event, "", detail)


STARTED = record("rollback.started", epoch=2, hardware_id="hw-pbx2", network=NETWORK.model_dump())


def test_what_was_carried_and_the_own_journal_give_the_state() -> None:
    own = [record("rollback.step", epoch=2, step="import")]
    state = replay.of_rollback([STARTED, *own])
    assert (state.operation, state.epoch, state.network) == ("rollback-1", 2, NETWORK)
    assert state.next == "identity"


@pytest.mark.covers("D18")
def test_lines_of_an_earlier_rollback_with_the_same_number_do_not_count() -> None:
    assert replay.of_rollback([STARTED, record("rollback.step", epoch=4, step="phones")]).done == 0


def test_replay_remembers_loss_and_abandonment() -> None:
    lines = [STARTED, record("rollback.step", epoch=2, step="readdress", lost=["users/7"])]
    assert replay.of_rollback(lines).lost == ("users/7",)
    assert replay.of_rollback([*lines, record("rollback.abandoned", epoch=2)]).abandoned
