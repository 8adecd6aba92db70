"""Telephones of the simulation: what baresip was seen to do, by model."""

from __future__ import annotations

from datetime import UTC, datetime
from hashlib import shake_128
from itertools import pairwise

import pytest

from emulator import factory
from emulator.company import Company
from emulator.lab import ApplianceSpec, LabSpec
from emulator.sim.lab import SimLab, SimMaker
from emulator.telephones import BEHAVIOURS, Clients

START = datetime(2025, 1, 14, 8, tzinfo=UTC)
SUBNET = "198.18.0.0/24"


@pytest.fixture
def lab(tmp_path, request: pytest.FixtureRequest) -> SimLab:
    """Two telephones of the models that a test asks for."""
    boxes = factory.pair(
        1, "lab", SUBNET, START, lambda length: shake_128(b"x").digest(length), Company(users=2)
    )
    phones = sorted(boxes.pbx1["content"]["phones"].values(), key=lambda one: str(one["user"]))
    for phone, model in zip(phones, request.param, strict=True):
        phone["vendor"], _, phone["model"] = model.partition(" ")
    pbx1 = ApplianceSpec("pbx1", boxes.pbx1, boxes.sounds)
    pair = (pbx1, ApplianceSpec("pbx2", boxes.pbx2))
    return SimMaker().make(
        LabSpec("lab", SUBNET, pair, seed=1, start=START, phones=2, clients=Clients()), tmp_path
    )


@pytest.mark.parametrize("lab", [("snom D385", "snom D735")], indirect=True)
def test_telephones_register_and_refresh_before_they_expire(lab: SimLab) -> None:
    lab.pause(40)
    for phone in lab.telephones.values():
        answers = [at_s for at_s, _ in phone.record().answers]
        every_s = phone.handset.behaviour.registers_every_s
        assert answers[0] < 1
        assert [round(b - a, 3) for a, b in pairwise(answers)] == [pytest.approx(0.9 * every_s)] * (
            len(answers) - 1
        )
        assert len(answers) >= 4
    known = lab.appliance("pbx1").ctl(["registrations", "list"])["registrations"]
    assert [one["extension"] for one in known] == ["1001", "1002"]


@pytest.mark.parametrize("lab", [("snom D385", "snom D735")], indirect=True)
def test_a_call_is_heard_until_the_appliance_dies(lab: SimLab) -> None:
    near, far = lab.telephones.values()
    lab.pause(2)
    assert near.dial(far.handset.extension).established_s is not None
    assert near.hears(25, 5)
    assert far.hears(25, 5)
    died_s = lab.wall_s()
    lab.appliance("pbx1").power_off()
    assert not near.hears(10_000, 8)
    for phone in (near, far):
        lost = phone.record().calls[-1]
        assert lost.heard_s == pytest.approx(died_s)
        assert lost.ended == "rtp stream error"


@pytest.mark.parametrize("lab", [("snom D385", "snom D735")], indirect=True)
def test_whoever_hangs_up_ends_the_call_at_both_ends(lab: SimLab) -> None:
    near, far = lab.telephones.values()
    lab.pause(2)
    near.dial(far.handset.extension)
    near.hang_up()
    assert [one.record().calls[-1].ended for one in (near, far)] == ["hung up", "hung up"]
    assert near.dial("4711").ended.startswith("480")


@pytest.mark.parametrize("lab", [("snom D385", "Gigaset N670 IP PRO")], indirect=True)
def test_a_box_that_boots_again_gets_its_telephones_back_but_for_a_restart(lab: SimLab) -> None:
    lab.pause(2)
    lab.appliance("pbx1").power_off()
    lab.pause(60)
    lab.appliance("pbx1").boot()
    back_s = lab.wall_s()
    assert lab.appliance("pbx1").ctl(["registrations", "list"])["registrations"] == []
    assert all(phone.registered(back_s, 60) for phone in lab.telephones.values())


def test_only_models_that_believe_an_answer_for_ever_need_a_restart() -> None:
    needing = {name for name, one in BEHAVIOURS.items() if one.needs_restart}
    assert needing == {"Gigaset N670 IP PRO", "Mitel 6867i"}


def test_long_times_are_scaled_and_never_shorter_than_the_registrar_grants() -> None:
    scaled = BEHAVIOURS["Yealink T54W"].scaled(60)
    assert (scaled.registers_every_s, scaled.retry_s, scaled.neighbour_cache_s) == (15, 0.5, 20)
    assert BEHAVIOURS["snom D385"].scaled(3600).registers_every_s == 5
