"""What every backend that hosts real nodes promises."""

from __future__ import annotations

import contextlib
import io
import multiprocessing
import smtplib
import socket
import threading
import tracemalloc
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from scapy.layers.l2 import ARP, Ether
from scapy.utils import rdpcap

from emulator.addressing import mac_of
from emulator.backends import LabBackend, Lan
from emulator.lab import LabError, LabSpec, NodeDown
from emulator.registry import Registry

LARGE = 32 * 2**20


def interfaces_of(backend: LabBackend, lan: Lan) -> set[str]:
    own = backend.interface(lan.lab)
    return {name for _, name in socket.if_nameindex() if name.startswith(own)}


def test_host_and_nodes_reach_each_other(bench, fetch):
    assert fetch(bench.address(10), "greeting") == b"pbx1"
    url = f"http://{bench.address(20)}/greeting"
    program = f"import urllib.request as r; print(r.urlopen({url!r}).read().decode())"
    assert fetch(bench.address(20), "greeting") == b"pbx2"
    done = bench.run("pbx1", "python3", "-c", program)
    assert (done.status, done.out.strip()) == (0, b"pbx2")


def test_execute_passes_input_and_returns_status_output_and_errors(bench):
    done = bench.run("pbx1", "sh", "-c", "cat; echo trouble >&2; exit 3", stdin=b"x" * 200_000)
    assert (done.status, done.out, done.err) == (3, b"x" * 200_000, b"trouble\n")


def test_nodes_have_host_names_of_their_own(bench):
    assert bench.run("pbx2", "cat", "/proc/sys/kernel/hostname").out.strip() == b"pbx2"


def test_observer_hears_the_one_that_has_an_address(bench):
    mac = bench.run("pbx1", "cat", "/sys/class/net/eth0/address").out.decode().strip()
    replies = bench.observer.who_has(bench.address(10), 0.2)
    assert [one.mac for one in replies] == [mac]
    assert bench.observer.who_has(bench.address(99), 0.05) == ()


def test_two_holders_of_one_address_are_both_heard(bench):
    shared = bench.address(77)
    for node in ("pbx1", "pbx2"):
        bench.run(node, "ip", "addr", "add", f"{shared}/24", "dev", "eth0")
    replies = bench.observer.who_has(shared, 0.2)
    for node in ("pbx1", "pbx2"):
        bench.run(node, "ip", "addr", "del", f"{shared}/24", "dev", "eth0")
    assert len({one.mac for one in replies}) == 2


def test_cable_out_silences_a_node_and_cable_in_brings_it_back(bench):
    bench.wire.carrier("pbx1", up=False)
    assert bench.run("pbx1", "cat", "/sys/class/net/eth0/carrier").out.strip() == b"0"
    assert bench.observer.who_has(bench.address(10), 0.05) == ()
    bench.wire.carrier("pbx1", up=True)
    assert len(bench.observer.who_has(bench.address(10), 0.2)) == 1


def test_recording_holds_the_question_and_the_unicast_answer(bench, tmp_path):
    bench.wire.capture()
    (reply,) = bench.observer.who_has(bench.address(10), 0.2)
    packets = rdpcap(io.BytesIO(bench.wire.pcap()))
    asker = mac_of(bench.lan.lab, "observer")
    asked = [one for one in packets if one[Ether].src == asker and one[ARP].op == 1]
    answers = [one for one in packets if one[Ether].dst == asker and one[ARP].op == 2]
    assert [one[ARP].pdst for one in asked] == [bench.address(10)]
    assert [one[ARP].hwsrc for one in answers] == [reply.mac]
    assert float(answers[0].time) == pytest.approx(reply.at_s, abs=0.01)


def test_recording_twice_at_a_time_is_declined_with_what_to_do(bench):
    bench.wire.capture()
    with pytest.raises(LabError, match="recording already: fetch"):
        bench.wire.capture()
    bench.wire.pcap()


def test_phone_sees_answers_with_the_mac_that_they_came_from(bench):
    mac = bench.run("pbx1", "cat", "/sys/class/net/eth0/address").out.decode().strip()
    bench.phone.watch(bench.address(10))
    bench.observer.who_has(bench.address(10), 0.2)  # lets time pass
    seen = bench.phone.stop()
    assert {answer_mac for _, answer_mac in seen.answers} == {mac}
    assert 5 <= len(seen.answers) <= seen.sent


def test_mail_sink_keeps_what_real_smtp_brings(bench):
    known = len(bench.mail.messages())
    text = b"Message-ID: <1@lab>\r\nSubject: =?utf-8?q?St=C3=B6rung?=\r\n\r\nbody\r\n"
    with smtplib.SMTP(bench.address(30), timeout=10) as server:
        server.sendmail("pbx1@lab", ["anna@lab", "otto@lab"], text)
    (mail,) = bench.mail.messages()[known:]
    assert (mail.message_id, mail.subject, mail.sender) == ("<1@lab>", "Störung", "pbx1@lab")
    assert mail.recipients == ("anna@lab", "otto@lab")
    assert mail.raw.endswith(b"body\r\n")


