"""The simulated LAN: who answers, what an observer and a phone see, what is recorded."""

import io

import pytest
from scapy.layers.l2 import ARP
from scapy.utils import rdpcap

from emulator.levers import Obstruction
from emulator.sim.arp import REPLY, REQUEST
from emulator.sim.lan import ANSWER_US, SimLan
from emulator.sim.observer import SimObserver
from emulator.sim.phone import BROWSING, PINGING, SimPhone, routing
from emulator.sim.world import World

SHARED = "198.18.0.10"
MAC1, MAC2 = "02:00:00:00:00:01", "02:00:00:00:00:02"


class Bench:
    """Two appliances, an observer and a phone on one LAN."""

    def __init__(self) -> None:
        self.world = World()
        self.lan = SimLan(self.world)
        self.pbx1 = self.lan.station("pbx1", MAC1, [SHARED])
        self.pbx2 = self.lan.station("pbx2", MAC2, ["198.18.0.20"])
        observer = self.lan.station("observer", "02:00:00:00:00:40", ["198.18.0.40"])
        self.place = self.lan.station("phone1", "02:00:00:00:01:01", ["198.18.0.101"])
        self.observer = SimObserver(self.world, self.lan, observer)
        self.phone = self.client()

    def client(self, habits=PINGING):
        return SimPhone(self.world, self.lan, self.place, habits)

    def hold(self, station, *addresses):
        port = station.port
        self.lan.change(station, type(port)(port.mac, port.powered, port.carrier, addresses))

    def macs(self, address=SHARED):
        return [one.mac for one in self.observer.who_has(address)]


@pytest.fixture
def bench():
    return Bench()


def test_whoever_holds_an_address_answers_with_its_mac_after_its_time(bench):
    replies = bench.observer.who_has(SHARED)
    assert [(one.mac, one.at_s) for one in replies] == [(MAC1, ANSWER_US / 1e6)]
    assert bench.world.now_s == 0.5


def test_nobody_answers_for_an_address_that_nobody_holds(bench):
    assert bench.macs("198.18.0.99") == []


def test_two_holders_both_answer(bench):
    bench.hold(bench.pbx2, "198.18.0.20", SHARED)
    assert bench.macs() == [MAC1, MAC2]


def test_a_station_without_power_or_cable_is_silent(bench):
    bench.lan.carrier(bench.pbx1, up=False)
    assert bench.macs() == []
    bench.lan.carrier(bench.pbx1, up=True)
    assert bench.macs() == [MAC1]
    bench.lan.power(bench.pbx1, on=False)
    assert bench.macs() == []
    bench.lan.power(bench.pbx1, on=True)
    assert bench.macs() == [], "addresses do not outlive the power"


def test_who_dies_before_its_answer_is_out_never_answers(bench):
    bench.world.later(0.0001, lambda: bench.lan.power(bench.pbx1, on=False))
    assert bench.macs() == []


def test_an_asker_without_cable_hears_nothing(bench):
    bench.lan.carrier(bench.lan.stations["observer"], up=False)
    assert bench.macs() == []


def test_the_watch_sees_every_answer_and_the_gap_between_two_holders(bench):
    bench.observer.watch(SHARED, interval_s=0.01)
    bench.world.pause(0.1)
    bench.lan.power(bench.pbx1, on=False)
    bench.world.pause(0.1)
    bench.hold(bench.pbx2, SHARED)
    bench.world.pause(0.1)
    replies = bench.observer.stop()
    assert [one.mac for one in replies] == [MAC1] * 10 + [MAC2] * 10
    assert replies[10].at_s - replies[9].at_s == pytest.approx(0.11)


def test_a_broadcast_does_not_reach_the_other_part_of_a_parted_lan(bench):
    heard = []
    bench.pbx1.hear = heard.append
    number = bench.lan.obstruct(
        Obstruction("drop", frozenset({"pbx1"}), frozenset(), both_ways=True)
    )
    bench.lan.announce(bench.pbx2, SHARED)
    assert heard == []
    bench.lan.clear(number)
    bench.lan.announce(bench.pbx2, SHARED)
    assert {one.sender_mac for one in heard} == {MAC2}


def test_a_second_watch_and_a_stop_without_watch_are_refused(bench):
    for station in (bench.observer, bench.phone):
        with pytest.raises(ValueError, match="not"):
            station.stop()
        station.watch(SHARED)
        with pytest.raises(ValueError, match="already"):
            station.watch(SHARED)


def test_a_phone_keeps_to_the_dead_mac_until_the_takeover_is_announced(bench):
    bench.phone.watch(SHARED, interval_s=0.1)
    bench.world.pause(1)
    bench.lan.power(bench.pbx1, on=False)
    bench.hold(bench.pbx2, "198.18.0.20", SHARED)
    bench.world.pause(1)
    bench.lan.announce(bench.pbx2, SHARED)
    bench.world.pause(1)
    record = bench.phone.stop()
    assert record.sent == 30
    assert [mac for _, mac in record.answers] == [MAC1] * 10 + [MAC2] * 10
    assert 2.0 <= record.answers[10][0] < 2.2


