"""What is read off a telephone's wire."""

from __future__ import annotations

import struct

import pytest

from emulator.agents.crowd import extension_of
from emulator.agents.telephone import is_audio, registered, transported

OK = b"SIP/2.0 200 OK\r\nTo: <sip:1001@198.18.0.10>;tag=1\r\nCSeq: 2 REGISTER\r\n\r\n"


def frame(protocol: int, body: bytes, padding: bytes = b"") -> bytes:
    address = bytes(8)
    header = struct.pack("!BBHHHBBH8s", 0x45, 0, 20 + len(body), 0, 0, 64, protocol, 0, address)
    return bytes(12) + b"\x08\x00" + header + body + padding


def test_a_datagrams_payload_is_found_whatever_pads_its_frame() -> None:
    udp = struct.pack("!HHHH", 5060, 40000, 8 + len(OK), 0) + OK
    assert transported(frame(17, udp, b"\0" * 6)) == (17, 5060, OK)


def test_a_segments_payload_is_found_behind_its_options() -> None:
    tcp = struct.pack("!HHIIBBHHH", 5060, 40000, 1, 1, 0x80, 0x18, 0, 0, 0) + bytes(12) + OK
    assert transported(frame(6, tcp)) == (6, 5060, OK)


def test_other_protocols_are_nothing() -> None:
    assert transported(frame(1, b"ping")) is None


def test_a_registrars_200_is_a_good_answer() -> None:
    assert registered(OK)
    assert registered(OK.replace(b"CSeq", b"cseq"))


@pytest.mark.parametrize(
    "payload",
    [
        OK.replace(b"200 OK", b"401 Unauthorized"),
        OK.replace(b"REGISTER", b"INVITE"),
        b"REGISTER sip:198.18.0.10 SIP/2.0\r\nCSeq: 2 REGISTER\r\n\r\n",
    ],
)
def test_nothing_else_is_a_good_answer(payload: bytes) -> None:
    assert not registered(payload)


def test_an_answer_says_whose_registration_it_is_about() -> None:
    assert extension_of(OK) == "1001"
    assert extension_of(b"SIP/2.0 200 OK\r\n\r\n") == ""


def test_audio_is_told_from_its_control_and_from_noise() -> None:
    assert is_audio(b"\x80\x08" + bytes(170))
    assert not is_audio(b"\x80\xc8" + bytes(26)), "RTCP"
    assert not is_audio(b"\x80\x08"), "too short"
    assert not is_audio(b"\r\n\r\n" + bytes(20))
