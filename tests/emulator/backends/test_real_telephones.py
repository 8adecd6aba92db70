"""Telephones with real user agents and the SIP server of a real node."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from emulator import factory
from emulator.company import Company
from emulator.hosted import HostedLab, HostedMaker
from emulator.lab import ApplianceSpec, LabSpec, NodeDown
from emulator.registry import Registry
from emulator.telephones import Clients

START = datetime(2025, 1, 14, 8, tzinfo=UTC)
MODELS = (("snom", "D385"), ("snom", "D735"))  # by UDP and by TCP
PACKETS = 25  # half a second of audio


@pytest.fixture(scope="module")
def lab(make_backend, free_subnet, tmp_path_factory: pytest.TempPathFactory) -> Iterator[HostedLab]:
    registry = Registry(tmp_path_factory.mktemp("state"))
    maker = HostedMaker(make_backend(registry.labs_folder), registry)
    subnet = str(free_subnet(make_backend(Path("/nowhere"))))
    name = f"phones-{subnet.split('.')[2]}"
    boxes = factory.pair(1, name, subnet, START, secrets.token_bytes, Company(users=2))
    phones = sorted(boxes.pbx1["content"]["phones"].values(), key=lambda one: str(one["user"]))
    for phone, (vendor, model) in zip(phones, MODELS, strict=True):
        phone |= {"vendor": vendor, "model": model}
    pbx1 = ApplianceSpec("pbx1", boxes.pbx1, boxes.sounds)
    spec = LabSpec(
        name,
        subnet,
        (pbx1, ApplianceSpec("pbx2", boxes.pbx2)),
        seed=1,
        start=START,
        phones=2,
        clients=Clients(),
    )
    made = maker.make(spec, tmp_path_factory.mktemp("work"))
    yield made
    made.down()


@pytest.mark.covers("R6")
def test_telephones_register_by_udp_and_tcp_with_the_secrets_of_the_content(lab: HostedLab):
    for phone in lab.telephones.values():
        assert phone.registered(0, 20)
    known = lab.appliance("pbx1").ctl(["registrations", "list"])["registrations"]
    assert [one["extension"] for one in known] == ["1001", "1002"]
    assert ["tcp" in one["contact"] for one in known] == [False, True]
    macs = {mac for one in lab.telephones.values() for _, mac in one.record().answers}
    assert macs == {lab.appliance("pbx1").mac}


@pytest.mark.covers("R6")
def test_a_call_is_heard_at_both_ends_and_is_lost_with_the_appliance(lab: HostedLab):
    near, far = lab.telephones.values()
    assert near.registered(0, 20)
    assert far.registered(0, 20)
    call = near.dial(far.handset.extension)
    assert call.established_s is not None, call
    assert near.hears(PACKETS, 10)
    assert far.hears(PACKETS, 10)
    lab.appliance("pbx1").power_off()
    died_s = lab.wall_s()
    assert not near.hears(10_000, 7), "audio must not outlive the box that it passes through"
    lost = near.record().calls[-1]
    assert lost.heard_s is not None
    assert lost.heard_s < died_s + 1
    assert lost.ended, "somebody who hears nothing hangs up"
    with pytest.raises(NodeDown):
        lab.appliance("pbx1").ctl(["registrations", "list"])


def test_an_extension_that_nobody_has_is_not_reached(lab: HostedLab):
    if not lab.appliance("pbx1").running():
        lab.appliance("pbx1").boot()
    phone = lab.telephones["phone1"]
    assert phone.registered(lab.wall_s(), 60), "a phone comes back to the box that has booted"
    call = phone.dial("4711")
    assert call.established_s is None
    assert "480" in call.ended
