"""Invariants of a takeover, each with a history that breaks it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from histories import (
    MAC1,
    MAC2,
    NOBODY,
    PBX1,
    PBX2,
    PHONE,
    altered,
    failover_frames,
    failover_history,
    failover_record,
    followed,
    frame,
    pcap,
    record,
    status,
    verdict,
    without,
)

from scenarios.verdict import Verdict


def test_silence_that_nobody_listened_to_fails() -> None:
    heard = [one for one in failover_frames() if one[38:44] != b"\0" * 6]
    deaf = replace(failover_record(), pcap=pcap(heard[:4] + heard[-5:]))
    probe = frame(47.1, MAC2, NOBODY, PBX1, reply=False)
    once = replace(failover_record(), pcap=pcap([*heard[:4], probe, *heard[-5:]]))

    assert verdict("claim-after-silence", deaf) is Verdict.FAILED
    assert verdict("claim-after-silence", once) is Verdict.FAILED


@pytest.mark.covers("T16")
@pytest.mark.parametrize(
    ("parted_s", "joined_s", "expected"),
    [(41, 60, Verdict.PASSED), (41, 47, Verdict.FAILED), (49, 60, Verdict.FAILED)],
    ids=["parted-all-along", "joined-before", "parted-after"],
)
def test_what_is_said_beyond_a_parted_lan_breaks_no_silence(
    parted_s: float, joined_s: float, expected: Verdict
) -> None:
    bar = {"name": "parted-1", "node": "lan", "off": ["pbx1"]}
    parted = followed(
        failover_record(),
        (parted_s, "runner/runner", "fault", "parted", bar),
        (joined_s, "runner/runner", "fault.ended", "parted", bar),
    )
    heard = frame(48, MAC1, PBX1, PHONE, reply=True)

    assert (
        verdict("claim-after-silence", replace(parted, pcap=pcap([*failover_frames(), heard])))
        is expected
    )


def test_a_takeover_that_the_drill_did_not_click_fails() -> None:
    unasked = without(failover_record(), "step")

    assert verdict("claim-needs-click", unasked) is Verdict.FAILED
    assert verdict("claim-needs-click", altered(failover_record(), "step", position=7)) is (
        Verdict.FAILED
    )


def test_no_recording_of_the_wire_is_inconclusive() -> None:
    assert verdict("one-holder", replace(failover_record(), pcap=b"")) is Verdict.INCONCLUSIVE


@pytest.mark.parametrize("epoch", [1, 2])
def test_a_takeover_without_a_new_epoch_fails(epoch: int) -> None:
    opened = (40.0, "pbx1/appliance", "epoch.opened", "", {"operation": "x", "epoch": 2})
    write = failover_history()
    rows = write.rows
    write.rows = []
    write.add(0.5, "pbx1/appliance", "epoch.opened", epoch=epoch)
    write.rows += [replace(one, number=one.number + 1) for one in rows]
    same = altered(record(write), "takeover.committed", epoch=epoch)

    assert verdict("epoch-never-falls", same) is Verdict.FAILED
    assert verdict("epoch-never-falls", followed(failover_record(), opened)) is Verdict.FAILED


def test_an_old_address_that_still_answers_or_stays_fails() -> None:
    write = failover_history()
    write.read(70, "pbx2", "final", "who-has", {"address": PBX2, "macs": [MAC2]})
    stays = without(failover_record(), "removed")
    back = (70.0, "pbx2/address", "added", "", {"address": PBX2})

    assert verdict("old-address-goes", record(write)) is Verdict.FAILED
    assert verdict("old-address-goes", stays) is Verdict.FAILED
    assert verdict("old-address-goes", followed(failover_record(), back)) is Verdict.FAILED


def test_network_settings_that_were_not_taken_over_fail() -> None:
    write = failover_history()
    write.read(70, "pbx2", "final", "status", status("pbx2", 2))

    assert verdict("network-taken-over", record(write)) is Verdict.FAILED


@pytest.mark.parametrize(
    "modules",
    [
        [{"name": "callcenter", "active": False}],
        [],
        [{"name": "callcenter", "active": True}, {"name": "redundanz", "active": True}],
    ],
    ids=["one-rests", "one-is-missing", "redundanz-does-not-rest"],
)
def test_modules_that_do_not_follow_fail(modules: list[dict[str, object]]) -> None:
    write = failover_history()
    write.read(70, "pbx2", "final", "status", status("pbx2", 2, modules=modules))

    assert verdict("modules-follow", record(write)) is Verdict.FAILED


@pytest.mark.covers("B6")
def test_a_module_that_is_configured_anew_after_the_takeover_need_not_rest() -> None:
    write = failover_history()
    active = [{"name": "callcenter", "active": True}, {"name": "redundanz", "active": True}]
    write.read(70, "pbx2", "final", "status", status("pbx2", 2, modules=active))
    anew = followed(record(write), (65.0, "pbx2/engine", "configured", "", {"by": "admin"}))

    assert verdict("modules-follow", record(write)) is Verdict.FAILED
    assert verdict("modules-follow", anew) is Verdict.PASSED


@pytest.mark.covers("B6")
def test_a_new_box_may_announce_the_address_that_it_came_with() -> None:
    announced = frame(49, MAC1, PBX2, PBX2, reply=False)
    heard = replace(failover_record(), pcap=pcap([*failover_frames(), announced]))
    new = (41.0, "runner/runner", "replaced", "", {"node": "pbx1", "address": PBX2})

    assert verdict("claim-needs-click", heard) is Verdict.FAILED
    assert verdict("claim-needs-click", followed(heard, new)) is Verdict.PASSED
