"""Recordings of the wire."""

from __future__ import annotations

import io

import pytest
from histories import MAC1, PBX1, PHONE, failover_record, frame, pcap

from scenarios.frames import NotARecording, arp_frames
from scenarios.outage import lost_objects, measure


def test_frames_are_read_as_they_were_written() -> None:
    (one,) = arp_frames(pcap([frame(10.25, MAC1, PBX1, PHONE, reply=True)]))

    assert (one.at_s, one.reply, one.mac) == (pytest.approx(10.25), True, MAC1)
    assert (one.address, one.target, one.claims, one.gratuitous) == (PBX1, PHONE, True, False)


def test_what_scapy_writes_is_read_alike() -> None:
    layers = pytest.importorskip("scapy.layers.l2")
    utils = pytest.importorskip("scapy.utils")
    packet = layers.Ether(src=MAC1) / layers.ARP(op=2, hwsrc=MAC1, psrc=PBX1, pdst=PBX1)
    other = layers.Ether(src=MAC1, type=0x0800) / (b"x" * 60)
    file = io.BytesIO()
    file.close = lambda: None  # type: ignore[method-assign]  # the writer closes what it was given
    with utils.PcapWriter(file, linktype=1) as writer:
        writer.write([packet, other])

    (one,) = arp_frames(file.getvalue())

    assert (one.mac, one.address, one.gratuitous, one.reply) == (MAC1, PBX1, True, True)


def test_a_torn_last_frame_ends_the_recording() -> None:
    whole = pcap([frame(1, MAC1, PBX1, PHONE, reply=True)] * 2)

    assert len(list(arp_frames(whole[:-3]))) == 1


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04" + b"\0" * 40, b"\xd4\xc3\xb2\xa1"])
def test_what_is_no_recording_is_refused(data: bytes) -> None:
    with pytest.raises(NotARecording):
        list(arp_frames(data))


def test_the_outage_is_split_into_phases() -> None:
    outage = measure(failover_record())

    assert outage is not None
    assert outage.total_s == pytest.approx(50.3 - 39.95)
    assert outage.takeover_s == pytest.approx(0.4)
    phases = dict(outage.phases())
    assert phases["decided"] == pytest.approx(49.9 - 39.95)
    assert phases["checked and claimed"] == pytest.approx(0.3)
    assert phases["announced"] == pytest.approx(0.05)
    assert phases["first client back"] == pytest.approx(0.05)
    assert sum(phases.values()) == pytest.approx(outage.total_s)
    assert lost_objects(failover_record()) == ("doomed",)
