"""The simulated lab with the real appliance program and the real engine in it."""

import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from emulator.lab import CommandRefused, LabError, LabSpec, NodeDown
from emulator.sim.lab import SimMaker
from tests.emulator.sim.failover import START, SUBNET, Failover

PROGRAM = Path(__file__).with_name("failover.py")


@pytest.fixture
def failover():
    made = Failover()
    yield made
    made.lab.down()


@pytest.fixture
def initialised(failover):
    failover.configure()
    failover.initialise()
    return failover


def events(lab, source, node=None):
    return [one for one in lab.events() if one.source == source and node in {None, one.node}]


@pytest.mark.covers("R3", "R5", "R6", "R56", "F1", "D9")
def test_a_failover_end_to_end(failover):
    observed, pings = failover.drill()
    old, new = failover.pbx1.mac, failover.pbx2.mac
    macs = [one.mac for one in observed]
    assert macs == [old] * macs.count(old) + [new] * macs.count(new), "never both"
    assert macs.count(old) == 100
    assert macs.count(new) > 100
    dark_s = observed[100].at_s - observed[99].at_s
    assert 3.0 <= dark_s < 3.1, "the silence that is proved before the claim"
    assert {mac for _, mac in pings.answers} == {old, new}
    assert failover.redirects("pbx2") >= {"redirects/1001-timeout"}
    assert "redirects/1002-timeout" not in failover.redirects("pbx2")
    recipients = [one.recipients[0] for one in failover.lab.mail.messages()]
    assert {f"user{login}@example.com" for login in (1001, 1002, 1003)} <= set(recipients)
    assert len(recipients) == len(set(recipients)), "one message each"


def test_one_seed_gives_one_history_in_every_process():
    def printed(hash_seed):
        environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
        return subprocess.run(
            [sys.executable, PROGRAM], env=environment, capture_output=True, check=True
        ).stdout

    first, second = printed("1"), printed("2")
    assert first == second
    assert b"switchover.finished" in first


def test_another_seed_gives_another_history():
    digests = []
    for seed in (7, 8):
        failover = Failover(seed=seed)
        backup = failover.pbx1.ctl(["backup", "create", "--operation", "x"])
        digests.append(backup["sha256"])
    assert digests[0] != digests[1]


def test_a_cut_transfer_is_tried_again_five_minutes_later(initialised):
    initialised.add_redirect("1001")
    initialised.pbx2.pull("transfer.cut", {"fraction": 0.6, "count": 1})
    assert initialised.await_event("pbx1", "run.succeeded")
    (cut,) = events(initialised.lab, "wire")
    assert cut.detail["byte"] == cut.detail["size"] * 6 // 10
    times = [
        one.served for one in events(initialised.lab, "engine") if one.event == "attempt.started"
    ]
    assert times[1] - times[0] == timedelta(minutes=5)
    assert "redirects/1001-timeout" in initialised.redirects("pbx2")
    assert initialised.pbx2.files("incoming") == []


@pytest.mark.covers("R50", "D9", "F2")
def test_a_switchover_is_refused_while_the_active_answers(initialised):
    decision = initialised.switch_over()
    assert (decision["outcome"], decision["code"]) == ("refused", "active-answers")
    assert initialised.pbx1.mac in str(decision["reasons"])
    (reply,) = initialised.lab.observer.who_has(initialised.pbx1.address)
    assert reply.mac == initialised.pbx1.mac


def power_off_in_the_next_transfer(failover):
    """Pull the standby's plug as soon as it receives."""
    world, armed = failover.lab._site.world, []

    def look():
        if failover.seen("pbx2", "receive.started"):
            failover.pbx2.power_off()
        else:
            world.later(2e-6, look)

    def arm():
        if not armed:
            armed.append(world.later(0.05, look))
        return False

    failover.lab.timekeeper.advance(START + timedelta(hours=1, minutes=1), arm)


def test_an_appliance_that_lost_its_power_in_a_transfer_comes_back_as_it_was(initialised):
    before = initialised.redirects("pbx2")
    initialised.add_redirect("1001")
    power_off_in_the_next_transfer(initialised)
    assert not initialised.pbx2.running()
    assert initialised.seen("pbx2", "receive.started") == 1
    assert initialised.seen("pbx2", "import.committed") == 1, "only the initialisation"
    initialised.pbx2.boot()
    assert initialised.redirects("pbx2") == before
    assert initialised.pbx2.files("incoming") == []
    assert initialised.await_event("pbx1", "run.succeeded")
    assert "redirects/1001-timeout" in initialised.redirects("pbx2")


