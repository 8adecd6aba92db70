"""Telephones of a drill: when they are back, which calls are lost, how that is judged."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from histories import MAC1, MAC2, PBX1, failover_record, followed, verdict

from emulator.telephones import HUNG_UP, Call
from scenarios.clients import lost_calls, returns, share_back, strays
from scenarios.expectations import met
from scenarios.fidelity import compare_outcomes
from scenarios.models.lab import Objectives, PhonesBack
from scenarios.models.telephones import (
    CallCount,
    Calls,
    CrowdBack,
    CrowdSpec,
    Registered,
    RegistrationSpec,
    Restarted,
    RestartedSpec,
)
from scenarios.record import Record, Telephone, Watch
from scenarios.runner import Outcome
from scenarios.verdict import Verdict

BEFORE, AFTER = (38.0, MAC1), (53.0, MAC2)  # the active dies at 40 s, is replaced at 50.2 s


def telephone(*answers: tuple[float, str], **more: tuple[object, ...]) -> Telephone:
    return Telephone(
        extension="1001",
        model="snom D385",
        transport="udp",
        registers_every_s=10.0,
        neighbour_cache_s=0.0,
        heeds_announcements=True,
        address=PBX1,
        answers=answers,
        **more,
    )


def drill(*phones: Telephone) -> Record:
    named = {f"phone{number}": one for number, one in enumerate(phones, 1)}
    return replace(failover_record(), telephones=named)


def call(direction: str = "outgoing", **more: object) -> Call:
    return Call("1002", direction, 30.0, **{"established_s": 30.1, **more})


def test_a_telephones_way_back_is_measured_from_the_actives_death() -> None:
    (found,) = returns(drill(telephone((20.0, MAC1), BEFORE, AFTER, (63.0, MAC2))))

    assert (found.last_s, found.first_s) == (38.0, 53.0)
    assert (found.mac_before, found.mac_after) == (MAC1, MAC2)
    assert found.took_s == pytest.approx(13.0)
    assert found.restarted_s is None


def test_a_restart_counts_only_between_the_death_and_the_return() -> None:
    early, needed, late = (
        telephone(BEFORE, AFTER, restarts=(at_s,)) for at_s in (10.0, 52.0, 60.0)
    )

    restarts = [one.restarted_s for one in returns(drill(early, needed, late))]

    assert restarts == [None, 52.0, None]
    spec = Restarted(restarted=RestartedSpec(phones=("phone2",)))
    assert met(spec, drill(early, needed, late)).verdict is Verdict.PASSED
    assert met(spec, drill(needed, late)).verdict is Verdict.FAILED


def test_a_telephone_that_stays_away_fails_the_drill() -> None:
    assert verdict("phones-return", drill(telephone(BEFORE, AFTER))) is Verdict.PASSED
    away = drill(telephone(BEFORE, AFTER), telephone(BEFORE))
    assert verdict("phones-return", away) is Verdict.FAILED


def test_an_answer_of_the_former_active_is_no_return() -> None:
    assert verdict("phones-return", drill(telephone(BEFORE, (55.0, MAC1)))) is Verdict.FAILED


def test_only_a_call_that_nobody_ended_is_lost() -> None:
    hung_up = call(ended_s=35.0, ended=HUNG_UP)
    lost = call(ended_s=45.0, ended="rtp stream error")
    refused = call(established_s=None, ended_s=30.2, ended="480")
    under_way = call()

    assert lost_calls(telephone(calls=(hung_up, refused, under_way))) == 0
    assert lost_calls(telephone(calls=(hung_up, lost))) == 1


def test_each_call_counts_once_though_both_ends_saw_it() -> None:
    lost = {"ended_s": 45.0, "ended": "rtp stream error"}
    pair = drill(telephone(calls=(call(**lost),)), telephone(calls=(call("incoming", **lost),)))

    assert met(Calls(calls=CallCount(made=1, lost=1)), pair).verdict is Verdict.PASSED
    assert met(Calls(calls=CallCount(made=1, lost=0)), pair).verdict is Verdict.FAILED


def promised(record: Record, share: float, within_s: float) -> Record:
    wanted = PhonesBack(share=share, within=timedelta(seconds=within_s))
    scenario = record.plan.scenario.model_copy(update={"objectives": Objectives(phones=wanted)})
    return replace(record, plan=record.plan.model_copy(update={"scenario": scenario}))


@pytest.mark.parametrize(
    ("share", "within_s", "expected"),
    [
        (0.5, 14.0, Verdict.PASSED),
        (0.95, 14.0, Verdict.FAILED),
        (0.95, 30.0, Verdict.PASSED),
        (0.5, 12.0, Verdict.FAILED),
    ],
)
def test_the_objective_counts_the_share_that_is_back_in_time(
    share: float, within_s: float, expected: Verdict
) -> None:
    record = drill(telephone(BEFORE, AFTER), telephone(BEFORE, (65.0, MAC2)))

    assert verdict("objectives-met", promised(record, share, within_s)) is expected


def test_the_objective_wants_all_of_them_back_at_last() -> None:
    record = drill(telephone(BEFORE, AFTER), telephone(BEFORE))

    assert share_back(returns(record), 14.0) == 0.5
    assert verdict("objectives-met", promised(record, 0.5, 14.0)) is Verdict.FAILED


def test_a_telephone_that_is_back_later_than_it_can_explain_is_a_stray() -> None:
    prompt, late = telephone(BEFORE, AFTER), telephone(BEFORE, (99.0, MAC2))
    deaf = replace(late, heeds_announcements=False, neighbour_cache_s=20.0)
    restarted = telephone(BEFORE, (99.0, MAC2), restarts=(98.0,))

    assert strays(drill(prompt, deaf, restarted)) == ()
    assert len(strays(drill(late))) == 1


def test_two_backends_part_where_a_telephone_fares_otherwise() -> None:
    well = outcome(drill(telephone(BEFORE, AFTER)))
    restarted = outcome(drill(telephone(BEFORE, AFTER, restarts=(52.0,))))

    assert not any(compare_outcomes("failover", {"netns": well, "sim": well}).strays.values())
    parted = compare_outcomes("failover", {"netns": well, "sim": restarted})
    assert not parted.alike
    assert any("phone1" in line for line in parted.report())


def outcome(record: Record) -> Outcome:
    return Outcome(record, {}, Path())


@pytest.mark.parametrize(
    ("within_s", "answers", "expected"),
    [
        (5.0, (BEFORE, AFTER), Verdict.PASSED),
        (2.0, (BEFORE, AFTER), Verdict.FAILED),
        (5.0, (BEFORE,), Verdict.FAILED),
        (5.0, (AFTER,), Verdict.INCONCLUSIVE),
    ],
)
def test_a_crowd_is_back_when_everyone_is_that_was_there_before(
    within_s: float, answers: tuple[tuple[float, str], ...], expected: Verdict
) -> None:
    crowd = {"1001": Watch(PBX1, 2, (BEFORE, AFTER)), "1002": Watch(PBX1, len(answers), answers)}
    record = replace(failover_record(), crowd=crowd if expected is not Verdict.INCONCLUSIVE else {})
    wanted = CrowdBack(crowd_back=CrowdSpec(within=timedelta(seconds=within_s)))

    assert met(wanted, record).verdict is expected


def test_what_an_appliance_knows_at_the_end_is_compared_by_telephone() -> None:
    known = {"registrations": [{"extension": "1001"}]}
    record = followed(
        drill(telephone(BEFORE, AFTER)),
        (
            61.0,
            "runner/runner",
            "read",
            "registrations",
            {"node": "pbx2", "moment": "final", "answer": known},
        ),
    )

    def at_the_end(*phones: str) -> Verdict:
        return met(
            Registered(registered=RegistrationSpec(at="pbx2", phones=phones)), record
        ).verdict

    assert at_the_end("phone1") is Verdict.PASSED
    assert at_the_end() is Verdict.FAILED
