"""Whom the appliance lets register: its own phones, and only while it is the active."""

from __future__ import annotations

import pytest

from emulator.ports import Registration

ADDRESS, STANDBYS = "198.18.7.10", "198.18.7.20"


def accounts(rig) -> dict[str, str]:
    rig.box.calendar.await_quiet()
    return {one.name: one.extension for one in rig.box.telephony.accounts}


@pytest.mark.covers("R6")
def test_the_active_serves_the_phones_of_its_users_at_its_address(bench):
    active, _ = bench.pair()
    assert set(accounts(active).values()) == {str(1001 + number) for number in range(6)}
    assert active.box.telephony.address == ADDRESS


@pytest.mark.covers("R6")
def test_a_phone_that_is_entered_can_register_and_one_that_is_removed_cannot(bench):
    active, _ = bench.pair()
    argv = ("--vendor", "snom", "--model", "D385", "--user", "1001")
    active.run("phones", "add", "--mac", "02:00:00:00:00:07", *argv)
    assert accounts(active)["020000000007"] == "1001"
    active.run("phones", "assign", "020000000007")
    assert "020000000007" not in accounts(active), "nobody's phone has no extension"
    active.run("phones", "remove", "020000000007")
    assert "020000000007" not in accounts(active)


@pytest.mark.covers("R45")
def test_a_standby_refuses_every_registration_until_it_has_taken_over(bench, sending):
    active, standby = bench.pair()
    made = sending(active, standby, "1.1.1")
    standby.run("import", "1.1.1", "--file", made["file"])
    assert accounts(standby) == {}
    assert standby.box.telephony.address == ""
    network = ("--address", ADDRESS, "--prefix", "24", "--gateway", "198.18.7.1")
    standby.run("takeover", "--operation", "t", "--epoch", "2", *network)
    assert len(accounts(standby)) == 6
    assert standby.box.telephony.address == ADDRESS


@pytest.mark.covers("R57")
def test_a_box_that_is_readdressed_serves_at_its_new_address(bench):
    active, _ = bench.pair()
    active.run("network", "set", "--address", STANDBYS, "--prefix", "24", "--gateway", "")
    accounts(active)
    assert active.box.telephony.address == STANDBYS


def test_a_box_that_ends_refuses_everyone(bench):
    active, _ = bench.pair()
    accounts(active)
    active.appliance.shutdown()
    assert active.box.telephony.address == ""


def test_status_says_whether_telephones_are_answered(bench, sending):
    active, standby = bench.pair()
    made = sending(active, standby, "1.1.1")
    standby.run("import", "1.1.1", "--file", made["file"])
    assert accounts(active)
    assert not accounts(standby)
    assert active.run("status")["health"]["services"]["sip"] is True
    assert standby.run("status")["health"]["services"]["sip"] is False


def test_registrations_are_listed(bench):
    active, _ = bench.pair()
    active.box.telephony.known = (Registration("1001", "sip:1001@198.18.7.101", 12),)
    assert active.run("registrations", "list")["registrations"] == [
        {"extension": "1001", "contact": "sip:1001@198.18.7.101", "expires_s": 12}
    ]
