from __future__ import annotations

from ipaddress import IPv4Network

import pytest

from emulator.lab import LabError
from emulator.subnets import choose, host_routes, parse_subnet

POOL = IPv4Network("198.18.0.0/22")


def test_first_free_subnet_of_the_pool_is_chosen():
    uses = [{IPv4Network("198.18.0.0/24"): "a lab"}, {IPv4Network("198.18.1.128/25"): "a route"}]
    assert choose(None, POOL, uses) == IPv4Network("198.18.2.0/24")


def test_wanted_subnet_is_taken_when_nothing_overlaps():
    wanted = IPv4Network("198.18.3.0/24")
    assert choose(wanted, POOL, [{IPv4Network("198.18.2.0/24"): "a lab"}]) == wanted


@pytest.mark.parametrize("used", ["198.18.3.0/24", "198.18.3.7/32", "198.18.0.0/15"])
def test_wanted_subnet_in_use_is_refused_with_by_what_and_what_to_do(used: str):
    uses = [{IPv4Network(used): "the Docker network demo"}]
    with pytest.raises(
        LabError, match=r"198\.18\.3\.0/24 is in use: the Docker network demo"
    ) as it:
        choose(IPv4Network("198.18.3.0/24"), POOL, uses)
    assert "--subnet" in it.value.remedy


def test_full_pool_is_refused_with_what_to_do():
    with pytest.raises(LabError, match=r"no /24 of 198\.18\.0\.0/22 is free") as refusal:
        choose(None, POOL, [{POOL: "a route"}])
    assert "standby-lab down" in refusal.value.remedy


@pytest.mark.parametrize("text", ["198.18.7.0/33", "198.18.7.1/24", "nonsense", "", "::/24"])
def test_malformed_subnet_is_refused_with_an_example(text: str):
    with pytest.raises(LabError, match="is not a subnet") as refusal:
        parse_subnet(text)
    assert "198.18.7.0/24" in refusal.value.remedy


def test_subnet_of_another_size_is_refused():
    with pytest.raises(LabError, match="a lab needs a /24"):
        parse_subnet("198.18.0.0/16")


def test_routes_of_this_computer_are_uses_but_its_default_route_is_not():
    assert all(network.prefixlen for network in host_routes())


@pytest.mark.parametrize(
    "text", ["127.0.0.0/24", "0.0.0.0/24", "169.254.1.0/24", "224.0.0.0/24", "255.255.255.0/24"]
)
def test_subnet_that_no_lan_has_is_refused(text: str):
    with pytest.raises(LabError, match="is not for labs: no LAN has it"):
        parse_subnet(text)


def test_subnet_of_others_on_the_internet_is_refused_and_private_ones_are_not():
    with pytest.raises(LabError, match="is not for labs: it belongs to others"):
        parse_subnet("8.8.8.0/24")
    for text in ("198.18.7.0/24", "198.19.255.0/24", "10.1.2.0/24", "192.168.7.0/24"):
        assert str(parse_subnet(text)) == text
