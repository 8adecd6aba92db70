"""Epochs, taking over an address, giving the old one up."""

from __future__ import annotations

import pytest

ACTIVE, STANDBY = ("198.18.7.10", 24), ("198.18.7.20", 24)
NETWORK = ("--address", ACTIVE[0], "--prefix", "24", "--gateway", "198.18.7.1", "--dns", "9.9.9.9")


@pytest.fixture
def rig(bench, sending):
    active, standby = bench.pair()
    made = sending(active, standby, "1.1.1")
    standby.run("import", "1.1.1", "--file", made["file"])
    active.appliance.shutdown()
    return standby


def take_over(rig, operation="s1", epoch="2", network=NETWORK):
    return rig.run("takeover", "--operation", operation, "--epoch", epoch, *network)


@pytest.mark.covers("R6", "D10", "D14", "R51")
def test_takeover_opens_an_epoch_and_holds_both_addresses_until_settled(rig):
    assert take_over(rig) == {"operation": "s1", "epoch": 2, "settled": False}
    status = rig.run("status")
    assert status["lineage"]["epoch"] == 2
    assert status["lineage"]["holder"] == status["licences"][0]["fingerprint"]
    assert status["network"]["dns"] == ["9.9.9.9"]
    assert rig.box.network.applied[-1].addresses == (ACTIVE, STANDBY)
    assert rig.run("settle", "--operation", "s1")["settled"]
    assert rig.box.network.applied[-1].addresses == (ACTIVE,)


@pytest.mark.covers("R6")
def test_nothing_else_on_the_box_is_told_before_the_port_has_the_address(rig):
    held = []
    rig.appliance.parts.identity.watch(lambda: held.append(rig.box.network.applied[-1].addresses))
    take_over(rig)
    assert held == [(ACTIVE, STANDBY)]


@pytest.mark.covers("F9")
def test_a_box_whose_port_does_not_take_the_address_is_still_told_what_it_has_become(rig):
    told = []
    rig.appliance.parts.identity.watch(lambda: told.append(rig.run("status")["lineage"]["epoch"]))

    def refuse(_interface):
        raise OSError("the port does not take it")

    rig.box.network.apply = refuse
    argv = ("--operation", "s1", "--epoch", "2", *NETWORK)
    assert not rig.answer("takeover", *argv)["ok"]
    assert told == [2]


def test_repeated_takeover_and_settle_change_nothing(rig):
    first = take_over(rig)
    assert take_over(rig) == first
    rig.run("settle", "--operation", "s1")
    rig.run("settle", "--operation", "s1")
    assert len(rig.box.happened("takeover.committed")) == 1
    assert len(rig.box.happened("takeover.settled")) == 1
    assert take_over(rig)["settled"]


@pytest.mark.parametrize("settled", [False, True])
@pytest.mark.covers("D10", "F9")
def test_takeover_survives_a_reboot(bench, rig, settled):
    take_over(rig)
    if settled:
        rig.run("settle", "--operation", "s1")
    rig.appliance.shutdown()
    again = bench.boot("pbx2")
    wanted = (ACTIVE,) if settled else (ACTIVE, STANDBY)
    assert again.box.network.applied[0].addresses == wanted
    assert again.run("status")["takeover"]["settled"] is settled


@pytest.mark.parametrize("epoch", ["0", "1"])
def test_epoch_that_is_not_higher_is_refused(rig, epoch):
    argv = ["takeover", "--operation", "s1", "--epoch", epoch, *NETWORK]
    assert rig.refusal(*argv) == "epoch"
    assert rig.box.network.applied[-1].addresses == (STANDBY,)


def test_other_operation_cannot_take_the_same_epoch_again(rig):
    take_over(rig)
    assert rig.refusal("takeover", "--operation", "s2", "--epoch", "2", *NETWORK) == "epoch"
    assert rig.refusal("settle", "--operation", "s2") == "no-such-operation"


def test_opening_an_epoch_is_idempotent_by_operation(bench):
    rig = bench.boot("pbx1")
    first = rig.run("epoch", "open", "--operation", "a", "--epoch", "1")
    assert rig.run("epoch", "open", "--operation", "a", "--epoch", "1") == first
    assert rig.refusal("epoch", "open", "--operation", "b", "--epoch", "1") == "epoch"
    assert rig.box.happened("epoch.opened") == [("", {"operation": "a", "epoch": 1})]


@pytest.mark.parametrize(
    "wrong",
    [
        ("--address", "198.18.7.300"),
        ("--address", "224.0.0.1"),
        ("--address", "pbx1"),
        ("--prefix", "33"),
        ("--prefix", "-1"),
        ("--gateway", "here"),
        ("--dns", "9.9.9.9,x"),
    ],
)
def test_malformed_network_is_a_usage_error(rig, wrong):
    argv = ["takeover", "--operation", "s1", "--epoch", "2", *NETWORK, *wrong]
    assert rig.refusal(*argv) == "usage"


def test_readdressing_replaces_all_addresses(rig):
    argv = ["--address", "198.18.7.50", "--prefix", "24", "--gateway", "198.18.7.1"]
    rig.run("network", "set", *argv)
    assert rig.box.network.applied[-1].addresses == (("198.18.7.50", 24),)
    assert rig.run("network", "show")["address"] == "198.18.7.50"
