"""A box whose address another claims, and a box whose link goes and comes (D10, F3, RFC 5227)."""

from __future__ import annotations

import pytest

ACTIVE, STANDBY = "198.18.7.10", "198.18.7.20"
MAC, OTHER = "02:00:00:00:00:99", "02:00:00:00:00:98"
NETWORK = ("--address", ACTIVE, "--prefix", "24", "--gateway", "198.18.7.1")


@pytest.fixture
def holder(bench, sending):
    """Return a box that has taken the address over."""
    active, standby = bench.pair()
    made = sending(active, standby, "1.1.1")
    standby.run("import", "1.1.1", "--file", made["file"])
    active.appliance.shutdown()
    standby.run("takeover", "--operation", "s1", "--epoch", "2", *NETWORK)
    return standby


def checking(bench, furnishing, others):
    folder = bench.root / "pbx1"
    settings = {**bench.settings.pbx1, "boot_address_check": True}
    furnishing(folder, settings, bench.settings.sounds)
    return bench.boot("pbx1", others=others)


def conflicts(rig):
    return [detail["mac"] for _, detail in rig.box.happened("address.conflict")]


@pytest.mark.covers("D10")
def test_who_claimed_the_address_defends_it_at_most_every_ten_seconds(holder):
    box = holder.box
    for elapsed_s in (0.0, 5.0, 9.9, 10.0, 12.0):
        box.stopwatch.elapsed_s = elapsed_s
        box.network.ear.claimed(ACTIVE, MAC)
    assert box.network.defended == [ACTIVE, ACTIVE]


@pytest.mark.covers("D10")
def test_a_conflict_is_reported_once_for_each_device_and_told_to_the_module(holder):
    box = holder.box
    for mac in (MAC, MAC, OTHER, MAC):
        box.network.ear.claimed(ACTIVE, mac)
    told = holder.appliance.parts.module.conflicts
    assert conflicts(holder) == [MAC, OTHER]
    assert told == [(ACTIVE, MAC), (ACTIVE, OTHER)]
    box.stopwatch.elapsed_s = 3600.0  # long gone, and there again
    box.network.ear.claimed(ACTIVE, MAC)
    assert conflicts(holder) == [MAC, OTHER, MAC]


@pytest.mark.covers("D10")
def test_a_box_of_the_first_epoch_reports_the_conflict_and_does_not_insist(bench):
    active, _ = bench.pair()
    active.box.network.ear.claimed(ACTIVE, MAC)
    assert conflicts(active) == [MAC]
    assert active.box.network.defended == []


def test_a_claim_of_an_address_that_this_box_does_not_hold_is_no_conflict(bench):
    _, standby = bench.pair()
    standby.box.network.ear.claimed(ACTIVE, MAC)
    assert conflicts(standby) == []


@pytest.mark.covers("D10")
def test_a_box_that_boots_announces_its_address(bench):
    active, _ = bench.pair()
    assert active.box.network.announced == [ACTIVE]


def test_a_box_that_gets_another_address_announces_it(holder):
    holder.run("network", "set", "--address", "198.18.7.77", "--prefix", "24",
               "--gateway", "198.18.7.1")  # fmt: skip
    assert holder.box.network.announced[-1] == "198.18.7.77"


@pytest.mark.covers("D10", "F3")
def test_a_box_that_checks_drops_its_address_with_the_link_and_looks_before_it_takes_it_again(
    bench, furnishing
):
    rig = checking(bench, furnishing, {})
    network = rig.box.network
    network.ear.linked(up=False)
    assert network.applied[-1].addresses == ()
    network.others[ACTIVE] = MAC  # meanwhile somebody took it over
    network.ear.linked(up=True)
    assert network.applied[-1].addresses == ()
    assert conflicts(rig) == [MAC]
    assert rig.run("status")["conflict"] == MAC
    del network.others[ACTIVE]
    network.ear.linked(up=False)
    network.ear.linked(up=True)
    assert network.applied[-1].addresses == ((ACTIVE, 24),)
    assert network.announced == [ACTIVE, ACTIVE]
    assert rig.run("status")["conflict"] is None


@pytest.mark.covers("F3")
def test_a_box_that_does_not_check_keeps_its_address_without_a_link(bench):
    active, _ = bench.pair()
    before = len(active.box.network.applied)
    active.box.network.ear.linked(up=False)
    active.box.network.ear.linked(up=True)
    assert len(active.box.network.applied) == before
    assert active.box.network.announced == [ACTIVE, ACTIVE]


def test_a_box_that_has_ended_hears_nothing_any_more(holder):
    holder.appliance.shutdown()
    before = len(holder.box.network.applied)
    holder.box.network.ear.claimed(ACTIVE, MAC)
    holder.box.network.ear.linked(up=False)
    assert conflicts(holder) == []
    assert len(holder.box.network.applied) == before
