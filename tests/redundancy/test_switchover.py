"""The machine of a switchover, tested without doubles."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from redundancy import machine, replay
from redundancy import switchover as so
from redundancy.contract import NetworkSettings, Takeover
from redundancy.journal import Record

NETWORK = NetworkSettings(address="198.18.0.10", prefix=24, gateway="198.18.0.1", dns=("9.9.9.9",))
FIT = so.Assessed(standby=True, epoch=1, adopts=NETWORK, doubts=())
STALE = so.Assessed(standby=True, epoch=1, adopts=NETWORK, doubts=(("data-stale", "72"),))
NOW = datetime(2030, 1, 1, tzinfo=UTC)
MAC = "02:00:00:00:00:10"


def asked(*, confirmed: bool = False) -> so.State:
    return so.step(so.State(), so.Asked("switchover-1", "0001", confirmed))[0]


def walk(state: so.State, *seen: so.Observation) -> tuple[so.State, list[so.Action]]:
    actions: list[so.Action] = []
    for one in seen:
        state, actions = so.step(state, one)
    return state, actions


def kinds(actions: list[so.Action]) -> list[type]:
    return [type(one) for one in actions]


@pytest.mark.covers("R51", "D10", "D13", "D14")
def test_a_switchover_listens_claims_announces_answers_and_then_does_the_rest() -> None:
    state, order = asked(), []
    for seen in (FIT, so.Silent(3.2), *[machine.Done()] * 6):
        state, actions = so.step(state, seen)
        order += [one for one in actions if not isinstance(one, machine.Tell)]
    assert order == [
        so.Listen("198.18.0.10"),
        so.Claim("switchover-1", 2, NETWORK),
        so.Announce("198.18.0.10", 1),
        so.Answer("claimed", "claimed", (("address", "198.18.0.10"),)),
        so.Announce("198.18.0.10", 4),
        so.Activate(),
        so.MailUsers("switchover-1"),
        so.Settle("switchover-1"),
        so.Notify("switchover-done"),
    ]
    assert state.phase == "finished"


@pytest.mark.covers("D9", "F2", "F4", "R50")
def test_an_answer_on_the_wire_refuses_and_names_the_mac() -> None:
    state, actions = walk(asked(), FIT, so.Answered((MAC,)))
    assert state.phase == "refused"
    assert so.Answer("refused", "active-answers", (("address", "198.18.0.10"), ("mac", MAC))) in (
        actions
    )
    assert so.Claim not in kinds(actions)


@pytest.mark.covers("D9")
def test_a_typed_reason_claims_what_another_holds_and_is_told_as_a_deviation() -> None:
    order = so.Asked("switchover-1", "console", confirmed=True, override="its relay board burns")
    state, actions = walk(so.State(), order, FIT, so.Answered((MAC,)))
    assert state.phase == "claiming"
    (told, claim) = actions
    assert claim == so.Claim("switchover-1", 2, NETWORK)
    assert isinstance(told, machine.Tell)
    assert told.event == "switchover.overridden"
    assert told.detail["reason"] == "its relay board burns"
    assert told.detail["macs"] == [MAC]
    records = [
        Record(1, NOW, "switchover-1", "switchover.asked", "",
               {"operation": "switchover-1", "by": "console", "confirmed": True}),
        Record(2, NOW, "switchover-1", told.event, told.cause, told.detail),
    ]  # fmt: skip
    taken = Takeover(operation="switchover-1", epoch=2, settled=False)
    resumed = so.step(replay.of_switchover(records, NETWORK), so.Restarted(taken))[0]
    assert resumed.phase == "announcing"


@pytest.mark.parametrize(
    ("seen", "code"),
    [
        (so.Assessed(standby=False, epoch=1, adopts=NETWORK, doubts=()), "not-standby"),
        (so.Assessed(standby=True, epoch=0, adopts=None, doubts=()), "never-initialised"),
    ],
)
@pytest.mark.covers("R43")
def test_an_appliance_that_cannot_take_over_refuses(seen: so.Assessed, code: str) -> None:
    state, actions = walk(asked(), seen)
    assert state.phase == "refused"
    assert so.Answer("refused", code, ()) in actions


@pytest.mark.covers("D17")
def test_doubts_ask_the_person_first_and_a_confirmation_passes() -> None:
    state, actions = walk(asked(), STALE)
    assert so.Answer("confirm", "data-stale", (("data-stale", "72"),)) in actions
    assert state.over
    state, actions = walk(asked(confirmed=True), STALE)
    assert kinds(actions) == [so.Listen]


def test_a_failed_claim_refuses_but_a_failed_later_step_does_not_stop_the_rest() -> None:
    state, actions = walk(asked(), FIT, so.Silent(3), machine.Failed("disk-full", "full"))
    assert state.phase == "refused"
    claimed = walk(asked(), FIT, so.Silent(3), machine.Done(), machine.Done(), machine.Done())[0]
    assert claimed.phase == "activating"
    state, actions = walk(claimed, machine.Failed("busy", "later"))
    assert so.MailUsers in kinds(actions)


def test_a_restart_before_the_commit_undoes_and_after_it_completes() -> None:
    listening = walk(asked(), FIT)[0]
    state, actions = walk(listening, so.Restarted(None))
    assert state.phase == "refused"
    claiming = walk(asked(), FIT, so.Silent(3))[0]
    other = Takeover(operation="switchover-0", epoch=1, settled=True)
    assert walk(claiming, so.Restarted(other))[0].phase == "refused"
    mine = Takeover(operation="switchover-1", epoch=2, settled=False)
    state, actions = walk(claiming, so.Restarted(mine))
    assert so.Announce("198.18.0.10", 1) in actions
    state, _ = walk(state, *[machine.Done()] * 5)
    assert state.phase == "finished"


def test_a_second_order_meanwhile_changes_nothing() -> None:
    claiming = walk(asked(), FIT, so.Silent(3))[0]
    again = so.Asked("switchover-2", "0002", confirmed=True)
    assert so.step(claiming, again) == (claiming, [])