def test_without_announcement_a_phone_asks_anew_after_its_cache_gave_up(bench):
    bench.phone.watch(SHARED, interval_s=0.1)
    bench.world.pause(1)
    bench.lan.power(bench.pbx1, on=False)
    bench.hold(bench.pbx2, SHARED)
    bench.world.pause(60)
    answers = bench.phone.stop().answers
    first = next(at_s for at_s, mac in answers if mac == MAC2)
    assert 0.9 + 30 + 5 + 3 <= first <= 0.9 + 30 + 5 + 3 + 0.5


@pytest.mark.covers("R6")
def test_a_router_that_missed_the_announcement_keeps_to_the_dead_mac_for_its_long_time(bench):
    router = bench.client(routing(scale=60))
    router.watch(SHARED, interval_s=0.1)
    bench.world.pause(1)
    bench.lan.power(bench.pbx1, on=False)
    bench.hold(bench.pbx2, SHARED)
    bench.world.pause(300)
    first = next(at_s for at_s, mac in router.stop().answers if mac == MAC2)
    assert 0.9 + 240 + 5 + 3 <= first <= 0.9 + 240 + 5 + 3 + 0.5


@pytest.mark.covers("R6")
def test_a_router_that_heard_the_announcement_is_back_at_once(bench):
    router = bench.client(routing(scale=60))
    router.watch(SHARED, interval_s=0.1)
    bench.world.pause(1)
    bench.lan.power(bench.pbx1, on=False)
    bench.hold(bench.pbx2, SHARED)
    bench.lan.announce(bench.pbx2, SHARED)
    bench.world.pause(1)
    assert router.stop().answers[10][0] < 1.2


@pytest.mark.covers("R6")
def test_who_looks_at_the_page_waits_a_second_for_one_that_does_not_come(bench):
    web = bench.client(BROWSING)
    web.watch(SHARED, interval_s=0.01)
    bench.world.pause(1)
    bench.lan.power(bench.pbx1, on=False)
    bench.world.pause(0.1)  # within it a look has begun, which nobody will answer
    bench.hold(bench.pbx2, SHARED)
    bench.lan.announce(bench.pbx2, SHARED)
    bench.world.pause(2)
    answers = web.stop().answers
    assert [mac for _, mac in answers[:6]] == [MAC1] * 5 + [MAC2]
    assert answers[5][0] == pytest.approx(1.0 + 1.2, abs=0.01)


def test_an_announcement_makes_no_entry_in_a_cache_that_never_asked(bench):
    bench.lan.announce(bench.pbx1, SHARED)
    bench.lan.power(bench.pbx1, on=False)
    bench.phone.watch(SHARED, interval_s=0.1)
    bench.world.pause(1)
    assert bench.phone.stop().answers == ()


def test_a_phone_asks_once_a_second_for_an_address_that_nobody_holds(bench):
    bench.lan.capture()
    bench.phone.watch("198.18.0.99", interval_s=0.01)
    bench.world.pause(2.5)
    asked = [one for one in packets(bench.lan.recording()) if one.pdst == "198.18.0.99"]
    assert [float(one.time) for one in asked] == [0, 1, 2]


def packets(recording):
    found = []
    for frame in rdpcap(io.BytesIO(recording)):
        arp = frame[ARP]
        arp.time = frame.time
        found.append(arp)
    return found


def test_the_recording_holds_questions_answers_and_announcements_in_order(bench):
    bench.lan.capture()
    bench.observer.watch(SHARED, interval_s=0.01)
    bench.world.pause(0.005)
    bench.lan.announce(bench.pbx2, "198.18.0.20")
    bench.world.pause(0.01)
    seen = packets(bench.lan.recording())
    assert [(one.op, one.hwsrc, one.psrc, one.pdst) for one in seen] == [
        (REQUEST, "02:00:00:00:00:40", "198.18.0.40", SHARED),
        (REPLY, MAC1, SHARED, "198.18.0.40"),
        (REQUEST, MAC2, "198.18.0.20", "198.18.0.20"),
        (REPLY, MAC2, "198.18.0.20", "198.18.0.20"),
        (REQUEST, "02:00:00:00:00:40", "198.18.0.40", SHARED),
        (REPLY, MAC1, SHARED, "198.18.0.40"),
    ]
    times = [float(one.time) for one in seen]
    assert times == sorted(times)


def test_nothing_is_recorded_before_the_capture_or_by_who_has_no_cable(bench):
    bench.lan.announce(bench.pbx1, SHARED)
    bench.world.pause(1)
    bench.lan.capture()
    bench.lan.carrier(bench.pbx1, up=False)
    bench.lan.announce(bench.pbx1, SHARED)
    assert packets(bench.lan.recording()) == []


def test_a_second_recording_and_a_fetch_without_one_are_refused(bench):
    with pytest.raises(ValueError, match="not recording"):
        bench.lan.recording()
    bench.lan.capture()
    with pytest.raises(ValueError, match="already"):
        bench.lan.capture()
