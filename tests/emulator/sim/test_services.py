"""The engine's ports on simulated machines: SSH, the wire, the store; and their deaths."""

import io
import json
from datetime import UTC, datetime

import pytest

from emulator.lab import TimeStands
from emulator.ports import Interface
from emulator.sim.disk import SimDisk
from emulator.sim.lan import SimLan
from emulator.sim.life import Life, PowerLost
from emulator.sim.machine import SimMachine
from emulator.sim.mail import SimMailSink
from emulator.sim.served import Served
from emulator.sim.services import SimStore, SimWiring
from emulator.sim.site import Site
from emulator.sim.world import World
from redundancy.errors import (
    AuthenticationFailed,
    ConnectionLost,
    Fenced,
    HostKeyChanged,
    IndefiniteError,
    LanUnusable,
    Refused,
    Stalled,
)
from redundancy.ports import Payload, StandbyAccess

START = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
ADDRESS = {"pbx1": "198.18.0.10", "pbx2": "198.18.0.20"}
MAC = {"pbx1": "02:00:00:00:00:01", "pbx2": "02:00:00:00:00:02"}
MEGABYTE = 1_000_000


def whole(stdin):
    """Read up to the end, as a program does that knows short reads."""
    return b"".join(iter(lambda: stdin.read(100_000), b""))


def exactly(stdin, size):
    """Read so many bytes."""
    data = b""
    while len(data) < size:
        data += stdin.read(size - len(data))
    return data


class Box:
    """One machine with a small program instead of an appliance."""

    def __init__(self, site, name):
        self.site = site
        self.name = name
        self.platter = SimDisk()
        self.station = site.lan.station(name, MAC[name])
        self.program = lambda argv, stdin: {"echo": list(argv), "bytes": len(whole(stdin))}
        self.received = b""
        self.boot()

    def boot(self):
        self.life = Life(self.name)
        self.site.lan.power(self.station, on=True)
        self.machine = SimMachine(self.site, self.life, self.platter, self.station, 1)
        self.wiring = SimWiring(self.site, self.life, self.machine, self.dispatch, str)
        self.site.shells[self.name] = self.machine.remote_shell
        self.machine.remote_shell.dispatch = self.dispatch
        self.run(self._start)

    def _start(self):
        interface = Interface(MAC[self.name], ((ADDRESS[self.name], 24),), "198.18.0.1", ())
        self.machine.network.apply(interface)
        self.machine.remote_shell.serve("secret")

    def dispatch(self, argv, stdin):
        try:
            return {"contract": 2, "ok": True, "result": self.program(argv, stdin)}
        except Refused as error:
            body = {"code": error.code, "message": error.message, "remedy": error.remedy}
            return {"contract": 2, "ok": False, "error": body}

    def run(self, body):
        return self.site.world.call(self.life, "test", body)

    def die(self):
        self.site.lan.power(self.station, on=False)
        self.site.world.end(self.life)
        self.platter.power_cut()


class Bench:
    """Two boxes on one LAN."""

    def __init__(self):
        world = World()
        self.site = Site(world, Served(world, START), SimLan(world), seed=7)
        self.world = world
        self.near, self.far = Box(self.site, "pbx1"), Box(self.site, "pbx2")

    def connect(self, **changes):
        access = {"user": "root", "password": "secret", "host": ADDRESS["pbx2"], **changes}
        return self.near.wiring.transport.connect(StandbyAccess(**access))

    def call(self, argv=("status",), payload=None, meanwhile=None):
        """Call the far program over SSH; `meanwhile` is (delay, action)."""

        def body():
            channel = self.connect()
            if meanwhile is not None:
                self.world.later(*meanwhile)
            return channel.call(list(argv), payload)

        return self.near.run(body)


@pytest.fixture
def bench():
    return Bench()


def payload_of(size, progress=lambda _sent: None, stall_limit_s=5.0):
    return Payload(io.BytesIO(bytes(size)), size, stall_limit_s, progress)