def test_power_off_ends_answers_at_once_and_files_outlive_it(bench, fetch):
    fetch(bench.address(20), "greeting")
    state = bench.backend.state_folder(bench.lan, "pbx2")
    bench.run("pbx2", "sh", "-c", f"echo kept > {state}/later")
    bench.wire.carrier("pbx2", up=False)
    assert bench.observer.who_has(bench.address(20), 0.05) == ()
    bench.backend.power_off(bench.lan, "pbx2")
    assert bench.observer.who_has(bench.address(20), 0.05) == ()
    assert not bench.backend.running(bench.lan, "pbx2")
    later = io.BytesIO()
    bench.backend.copy(bench.lan, "pbx2", "later", later)
    assert later.getvalue() == b"kept\n"
    assert bench.backend.files(bench.lan, "pbx2", "") == ["greeting", "later"]
    with pytest.raises(NodeDown):
        bench.run("pbx2", "true")
    bench.boot("pbx2", 20)
    assert bench.backend.running(bench.lan, "pbx2")
    assert fetch(bench.address(20), "later") == b"kept\n"
    assert len(bench.observer.who_has(bench.address(20), 0.2)) == 1


def test_node_that_ends_by_itself_answers_no_more(bench, fetch):
    fetch(bench.address(20), "greeting")
    with contextlib.suppress(LabError):  # the program's end is the end of what ends it
        bench.run("pbx2", "sh", "-c", "kill -9 -1")
    pause = threading.Event()
    for _ in range(500):
        if not bench.backend.running(bench.lan, "pbx2"):
            break
        pause.wait(0.01)
    assert not bench.backend.running(bench.lan, "pbx2")
    pause.wait(0.1)  # the kernel takes a namespace and its cable away in the background
    assert bench.observer.who_has(bench.address(20), 0.2) == ()
    bench.boot("pbx2", 20)
    assert fetch(bench.address(20), "greeting") == b"pbx2"
    assert len(bench.observer.who_has(bench.address(20), 0.2)) == 1


def test_missing_file_and_folder_are_told_apart_from_empty_ones(bench):
    with pytest.raises(FileNotFoundError):
        bench.backend.copy(bench.lan, "pbx1", "no/such", io.BytesIO())
    assert bench.backend.files(bench.lan, "pbx1", "no") == []


def test_a_large_file_comes_out_in_pieces(bench, tmp_path):
    state = bench.backend.state_folder(bench.lan, "pbx1")
    bench.run("pbx1", "truncate", "-s", str(LARGE), f"{state}/large")
    tracemalloc.start()
    with (tmp_path / "large").open("wb") as into:
        bench.backend.copy(bench.lan, "pbx1", "large", into)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    bench.run("pbx1", "rm", f"{state}/large")
    assert (tmp_path / "large").stat().st_size == LARGE
    assert peak < LARGE / 4


def test_destroy_leaves_nothing_and_may_be_repeated(backend: LabBackend, lan: Lan, small_lab):
    small_lab(backend, lan, lambda _row: None).close()
    assert interfaces_of(backend, lan)
    assert lan.lab in backend.labels()
    for _ in range(2):
        backend.destroy(lan.lab)
        assert interfaces_of(backend, lan) == set()
        assert lan.lab not in backend.labels()


def test_lan_of_the_same_name_is_declined(backend: LabBackend, lan: Lan):
    backend.create_lan(lan, lambda _row: None)
    with pytest.raises(LabError) as refusal:
        backend.create_lan(lan, lambda _row: None)
    assert refusal.value.remedy


def test_two_state_folders_may_each_have_a_lab_of_one_name(
    make_backend: Callable[[Path], LabBackend], backend: LabBackend, lan: Lan, free_subnet, tmp_path
):
    backend.create_lan(lan, lambda _row: None)
    stranger = make_backend(tmp_path)
    theirs = Lan(lan.lab, free_subnet(stranger))
    try:
        stranger.create_lan(theirs, lambda _row: None)
        assert stranger.interface(lan.lab) in interfaces_of(stranger, theirs)
    finally:
        stranger.destroy(lan.lab)
    assert interfaces_of(stranger, theirs) == set()
    assert backend.interface(lan.lab) in interfaces_of(backend, lan)
    assert lan.lab in backend.labels()


def test_repair_removes_what_a_killed_runner_left_and_nothing_before(
    make_backend: Callable[[Path], LabBackend], lan: Lan, tmp_path: Path, small_lab
):
    registry = Registry(tmp_path)
    backend = make_backend(registry.labs_folder)
    start = datetime(2026, 1, 1, tzinfo=UTC)
    spec = LabSpec(lan.lab, str(lan.subnet), (), seed=1, start=start)

    def make_a_lab_and_wait(ready, never):
        record = Registry(tmp_path).enter(spec, backend)
        orders = small_lab(backend, lan, record)
        ready.set()
        never.wait()
        orders.close()

    context = multiprocessing.get_context("fork")
    ready, never = context.Event(), context.Event()
    runner = context.Process(target=make_a_lab_and_wait, args=(ready, never), daemon=True)
    runner.start()
    assert ready.wait(20)
    assert registry.repair([backend]) == ()
    assert lan.lab in backend.labels()
    runner.kill()
    runner.join()
    assert registry.repair([backend]) == (lan.lab,)
    assert lan.lab not in backend.labels()
    assert interfaces_of(backend, lan) == set()
    assert registry.labs() == ()
    assert registry.repair([backend]) == ()