def test_an_appliance_that_is_off_does_nothing_and_says_so(failover):
    lab, pbx1 = failover.lab, failover.pbx1
    pbx1.power_off()
    count = len(lab.events())
    lab.timekeeper.advance(START + timedelta(days=2))
    assert len(lab.events()) == count
    for act in (lambda: pbx1.ctl(["status"]), pbx1.power_off, lambda: pbx1.pull("ssh.stop", {})):
        with pytest.raises(NodeDown, match="pbx1 is off"):
            act()
    assert "identity.db" in pbx1.files("")
    assert "factory.json" not in pbx1.files("")
    pbx1.boot()
    assert pbx1.ctl(["status"])["name"] == "pbx1"
    with pytest.raises(LabError, match="on already"):
        pbx1.boot()


def test_shutdown_ends_in_order_and_switches_off(failover):
    failover.pbx1.ctl(["shutdown"])
    failover.lab.timekeeper.settle()
    assert not failover.pbx1.running()
    assert events(failover.lab, "appliance", "pbx1")[-1].event == "stopped"
    assert failover.lab.observer.who_has(failover.pbx1.address) == ()
    assert failover.pbx1.read("log/events.jsonl").count(b'"stopped"') == 1


def test_refused_commands_keep_code_and_remedy(failover):
    with pytest.raises(CommandRefused) as caught:
        failover.pbx1.ctl(["redirects", "add", "--user", "1", "--when", "x", "--target", "1"])
    assert caught.value.code == "no-such-object"
    assert caught.value.remedy


def test_a_browser_reaches_only_who_has_the_address(failover):
    failover.pbx1.power_off()
    with failover.pbx1.browser() as browser, pytest.raises(httpx.ConnectError, match="No route"):
        browser.get("/")
    with (
        failover.pbx2.browser("198.18.0.30") as browser,
        pytest.raises(httpx.ConnectError, match="refused"),
    ):
        browser.get("/")


def test_a_plugged_out_cable_is_noted_and_keeps_answers_away(failover):
    failover.lab.wire.carrier("pbx1", up=False)
    assert failover.lab.observer.who_has(failover.pbx1.address) == ()
    failover.lab.wire.carrier("pbx1", up=True)
    assert len(failover.lab.observer.who_has(failover.pbx1.address)) == 1
    assert [one.detail for one in events(failover.lab, "wire")] == [{"up": False}, {"up": True}]
    with pytest.raises(LabError, match="no node pbx9"):
        failover.lab.wire.carrier("pbx9", up=True)


def test_inspect_lists_every_node(failover):
    failover.pbx2.power_off()
    rows = {one.name: one for one in failover.lab.describe()}
    assert set(rows) == {"pbx1", "pbx2", "mail", "observer", "phone1"}
    assert rows["pbx1"].url == "http://198.18.0.10/"
    assert (rows["pbx1"].health, rows["pbx2"].health) == ("up", "off")
    assert rows["phone1"].address == "198.18.0.101"


def test_notes_of_the_runner_are_stamped_with_both_clocks(failover):
    failover.lab.pause(1.5)
    failover.lab.note("phase", "steady", why="test")
    last = failover.lab.events()[-1]
    assert (last.node, last.event, last.wall_s, last.served) == ("runner", "phase", 1.5, START)
    assert failover.lab.wall_s() == 1.5


def test_real_time_is_refused_with_a_remedy():
    spec = LabSpec("drill", SUBNET, (), 7, None)
    with pytest.raises(LabError, match="no real time") as caught:
        SimMaker().make(spec, Path("unused"))
    assert "--real-time" in caught.value.remedy


def test_a_lab_that_cannot_boot_leaves_nothing_and_says_why(failover):
    first, second = failover.lab.spec.appliances
    broken = type(second)("pbx2", {**second.factory, "type": "toaster"})
    spec = LabSpec("drill", SUBNET, (first, broken), 7, START)
    with pytest.raises(LabError, match=r"pbx2: .*factory\.json is malformed"):
        SimMaker().make(spec, Path("unused"))


def test_down_can_be_repeated(failover):
    failover.lab.down()
    failover.lab.down()
    assert not failover.pbx1.running()
