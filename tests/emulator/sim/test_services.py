"""The engine's ports on simulated machines: the wire, the store, mail; and their deaths."""

import json

import pytest
from services_bench import ADDRESS, MAC, Bench

from emulator.ports import Interface, MailServer
from emulator.sim.life import PowerLost
from emulator.sim.mail import SimMailSink
from emulator.sim.services import SimStore
from redundancy.errors import (
    LanUnusable,
)


@pytest.fixture
def bench():
    return Bench()


def test_a_probe_takes_its_time_and_names_who_answers(bench):
    def body():
        before = bench.world.now_s
        found = bench.near.wiring.addresses.probe(ADDRESS["pbx2"], 0.25)
        return found, bench.world.now_s - before

    assert bench.near.run(body) == (frozenset({MAC["pbx2"]}), pytest.approx(0.25))


def test_a_probe_hears_an_announcement_but_not_its_own_machine(bench):
    addresses = bench.near.wiring.addresses
    bench.world.later(0.1, lambda: bench.site.lan.announce(bench.far.station, "198.18.0.77"))
    assert bench.near.run(lambda: addresses.probe("198.18.0.77", 0.25)) == {MAC["pbx2"]}
    assert bench.near.run(lambda: addresses.probe(ADDRESS["pbx1"], 0.25)) == frozenset()


def test_a_port_without_link_proves_nothing(bench):
    bench.site.lan.carrier(bench.near.station, up=False)
    for act in (
        lambda: bench.near.wiring.addresses.probe(ADDRESS["pbx2"], 0.25),
        lambda: bench.near.wiring.addresses.announce(ADDRESS["pbx1"]),
    ):
        with pytest.raises(LanUnusable):
            bench.near.run(act)


def test_addresses_are_reported_as_they_come_and_go(bench):
    both = ((ADDRESS["pbx1"], 24), (ADDRESS["pbx2"], 24))
    for pairs in (both, both[:1]):
        interface = Interface(MAC["pbx2"], pairs, "198.18.0.1", ())
        bench.far.run(lambda wanted=interface: bench.far.machine.network.apply(wanted))
    told = [
        (one.node, one.event, one.detail["address"])
        for one in bench.site.history.rows
        if one.source == "address"
    ]
    assert told == [
        ("pbx1", "added", ADDRESS["pbx1"]),
        ("pbx2", "added", ADDRESS["pbx2"]),
        ("pbx2", "added", ADDRESS["pbx1"]),
        ("pbx2", "removed", ADDRESS["pbx2"]),
    ]


def test_events_go_to_the_history_and_the_log_until_death(bench):
    bench.near.run(lambda: bench.near.machine.emit("engine", "run.started", "", {"run": 1}))
    rows = bytes(bench.near.platter.inode("log/events.jsonl").cached).splitlines()
    bench.near.die()
    bench.near.machine.emit("engine", "run.failed", "", {})
    assert [one.event for one in bench.site.history.rows if one.source == "engine"] == [
        "run.started"
    ]
    assert json.loads(rows[-1])["event"] == "run.started"


def test_mail_is_taken_by_the_sink_and_by_nobody_else(bench):
    station = bench.site.lan.station("mail", "02:00:00:00:00:30", ["198.18.0.30"])
    sink = bench.site.sinks["mail"] = SimMailSink(bench.world)
    message = b"Message-ID: <1@pbx1>\r\nSubject: =?utf-8?q?=C3=9Cbung?=\r\n\r\nText\r\n"

    def submit(host, port=25):
        server = MailServer(host, port, "pbx@example.org")
        bench.near.machine.submit_mail(server, "a@example.org", message)

    bench.near.run(lambda: submit("198.18.0.30"))
    for host, port in ((ADDRESS["pbx2"], 25), ("198.18.0.30", 26), ("198.18.0.99", 25)):
        with pytest.raises(ConnectionError):
            bench.near.run(lambda host=host, port=port: submit(host, port))
    bench.site.lan.carrier(station, up=False)
    with pytest.raises(ConnectionError):
        bench.near.run(lambda: submit("198.18.0.30"))
    (record,) = sink.messages()
    assert (record.message_id, record.subject) == ("<1@pbx1>", "Übung")
    assert record.recipients == ("a@example.org",)


def test_a_store_keeps_whole_lines_over_power_cuts(bench):
    store = bench.near.wiring.store
    store.append("journal", "one")
    store.append("journal", "two")
    bench.near.die()
    bench.near.boot()
    torn = bench.near.machine.disk.append("module/redundanz/journal")
    torn.write(b"thr")
    torn.sync()
    again = bench.near.wiring.store
    assert again.lines("journal") == ["one", "two"]
    again.append("journal", "three")
    assert again.lines("journal") == ["one", "two", "three"]
    assert again.lines("nothing") == []
    with pytest.raises(ValueError, match="line"):
        again.append("journal", "a\nb")


def test_a_store_opens_what_the_contract_named(bench):
    disk = bench.near.machine.disk
    disk.create("backups/a.sar").write(b"whole")
    store = SimStore(disk, "module/redundanz")
    assert store.open(disk.location("backups/a.sar")).read() == b"whole"


def test_every_port_of_a_dead_machine_is_dead(bench):
    machine, wiring = bench.near.machine, bench.near.wiring
    bench.near.die()
    for act in (
        machine.calendar.now,
        machine.stopwatch.now_s,
        lambda: machine.stopwatch.sleep(1),
        lambda: machine.start("late", lambda: None),
        lambda: machine.entropy(4),
        lambda: machine.remote_shell.serve("x"),
        lambda: machine.network.apply(Interface(MAC["pbx1"], (), "", ())),
        lambda: machine.submit_mail(MailServer("198.18.0.30", 25, ""), "", b""),
        lambda: wiring.store.append("journal", "late"),
        lambda: wiring.local.call(["status"]),
        lambda: wiring.addresses.announce(ADDRESS["pbx1"]),
        bench.connect,
    ):
        with pytest.raises(PowerLost):
            act()


def test_entropy_depends_on_seed_node_and_order_alone(bench):
    other = Bench()
    assert bench.near.machine.entropy(40) == other.near.machine.entropy(40)
    assert bench.near.machine.entropy(40) != bench.near.machine.entropy(40)
    assert bench.near.machine.entropy(8) != bench.far.machine.entropy(8)
