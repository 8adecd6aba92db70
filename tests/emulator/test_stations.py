from __future__ import annotations

import base64
import json
import queue
from collections.abc import Iterable
from ipaddress import IPv4Network
from typing import Any

import pytest

from emulator.addressing import mac_of, stations
from emulator.agents.phone import echo_request
from emulator.lab import LabError, NodeDown
from emulator.stations import HostedMailSink, HostedObserver, Orders


class Program:
    """The far end of a pipe: answers orders with a function."""

    def __init__(self, answer: Any) -> None:
        self._answer = answer
        self._lines: queue.Queue[bytes | None] = queue.Queue()
        self.orders: list[dict[str, Any]] = []

    def send(self, line: bytes) -> None:
        order = json.loads(line)
        self.orders.append(order)
        answer = self._answer(order)
        if answer is not None:
            self._lines.put(json.dumps({"id": order["id"], **answer}).encode())
        else:
            self.close()

    def lines(self) -> Iterable[bytes]:
        return iter(self._lines.get, None)

    def close(self) -> None:
        self._lines.put(None)


def test_declined_order_is_an_error_with_the_words_of_the_switch():
    orders = Orders(Program(lambda _order: {"error": "it is recording already"}))
    with pytest.raises(LabError, match="it is recording already"):
        orders.do("switch.capture")


def test_order_to_a_switch_that_dies_is_an_error_at_once():
    orders = Orders(Program(lambda _order: None))
    with pytest.raises(NodeDown, match=r"did not answer switch\.capture"):
        orders.do("switch.capture")


def test_observer_returns_answers_with_time_and_mac():
    program = Program(lambda _order: {"result": [[5.25, "02:00:00:00:00:01"]]})
    (reply,) = HostedObserver(Orders(program)).who_has("198.18.0.10", 0.1)
    assert (reply.at_s, reply.mac) == (5.25, "02:00:00:00:00:01")
    assert program.orders[0]["with"] == {"address": "198.18.0.10", "listen_s": 0.1}


def test_mail_sink_fetches_only_what_is_new_and_keeps_the_order():
    kept = [mail(number) for number in range(3)]
    program = Program(lambda order: {"result": kept[order["with"]["after"] :]})
    sink = HostedMailSink(Orders(program))
    assert [one.message_id for one in sink.messages()] == ["<0@lab>", "<1@lab>", "<2@lab>"]
    kept.append(mail(3))
    assert [one.message_id for one in sink.messages()][-1] == "<3@lab>"
    assert [order["with"]["after"] for order in program.orders] == [0, 3]


def mail(number: int) -> dict[str, Any]:
    raw = f"Message-ID: <{number}@lab>\r\nSubject: s\r\n\r\n".encode()
    row = {"sender": "a@lab", "recipients": ["b@lab"], "received_s": 1.0}
    return {**row, "raw": base64.b64encode(raw).decode()}


def test_macs_are_local_unicast_and_differ_by_lab_and_node():
    macs = [mac_of(lab, node) for lab in ("a", "b") for node in ("pbx1", "pbx2", "mail")]
    assert len(set(macs)) == len(macs)
    assert all(int(mac[:2], 16) & 0x03 == 0x02 for mac in macs)
    assert mac_of("a", "pbx1") == mac_of("a", "pbx1")


def test_stations_have_their_places_in_the_subnet():
    places = stations("lab", IPv4Network("198.18.4.0/24"), phones=2)
    assert {one.name: one.address for one in places} == {
        "mail": "198.18.4.30",
        "observer": "198.18.4.40",
        "phone1": "198.18.4.101",
        "phone2": "198.18.4.102",
    }


@pytest.mark.parametrize("sequence", [1, 255, 65535, 65536, 70000])
def test_checksum_of_an_echo_request_makes_the_sum_of_all_words_zero(sequence: int):
    data = echo_request(0xBEEF, sequence)
    total = sum(int.from_bytes(data[place : place + 2]) for place in range(0, 8, 2))
    assert (total & 0xFFFF) + (total >> 16) == 0xFFFF
    assert int.from_bytes(data[6:8]) == sequence & 0xFFFF