def test_a_command_over_ssh_runs_on_the_far_machine_and_answers(bench):
    assert bench.call(["backup", "list"]) == {"echo": ["backup", "list"], "bytes": 0}
    assert bench.world.now_s > 0.05


def test_a_payload_arrives_whole_with_progress(bench):
    seen = []
    answer = bench.call(["receive"], payload_of(5 * MEGABYTE, seen.append))
    assert answer["bytes"] == 5 * MEGABYTE
    assert seen == sorted(seen)
    assert seen[-1] == 5 * MEGABYTE
    assert len(seen) > 10


def test_the_far_side_never_gets_more_than_it_asks_for(bench):
    def program(argv, stdin):
        pieces = []
        while piece := stdin.read(100_000):
            pieces.append(len(piece))
        return {"longest": max(pieces), "whole": sum(pieces)}

    bench.far.program = program
    answer = bench.call(["receive"], payload_of(MEGABYTE))
    assert answer == {"longest": 100_000, "whole": MEGABYTE}


def test_refusals_of_the_far_side_keep_their_code(bench):
    def program(argv, stdin):
        raise Refused("busy", "a backup is being made", remedy="wait")

    bench.far.program = program
    with pytest.raises(Refused) as caught:
        bench.call()
    assert (caught.value.code, caught.value.remedy) == ("busy", "wait")


def test_a_fenced_receiver_ends_the_transfer_with_that_answer(bench):
    def program(argv, stdin):
        stdin.read(10)
        raise Fenced("older")

    bench.far.program = program
    seen = []
    with pytest.raises(Fenced):
        bench.call(["receive"], payload_of(50 * MEGABYTE, seen.append))
    assert seen[-1] < 5 * MEGABYTE, "the sender stops soon"


def test_closing_the_input_ends_a_waiting_reader(bench):
    def program(argv, stdin):
        bench.world.later(0.1, stdin.close)
        try:
            whole(stdin)
        except ConnectionAbortedError:
            raise Fenced("closed") from None

    bench.far.program = program
    with pytest.raises(Fenced):
        bench.call(["receive"], payload_of(20 * MEGABYTE))


@pytest.mark.parametrize(
    ("changes", "error", "words"),
    [
        ({"password": "wrong"}, AuthenticationFailed, "user or password"),
        ({"user": "admin"}, AuthenticationFailed, "user or password"),
        ({"host_key": "ssh-ed25519 AAAA"}, HostKeyChanged, "another SSH host key"),
        ({"host": "198.18.0.99"}, ConnectionLost, "No route to host"),
        ({"port": 2222}, ConnectionLost, "Connection refused"),
    ],
)
def test_connecting_fails_as_real_ssh_does(bench, changes, error, words):
    with pytest.raises(error, match=words):
        bench.near.run(lambda: bench.connect(**changes))


def test_the_host_key_is_one_kind_and_survives_a_power_cut(bench):
    def key():
        return bench.near.wiring.transport.host_key(StandbyAccess("root", "", ADDRESS["pbx2"]))

    before = bench.near.run(key)
    bench.far.die()
    bench.far.boot()
    assert bench.near.run(key) == before
    assert before.startswith("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI")
    bench.near.run(lambda: bench.connect(host_key=before))


def test_a_machine_that_stopped_serving_refuses_connections(bench):
    bench.far.run(bench.far.machine.remote_shell.stop)
    with pytest.raises(ConnectionLost, match="refused"):
        bench.near.run(bench.connect)


def test_stopping_ssh_breaks_what_is_under_way(bench):
    def stop():
        bench.world.start(bench.far.life, "stop", bench.far.machine.remote_shell.stop)

    with pytest.raises(ConnectionLost):
        bench.call(["receive"], payload_of(50 * MEGABYTE), meanwhile=(0.1, stop))


def shell_sessions(bench):
    return bench.far.machine.remote_shell._sessions


