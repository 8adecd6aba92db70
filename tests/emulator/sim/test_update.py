"""An update restarts the program of one appliance; until the other follows, no run is possible."""

import pytest
from failover import Failover

from emulator.lab import CommandRefused


@pytest.fixture
def failover():
    made = Failover()
    made.configure()
    made.initialise()
    yield made
    made.lab.down()


@pytest.mark.covers("R7", "R10", "D4")
def test_version_drift_ends_the_run_until_both_are_updated(failover):
    failover.pbx1.ctl(["update", "8.1.2.6"])
    failover.lab.timekeeper.settle()
    assert failover.pbx1.ctl(["status"])["version"] == "8.1.2.6"
    assert failover.seen("pbx1", "booted") == 2
    failover.await_event("pbx1", "run.refused")
    failover.pbx2.ctl(["update", "8.1.2.6"])
    failover.lab.timekeeper.settle()
    failover.pbx1.ctl(["redundancy", "run"])
    assert failover.await_event("pbx1", "run.succeeded")


def test_restart_keeps_address_content_and_power(failover):
    before = failover.pbx1.ctl(["content", "digest"])
    failover.pbx1.ctl(["restart"])
    failover.lab.timekeeper.settle()
    assert failover.pbx1.running()
    assert failover.pbx1.ctl(["content", "digest"]) == before
    holders = failover.lab.observer.who_has(failover.pbx1.address)
    assert {one.mac for one in holders} == {failover.pbx1.mac}


@pytest.mark.parametrize("version", ["8.1.2.5", "8.1.2.4", "8.1.1.99", "7.9.9.9"])
def test_update_leads_to_a_higher_version_only(failover, version):
    with pytest.raises(CommandRefused) as refused:
        failover.pbx1.ctl(["update", version])
    assert refused.value.code == "downgrade"
    assert failover.seen("pbx1", "updated") == 0


@pytest.mark.parametrize("version", ["8.1.2", "8.1.2.6.1", "8.1.2.x", "8.1.2.-6", "٨.1.2.6"])
def test_version_is_four_numbers(failover, version):
    with pytest.raises(CommandRefused) as refused:
        failover.pbx1.ctl(["update", version])
    assert refused.value.code == "usage"
