"""SSH in simulation: payloads, cuts, power cuts and cables, as a real connection has them."""

import pytest
from services_bench import ADDRESS, MEGABYTE, Bench, exactly, payload_of, whole

from emulator.lab import TimeStands
from redundancy.errors import (
    AuthenticationFailed,
    ConnectionLost,
    Fenced,
    HostKeyChanged,
    IndefiniteError,
    Refused,
    Stalled,
)
from redundancy.ports import StandbyAccess


@pytest.fixture
def bench():
    return Bench()


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


def test_a_far_side_that_is_up_again_knows_nothing_of_the_connection_and_resets_it(bench):
    def reboot():
        bench.far.die()
        bench.world.later(1.0, bench.far.boot)

    with pytest.raises(ConnectionLost, match="reset"):
        bench.call(["receive"], payload_of(9 * MEGABYTE, stall_limit_s=60.0), (0.06, reboot))
    assert bench.world.now_s < 10


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