def test_a_cut_while_the_payload_is_sent_is_definite_and_ends_the_far_side(bench):
    seen = []

    def program(argv, stdin):
        seen.append(len(exactly(stdin, 6 * MEGABYTE)))
        stdin.break_off()
        seen.append(len(stdin.read(1)))
        return {}

    bench.far.program = program
    with pytest.raises(ConnectionLost):
        bench.call(["receive"], payload_of(10 * MEGABYTE))
    bench.world.quiet()
    assert seen == [6 * MEGABYTE, 0]


def test_a_cut_after_the_payload_has_left_is_indefinite(bench):
    def program(argv, stdin):
        exactly(stdin, 600)
        stdin.break_off()
        return {}

    bench.far.program = program
    with pytest.raises(IndefiniteError):
        bench.call(["receive"], payload_of(1000))


def test_a_far_side_that_loses_power_in_the_transfer_stalls_the_sender(bench):
    with pytest.raises(Stalled, match="5 s"):
        bench.call(["receive"], payload_of(50 * MEGABYTE), meanwhile=(0.2, bench.far.die))
    assert 5 < bench.world.now_s < 6


def test_a_far_side_that_loses_power_before_its_answer_is_indefinite(bench):
    bench.far.program = lambda _argv, _stdin: bench.world.sleep(100)
    with pytest.raises(IndefiniteError):
        bench.call(["import"], meanwhile=(1, bench.far.die))
    assert 30 < bench.world.now_s < 65


def test_a_sender_that_loses_power_ends_the_receiver_after_sshd_noticed(bench):
    seen = []
    bench.far.program = lambda _argv, stdin: seen.append(len(whole(stdin)))
    payload = payload_of(50 * MEGABYTE)

    def body():
        bench.connect().call(["receive"], payload)

    bench.world.start(bench.near.life, "transfer", body)
    bench.world.later(0.3, bench.near.die)
    bench.world.quiet()
    assert len(seen) == 1
    assert 0 < seen[0] < 50 * MEGABYTE
    assert bench.world.now_s > 15


def test_a_cable_that_is_out_for_a_moment_only_delays(bench):
    lan, station = bench.site.lan, bench.far.station

    def unplug():
        lan.carrier(station, up=False)
        bench.world.later(2, lambda: lan.carrier(station, up=True))

    answer = bench.call(["receive"], payload_of(50 * MEGABYTE), meanwhile=(0.2, unplug))
    assert answer["bytes"] == 50 * MEGABYTE
    assert bench.world.now_s > 2


def test_a_cable_that_stays_out_stalls_the_sender_and_ends_the_receiver(bench):
    bench.far.program = lambda _argv, stdin: {"bytes": len(whole(stdin))}
    with pytest.raises(Stalled):
        bench.call(
            ["receive"],
            payload_of(50 * MEGABYTE),
            meanwhile=(0.2, lambda: bench.site.lan.carrier(bench.far.station, up=False)),
        )
    bench.world.quiet()
    assert shell_sessions(bench) == []


def test_an_answer_that_never_comes_while_the_peer_lives_is_given_up(bench):
    calendar = bench.far.machine.calendar
    bench.far.program = lambda _argv, _stdin: calendar.wait(None, calendar.bell())
    with pytest.raises(IndefiniteError):
        bench.call(["import"])
    assert bench.world.now_s > 600


def test_a_local_command_gets_its_payload_and_reports_progress(bench):
    seen = []
    answer = bench.near.run(
        lambda: bench.near.wiring.local.call(["receive"], payload_of(1000, seen.append))
    )
    assert answer == {"echo": ["receive"], "bytes": 1000}
    assert seen == [1000]


def test_a_local_command_that_would_wait_for_ever_is_named(bench):
    calendar = bench.near.machine.calendar
    bench.near.program = lambda _argv, _stdin: calendar.wait(None, calendar.bell())
    with pytest.raises(TimeStands, match="pbx1/test waits for a bell"):
        bench.near.run(lambda: bench.near.wiring.local.call(["import"]))


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
        bench.near.machine.submit_mail(host, port, "pbx@example.org", "a@example.org", message)

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
        lambda: machine.submit_mail("198.18.0.30", 25, "", "", b""),
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
