"""The page Netzwerk: checked first, changed after the answer, and the page says where it went."""

from __future__ import annotations

import re

import httpx
import pytest


@pytest.fixture
def rig(bench):
    return bench.boot("pbx1")


@pytest.fixture
def admin(rig, visiting):
    return visiting(rig)


FIELDS = {
    "method": "static",
    "address": "198.18.7.99",
    "prefix": "24",
    "gateway": "198.18.7.1",
    "dns": "198.18.7.1, 198.18.7.2",
}


def moved(rig):
    for thread in rig.box.threads:
        if thread.name == "network":
            thread.join(10)


@pytest.mark.covers("R9", "R57")
def test_change_is_answered_with_the_new_place_and_then_made(rig, admin):
    page = admin.post("/admin/network", **FIELDS)
    assert page.status_code == 202
    assert 'href="http://198.18.7.99/admin/network"' in page.text
    assert 'http-equiv="refresh"' in page.text
    moved(rig)
    network = rig.run("network", "show")
    assert network == {**FIELDS, "prefix": 24, "dns": ["198.18.7.1", "198.18.7.2"]}
    assert rig.box.network.applied[-1].addresses == (("198.18.7.99", 24),)
    assert rig.box.stopwatch.elapsed_s > 0


def test_a_chosen_language_goes_along_to_the_new_address(rig, admin):
    admin.get("/admin/network?lang=en")
    page = admin.post("/admin/network", **FIELDS)
    target = "http://198.18.7.99/admin/network?lang=en"
    assert f'href="{target}"' in page.text
    moved(rig)
    arrived = httpx.Client(
        transport=httpx.WSGITransport(rig.appliance.web), headers={"accept-language": "de"}
    )
    login = arrived.get(target, follow_redirects=True)
    assert '<html lang="en">' in login.text


@pytest.mark.covers("R58")
def test_address_that_another_device_has_is_refused_with_its_mac(rig, admin):
    rig.box.network.others["198.18.7.99"] = "02:00:00:00:00:99"
    before = rig.run("network", "show")
    page = admin.post("/admin/network", **FIELDS)
    assert page.status_code == 422
    assert "02:00:00:00:00:99" in page.text
    assert rig.run("network", "show") == before


@pytest.mark.parametrize(
    ("field", "typed"),
    [
        ("address", "198.18.7"),
        ("address", "224.0.0.1"),
        ("address", "198.18.7.255"),
        ("address", "198.18.7.0"),
        ("prefix", "31"),
        ("prefix", "0"),
        ("prefix", "x"),
        ("gateway", "10.0.0.1"),
        ("gateway", "gateway"),
        ("dns", "198.18.7.1, dns.example.com"),
        ("method", "magic"),
    ],
)
def test_wrong_setting_is_marked_and_changes_nothing(rig, admin, field, typed):
    before = rig.run("network", "show")
    page = admin.post("/admin/network", **{**FIELDS, field: typed})
    assert page.status_code == 422
    assert re.findall(r'id="(\w+)-wrong"', page.text) == [field]
    assert field == "method" or f'value="{typed}"' in page.text
    assert rig.run("network", "show") == before


@pytest.mark.covers("R9")
def test_dhcp_keeps_the_address_as_a_leased_one(rig, admin):
    before = rig.run("network", "show")
    assert admin.post("/admin/network", method="dhcp").status_code == 202
    moved(rig)
    assert rig.run("network", "show") == {**before, "method": "dhcp"}


def test_settings_that_are_the_same_move_nothing(rig, admin):
    admin.post("/admin/network", **{**FIELDS, "address": "198.18.7.10", "dns": "198.18.7.1"})
    assert not [one for one in rig.box.threads if one.name == "network"]
