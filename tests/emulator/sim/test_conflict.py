"""An original active that comes back after the switch: with and without the check (D10, F3)."""

from email import message_from_bytes, policy

import pytest
from failover import Failover

from emulator.lab import CommandRefused

ACTIVE = "198.18.0.10"


def switched(*, checks=False, unplug=False):
    made = Failover(boot_address_check=checks)
    made.configure()
    made.initialise()
    made.await_event("pbx1", "run.succeeded")
    made.lab.wire.capture()
    if unplug:
        made.lab.wire.carrier("pbx1", up=False)
        made.lab.timekeeper.settle()
    else:
        made.pbx1.power_off()
    assert made.switch_over()["outcome"] == "claimed"
    made.lab.timekeeper.settle()
    return made


@pytest.fixture
def ending():
    labs = []
    yield labs
    for one in labs:
        one.lab.down()


def conflicts(failover, node):
    return [
        one.detail
        for one in failover.lab.events()
        if (one.node, one.event) == (node, "address.conflict")
    ]


def mails(failover):
    told = failover.lab.mail.messages()
    return [one for one in told if "beansprucht" in text(one)[0]]


def text(mail):
    """Return the subject and the body."""
    parsed = message_from_bytes(mail.raw, policy=policy.default)
    return parsed["subject"], parsed.get_content()


def settle(failover):
    failover.lab.pause(5)
    failover.lab.timekeeper.settle()
    failover.lab.pause(60)
    failover.lab.timekeeper.settle()


@pytest.mark.covers("D10", "F3")
@pytest.mark.parametrize("unplug", [True, False], ids=["unplugged", "off"])
def test_an_original_that_does_not_check_makes_a_conflict_that_both_report(ending, unplug):
    failover = switched(unplug=unplug)
    ending.append(failover)
    assert not mails(failover)
    if unplug:
        failover.lab.wire.carrier("pbx1", up=True)
    else:
        failover.pbx1.boot()
    settle(failover)
    assert conflicts(failover, "pbx2") == [{"address": ACTIVE, "mac": failover.pbx1.mac}]
    assert conflicts(failover, "pbx1") == [{"address": ACTIVE, "mac": failover.pbx2.mac}]
    (mail,) = mails(failover)
    assert failover.pbx1.mac in text(mail)[1]
    assert ACTIVE in text(mail)[1]
    assert failover.seen("pbx2", "address.contested") == 1
    assert failover.seen("pbx1", "address.contested") == 0


@pytest.mark.covers("D10", "F3")
@pytest.mark.parametrize("unplug", [True, False], ids=["unplugged", "off"])
def test_an_original_that_checks_stays_off_the_address_and_makes_no_conflict(ending, unplug):
    failover = switched(checks=True, unplug=unplug)
    ending.append(failover)
    failover.lab.observer.watch(ACTIVE)
    if unplug:
        failover.lab.wire.carrier("pbx1", up=True)
    else:
        failover.pbx1.boot()
    settle(failover)
    answered = {one.mac for one in failover.lab.observer.stop()}
    assert answered == {failover.pbx2.mac}
    assert conflicts(failover, "pbx1") == [{"address": ACTIVE, "mac": failover.pbx2.mac}]
    assert conflicts(failover, "pbx2") == []
    assert failover.pbx1.ctl(["status"])["conflict"] == failover.pbx2.mac
    assert not mails(failover)


@pytest.mark.covers("D9")
def test_the_console_overrides_an_answering_active_only_with_a_reason(ending):
    failover = Failover()
    ending.append(failover)
    failover.configure()
    failover.initialise()
    failover.await_event("pbx1", "run.succeeded")
    argv = ["redundancy", "switchover", "--confirmed", "--by", "console"]
    assert failover.pbx2.ctl(argv)["code"] == "active-answers"
    with pytest.raises(CommandRefused, match="needs a reason"):
        failover.pbx2.ctl([*argv, "--override", "  now "])
    assert failover.pbx2.ctl([*argv, "--override", "its relay board burns"])["outcome"] == "claimed"
    failover.lab.timekeeper.settle()
    (told,) = [one for one in failover.lab.events() if one.event == "switchover.overridden"]
    assert told.detail["reason"] == "its relay board burns"
    assert told.detail["macs"] == [failover.pbx1.mac]
    assert failover.pbx2.ctl(["redundancy", "status"])["role"] == "active"
