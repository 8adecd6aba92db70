"""A crash may swallow an event; the checkers then believe the appliance's own state."""

from __future__ import annotations

from dataclasses import replace

from histories import (
    MAC2,
    PBX1,
    PHONE,
    SHA,
    failover_frames,
    failover_history,
    failover_record,
    followed,
    frame,
    pcap,
    record,
    status,
    without,
)

from emulator.lab import Event
from scenarios.checkers import CHECKERS
from scenarios.record import Record
from scenarios.verdict import Verdict

BOOT = (65.0, "pbx2/appliance", "booted", "clean", {})


def verdict(name: str, given: Record) -> Verdict:
    return CHECKERS[name](given).verdict


def preceded(sound: Record, *rows: Event) -> Record:
    """The same record with events before all others."""
    return replace(sound, events=(*rows, *sound.events))


def test_a_message_that_came_once_more_after_a_boot_passes_but_not_twice_more() -> None:
    sound = followed(failover_record(), BOOT)

    assert verdict("one-message-each", replace(sound, mails=sound.mails * 2)) is Verdict.PASSED
    assert verdict("one-message-each", replace(sound, mails=sound.mails * 3)) is Verdict.FAILED


def test_the_first_boot_of_a_box_excuses_no_second_delivery() -> None:
    sound = followed(failover_record(), (65.0, "pbx2/appliance", "booted", "first", {}))

    assert verdict("one-message-each", replace(sound, mails=sound.mails * 2)) is Verdict.FAILED


def test_a_backup_that_only_its_register_tells_of_was_finished() -> None:
    row = {"file": "b2.sar", "epoch": 1, "generation": 2, "sha256": SHA}
    untold = without(without(failover_record(), "backup.finished"), "snapshot.created")
    detail = {"node": "pbx1", "moment": "booted", "answer": {"backups": [row]}}
    read = replace(
        untold.events[0], number=0, source="runner", event="read", cause="backups", detail=detail
    )

    assert verdict("content-is-a-generation", untold) is Verdict.FAILED
    assert verdict("content-is-a-generation", preceded(untold, read)) is Verdict.PASSED


def test_an_export_that_only_the_engine_tells_of_counts_after_a_boot_alone() -> None:
    untold = without(without(failover_record(), "backup.finished"), "snapshot.created")
    what = {"file": "b2.seal", "epoch": 1, "generation": 2, "sha256": SHA}
    first = untold.events[0]
    boot = replace(
        first, number=-2, node="pbx1", source="appliance", event="booted", cause="clean", detail={}
    )
    exported = replace(
        first, number=-1, node="pbx1", source="engine", event="run.exported", cause="",
        detail={"snapshot": what},
    )  # fmt: skip
    other = replace(exported, detail={"snapshot": {**what, "sha256": "ef" * 32}})
    powered_on = replace(boot, cause="first")

    def judged(*rows: Event) -> Verdict:
        return verdict("content-is-a-generation", preceded(untold, *rows))

    assert judged(boot, exported) is Verdict.PASSED
    assert judged(boot, exported, replace(boot, number=0)) is Verdict.PASSED, "a later boot"
    assert judged(boot, other) is Verdict.FAILED
    assert judged(exported) is Verdict.FAILED
    assert judged(powered_on, exported) is Verdict.FAILED


def test_an_import_that_only_the_next_boot_told_of_is_the_last_one() -> None:
    what = {"token": "1.1.1", "file": "b3.sar", "sha256": "cd" * 32}
    made = {"epoch": 1, "generation": 3}
    verified = (62.0, "pbx2/appliance", "import.verified", "", {**what, **made})
    boot = (65.0, "pbx2/appliance", "booted", "import-completed", {})
    write = failover_history()
    write.rows = list(followed(record(write), verified, boot).events)
    write.read(70, "pbx2", "final", "status", status("pbx2", 2, origin={**made, **what}))

    assert verdict("content-is-a-generation", record(write)) is Verdict.PASSED
    assert verdict("content-is-a-generation", without(record(write), "booted")) is Verdict.FAILED


def test_a_takeover_that_only_the_status_tells_of_moves_the_network() -> None:
    write = failover_history()
    taken = {"operation": "switchover-1", "epoch": 2, "settled": True}
    after = status("pbx2", 2, takeover=taken, network={"address": PBX1})
    write.read(70, "pbx2", "final", "status", after)
    untold = without(record(write), "takeover.committed")

    assert verdict("standby-identity", untold) is Verdict.PASSED


def test_a_kernel_whose_programs_were_killed_keeps_an_address_that_nobody_told_of() -> None:
    early = [frame(49.0, MAC2, PBX1, PHONE, reply=True), *failover_frames()]
    sound = replace(failover_record(), pcap=pcap(early))
    kill = (48.0, "runner/runner", "fault", "kill", {"node": "pbx2"})
    events = followed(record(failover_history()), kill).events
    at = next(number for number, one in enumerate(events) if one.wall_s >= 48.0)
    killed = replace(sound, events=(*events[:at], events[-1], *events[at:-1]))

    assert verdict("one-holder", sound) is Verdict.FAILED
    assert verdict("one-holder", killed) is Verdict.PASSED


def test_a_step_of_a_rollback_that_is_refused_twice_is_two_messages_and_no_third() -> None:
    sound = failover_record()
    refused = [(70.0 + at, "pbx2/engine", "rollback.refused", "x", {}) for at in range(2)]
    notice = replace(sound.mails[1], subject="Refused")
    for count, expected in ((2, Verdict.PASSED), (3, Verdict.FAILED)):
        mails = tuple(replace(notice, message_id=f"<{one}@lab>") for one in range(count))
        assert (
            verdict("one-message-each", replace(followed(sound, *refused), mails=mails)) is expected
        )
