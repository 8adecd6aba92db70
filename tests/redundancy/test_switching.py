"""A switchover carried out through the fakes."""

from __future__ import annotations

import pytest
from pair import ACTIVE, Pair, origin, status

from redundancy import switchover
from redundancy.console import Decision
from redundancy.errors import Refused
from redundancy.switching import Switching
from redundancy.watch import SILENCE_NEEDED_S, CloseWatch

MAC = "02:00:00:00:00:10"
USERS = [
    {"login": "1001", "name": "Anna", "email": "anna@example.com", "language": "de"},
    {"login": "1002", "name": "Ben", "email": None, "language": "de"},
    {"login": "1003", "name": "Cleo", "email": "cleo@example.com", "language": "en"},
]


@pytest.fixture
def pair() -> Pair:
    made = Pair("pbx2")
    done = {"operation": "switchover-1", "epoch": 2, "settled": False}
    made.services.local.answer("takeover", done)
    made.services.local.answer("settle", {**done, "settled": True})
    made.services.local.answer("modules activate", {"modules": ["trunks"]})
    made.services.local.answer("users list", {"users": USERS})
    return made


def click(pair: Pair, *, confirmed: bool = False) -> tuple[switchover.State, list[Decision]]:
    answers: list[Decision] = []
    watch = CloseWatch(pair.services.addresses, pair.services.stopwatch)
    switching = Switching(
        pair.services, pair.journal, pair.settings, pair.desk, watch, answers.append
    )
    return switching.drive(switchover.Asked("switchover-1", "0001", confirmed)), answers


@pytest.mark.covers("R5", "D10")
def test_a_silent_address_is_claimed_announced_and_everything_follows(pair: Pair) -> None:
    state, answers = click(pair)
    assert state.phase == "finished"
    assert answers == [Decision("claimed", "claimed", (("address", ACTIVE),), ACTIVE)]
    assert pair.services.addresses.announced == [ACTIVE] * 5
    assert pair.services.stopwatch.now_s() == pytest.approx(SILENCE_NEEDED_S + 4 * 0.2)
    acts = [one for one in pair.services.local.commands() if not one.startswith("status")]
    assert [one.split()[0] for one in acts] == [
        "takeover", "modules", "users", "mail", "settle", "mail",
    ]  # fmt: skip
    assert f"--address {ACTIVE}" in acts[0]
    assert "--epoch 2" in acts[0]


@pytest.mark.covers("R54", "R55", "D13", "M2")
def test_every_user_with_an_address_gets_one_message_in_their_language(pair: Pair) -> None:
    pair.settings = pair.settings.model_copy(update={"send_mails": False})
    click(pair)
    mails = pair.mails()
    assert [one["recipient"] for one in mails] == ["anna@example.com", "cleo@example.com"]
    assert len({one["message_id"] for one in mails}) == 2
    assert mails[1]["subject"] == "Please restart your phone"


def test_a_repeat_after_a_restart_uses_the_same_message_ids(pair: Pair) -> None:
    click(pair)
    click(pair)
    identifiers = [one["message_id"] for one in pair.mails()]
    assert len(set(identifiers)) == len(identifiers) / 2


def test_an_answer_refuses_at_once_and_changes_nothing(pair: Pair) -> None:
    pair.services.addresses.answer(ACTIVE, MAC)
    state, answers = click(pair)
    assert state.phase == "refused"
    assert answers[0].reasons == (("address", ACTIVE), ("mac", MAC))
    assert not any(one.startswith("takeover") for one in pair.services.local.commands())
    assert pair.services.addresses.announced == []


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"origin": origin(3, age_h=72)}, "data-stale"),
        ({"lines": {"isdn": 2, "sip": 1}}, "lines"),
    ],
)
@pytest.mark.covers("D17", "R53", "F8")
def test_doubts_ask_first_and_pass_when_confirmed(
    pair: Pair, changes: dict[str, object], code: str
) -> None:
    pair.services.local.answer("status", status("pbx2", **changes))
    _, answers = click(pair)
    assert (answers[0].outcome, answers[0].code) == ("confirm", code)
    assert click(pair, confirmed=True)[1][0].outcome == "claimed"


def test_a_refused_claim_is_answered_with_its_reason(pair: Pair) -> None:
    pair.services.local.answer("takeover", Refused("disk-full", "the disk is full"))
    state, answers = click(pair)
    assert state.phase == "refused"
    assert answers[0].code == "disk-full"


def test_a_lan_port_without_link_refuses_instead_of_believing_the_silence(pair: Pair) -> None:
    pair.services.addresses.linked = False
    state, answers = click(pair)
    assert (state.phase, answers[0].code) == ("refused", "lan-unusable")
    assert not any(one.startswith("takeover") for one in pair.services.local.commands())
