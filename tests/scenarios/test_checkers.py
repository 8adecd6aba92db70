"""Each invariant with a history that breaks it, and one that does not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from histories import (
    MAC1,
    MAC2,
    PBX1,
    PBX2,
    PHONE,
    Writer,
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

from scenarios import checkers
from scenarios.checkers import CHECKERS, judge
from scenarios.record import Record, SecretScan, StoredMail
from scenarios.verdict import Verdict, worst

UNMET = {  # nothing in that failover could break these
    *("attempt-spacing", "faults-fired", "one-writer-at-a-time", "last-good-outlives"),
    *("mail-changes-no-outcome", "mails-keep-order", "next-run-succeeds", "objectives-met"),
    "phones-return",
}


@pytest.mark.parametrize("name", sorted(UNMET))
def test_what_a_sound_failover_could_not_break_is_not_applicable(name: str) -> None:
    assert verdict(name, failover_record()) is Verdict.NOT_APPLICABLE


@pytest.mark.parametrize("name", sorted(set(CHECKERS) - UNMET))
def test_a_sound_failover_passes(name: str) -> None:
    judgement = CHECKERS[name](failover_record())

    assert judgement.verdict is Verdict.PASSED, judgement.evidence


def test_two_holders_by_address_events_fail() -> None:
    assert verdict("one-holder", without(failover_record(), "fault")) is Verdict.FAILED


OUT = (39.0, "pbx1/wire", "carrier", "", {"up": False})
IN = (58.0, "pbx1/wire", "carrier", "", {"up": True})
PARTED = {"off": ["pbx1", "phone1"], "name": "gap"}


@pytest.mark.covers("F3", "T16")
@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([OUT], Verdict.PASSED),
        ([OUT, IN], Verdict.FAILED),
        ([(39.0, "runner/runner", "fault", "parted", PARTED)], Verdict.PASSED),
        (
            [(39.0, "runner/runner", "fault", "parted", {**PARTED, "off": ["phone1"]})],
            Verdict.FAILED,
        ),
    ],
)
def test_boxes_that_nothing_connects_are_not_in_each_others_way(
    rows: list[Any], expected: Verdict
) -> None:
    alive = without(failover_record(), "fault")

    assert verdict("one-holder", followed(alive, *rows)) is expected


def test_a_conflict_lasts_while_both_are_on_the_lan() -> None:
    gone = (59.5, "pbx1/address", "removed", "", {"address": PBX1})
    found = CHECKERS["one-holder"](followed(without(failover_record(), "fault"), OUT, IN, gone))

    assert found.extent_s == pytest.approx(1.5)


def test_a_frame_of_a_box_that_does_not_hold_the_address_fails() -> None:
    late = frame(55, MAC1, PBX1, PHONE, reply=True)
    broken = replace(failover_record(), pcap=pcap([*failover_frames(), late]))

    assert verdict("one-holder", broken) is Verdict.FAILED


def test_a_stranger_on_the_address_fails() -> None:
    rogue = frame(20, "02:66:66:66:66:66", PBX1, PHONE, reply=True)
    broken = replace(failover_record(), pcap=pcap([*failover_frames(), rogue]))

    assert verdict("one-holder", broken) is Verdict.FAILED


def test_a_probe_claims_nothing() -> None:
    probe = frame(49, MAC2, "0.0.0.0", PBX1, reply=False)  # noqa: S104 - RFC 5227's sender
    probed = replace(failover_record(), pcap=pcap([*failover_frames(), probe]))

    assert verdict("one-holder", probed) is Verdict.PASSED
    assert verdict("claim-after-silence", probed) is Verdict.PASSED


def restarted_record() -> Record:
    """pbx1 is updated: its port is down from 10 s on and up from 12 s on, which nobody tells."""
    write = Writer()
    write.add(1, "pbx1/address", "added", address=PBX1)
    write.add(1, "pbx2/address", "added", address=PBX2)
    write.add(10, "pbx1/appliance", "updated", version="6.7.0.23")
    write.add(10, "pbx1/appliance", "stopped")
    write.add(14, "pbx1/appliance", "booted", "clean")
    times_s = (5.0, 12.0, 20.0)
    return record(write, [frame(one, MAC1, PBX1, PHONE, reply=True) for one in times_s])


@pytest.mark.covers("R10")
def test_a_box_whose_programs_start_anew_holds_its_address_again() -> None:
    assert verdict("one-holder", restarted_record()) is Verdict.PASSED


def test_a_box_that_was_shut_down_holds_no_address_when_it_claims_one() -> None:
    shut_down = without(restarted_record(), "updated")

    assert verdict("one-holder", shut_down) is Verdict.FAILED


def test_an_address_that_another_takes_after_a_restart_has_two_holders() -> None:
    taken = followed(restarted_record(), (30, "pbx2/address", "added", "", {"address": PBX1}))
    between = followed(
        restarted_record(),
        (10.5, "pbx2/address", "added", "", {"address": PBX1}),
        (11.5, "pbx2/address", "removed", "", {"address": PBX1}),
    )

    assert verdict("one-holder", taken) is Verdict.FAILED
    assert verdict("one-holder", between) is Verdict.PASSED


def test_no_address_events_are_inconclusive() -> None:
    assert verdict("one-holder", without(failover_record(), "added")) is Verdict.INCONCLUSIVE


def test_a_takeover_that_nobody_asked_for_fails() -> None:
    unasked = without(failover_record(), "switchover.asked")

    assert verdict("claim-needs-click", unasked) is Verdict.FAILED


def test_a_takeover_that_a_program_asked_for_fails() -> None:
    unasked = altered(failover_record(), "switchover.asked", by="")

    assert verdict("claim-needs-click", unasked) is Verdict.FAILED


def test_an_announcement_without_a_click_fails() -> None:
    quiet = Writer()
    quiet.add(0, "runner/runner", "phase", "steps")
    announced = record(quiet, [frame(5, MAC2, PBX1, PBX1, reply=False)])

    assert verdict("claim-needs-click", announced) is Verdict.FAILED


def test_nobody_claiming_is_not_applicable() -> None:
    quiet = Writer()

    assert verdict("claim-needs-click", record(quiet)) is Verdict.NOT_APPLICABLE
    assert verdict("claim-after-silence", record(quiet)) is Verdict.NOT_APPLICABLE


def test_an_answer_two_seconds_before_the_claim_fails() -> None:
    heard = frame(48, MAC1, PBX1, PHONE, reply=True)
    broken = replace(failover_record(), pcap=pcap([*failover_frames(), heard]))

    assert verdict("claim-after-silence", broken) is Verdict.FAILED


def test_a_claim_without_listening_fails() -> None:
    deaf = without(failover_record(), "switchover.silent")

    assert verdict("claim-after-silence", deaf) is Verdict.FAILED


def test_a_claim_without_recording_is_inconclusive() -> None:
    blind = replace(failover_record(), pcap=b"")

    assert verdict("claim-after-silence", blind) is Verdict.INCONCLUSIVE


def test_an_address_that_is_dropped_for_a_moment_fails() -> None:
    blip = (51.6, "pbx2/address", "removed", "", {"address": PBX1})
    back = (51.61, "pbx2/address", "added", "", {"address": PBX1})

    assert verdict("takeover-is-kept", followed(failover_record(), blip, back)) is Verdict.FAILED


def test_a_lower_epoch_after_a_higher_one_fails() -> None:
    write = failover_history()
    write.read(70, "pbx2", "final", "status", status("pbx2", 1))

    assert verdict("epoch-never-falls", record(write)) is Verdict.FAILED


def test_content_that_no_snapshot_had_fails() -> None:
    other = altered(failover_record(), "import.committed", generation=7)

    assert verdict("content-is-a-generation", other) is Verdict.FAILED


def test_content_with_another_hash_than_the_snapshot_fails() -> None:
    other = altered(failover_record(), "snapshot.created", sha256="cd" * 32)

    assert verdict("content-is-a-generation", other) is Verdict.FAILED


def test_a_standby_that_reports_an_import_it_does_not_hold_fails() -> None:
    write = failover_history()
    write.read(70, "pbx2", "final", "status", status("pbx2", 2))

    assert verdict("content-is-a-generation", record(write)) is Verdict.FAILED


def test_a_commit_without_verification_fails() -> None:
    blind = without(failover_record(), "import.verified")

    assert verdict("import-after-hash", blind) is Verdict.FAILED


def test_a_commit_of_something_else_than_was_verified_fails() -> None:
    other = altered(failover_record(), "import.verified", sha256="cd" * 32)

    assert verdict("import-after-hash", other) is Verdict.FAILED


def test_an_import_of_a_file_that_never_arrived_whole_fails() -> None:
    torn = without(failover_record(), "receive.finished")

    assert verdict("import-after-hash", torn) is Verdict.FAILED


def test_an_upload_needs_no_transfer() -> None:
    torn = without(failover_record(), "receive.finished")
    uploaded = altered(
        altered(torn, "import.verified", file="upload"), "import.committed", file="upload"
    )

    assert verdict("import-after-hash", uploaded) is Verdict.PASSED


def test_an_imported_part_file_fails() -> None:
    part = altered(failover_record(), "import.started", file="1.1.1.part")

    assert verdict("part-never-imported", part) is Verdict.FAILED


def test_a_fourth_attempt_of_three_fails() -> None:
    again = {"run": 1, "attempt": 2}
    rows = [(32.0, "pbx1/engine", "attempt.started", "", again)] * 3

    assert verdict("attempts-bounded", followed(failover_record(), *rows)) is Verdict.FAILED


@pytest.mark.parametrize(
    ("gap_s", "expected"),
    [(299, Verdict.FAILED), (300, Verdict.PASSED), (302, Verdict.FAILED)],
)
def test_the_wait_between_attempts_is_five_minutes(gap_s: int, expected: Verdict) -> None:
    write = Writer()
    write.add(1, "pbx1/engine", "attempt.started", served=120, run=1, attempt=1)
    write.add(2, "pbx1/engine", "attempt.failed", "connection-lost", served=121, run=1, attempt=1)
    write.add(3, "pbx1/engine", "attempt.started", served=121 + gap_s, run=1, attempt=2)

    assert verdict("attempt-spacing", record(write)) is expected


BOOTED = ("pbx1/appliance", "booted", "", {})
THAWED = ("runner/runner", "fault.ended", "frozen", {"node": "pbx1", "name": "frozen-1"})
OTHER = ("runner/runner", "fault.ended", "frozen", {"node": "pbx2", "name": "frozen-1"})
SET = ("runner/runner", "clock.set", "", {"node": "pbx1", "by_s": -3600.0})
AFTER_S = {"as soon as it is back": 600, "later": 660, "five minutes later": 900}


@pytest.mark.parametrize(
    ("between", "begins", "expected"),
    [
        ([BOOTED], "as soon as it is back", Verdict.PASSED),
        ([BOOTED], "later", Verdict.FAILED),
        ([THAWED], "as soon as it is back", Verdict.PASSED),
        ([THAWED], "later", Verdict.FAILED),
        ([OTHER], "as soon as it is back", Verdict.FAILED),
        ([SET, BOOTED], "five minutes later", Verdict.PASSED),
        ([SET], "as soon as it is back", Verdict.FAILED),
    ],
)
def test_who_was_away_in_the_wait_begins_as_soon_as_he_is_back(
    between: list[tuple[str, str, str, dict[str, Any]]], begins: str, expected: Verdict
) -> None:
    write = Writer()
    write.add(1, "pbx1/engine", "attempt.failed", "connection-lost", served=0, run=1, attempt=1)
    for where, event, cause, detail in between:
        write.add(2, where, event, cause, served=600, **detail)
    write.add(3, "pbx1/engine", "attempt.started", served=AFTER_S[begins], run=1, attempt=2)

    assert verdict("attempt-spacing", record(write)) is expected


def test_a_single_attempt_has_no_wait_to_judge() -> None:
    assert verdict("attempt-spacing", failover_record()) is Verdict.NOT_APPLICABLE


def test_a_second_run_beside_the_first_fails() -> None:
    ended = without(failover_record(), "run.succeeded")
    rows = (32.0, "pbx2/engine", "run.started", "", {"run": 1})
    sound = without(without(ended, "fault"), "takeover.committed")

    assert verdict("one-run-at-a-time", followed(sound, rows)) is Verdict.FAILED


def test_a_run_of_a_box_that_lost_power_is_over() -> None:
    dead = without(failover_record(), "run.succeeded")
    rows = (70.0, "pbx2/engine", "run.started", "", {"run": 1})

    assert verdict("one-run-at-a-time", followed(dead, rows)) is Verdict.PASSED


def test_an_import_of_attempt_one_after_attempt_two_came_fails() -> None:
    newer = (32.0, "pbx2/appliance", "fenced", "", {"token": "1.1.2"})
    older = (33.0, "pbx2/appliance", "import.committed", "", {"token": "1.1.1"})
    broken = followed(failover_record(), newer, older)

    assert verdict("older-attempts-rest", broken) is Verdict.FAILED
    assert verdict("older-attempts-rest", followed(failover_record(), newer)) is Verdict.PASSED


def test_tokens_are_compared_as_numbers() -> None:
    ninth = (32.0, "pbx2/appliance", "receive.started", "", {"token": "1.1.9"})
    tenth = (33.0, "pbx2/appliance", "receive.started", "", {"token": "1.1.10"})

    given = followed(failover_record(), ninth, tenth)

    assert verdict("older-attempts-rest", given) is Verdict.PASSED


def test_one_message_delivered_twice_fails() -> None:
    sound = failover_record()

    assert verdict("one-message-each", replace(sound, mails=sound.mails * 2)) is Verdict.FAILED


def test_a_second_identity_of_the_same_message_fails() -> None:
    sound = failover_record()
    double = StoredMail("<2@lab>", "pbx@lab.test", ("a@lab.test",), "Restart", 56.0)
    broken = replace(sound, mails=(*sound.mails, double))

    assert verdict("one-message-each", broken) is Verdict.FAILED


def test_one_key_on_both_fails() -> None:
    write = failover_history()
    shared = [{"kind": "server", "fingerprint": "server-pbx1", "redacted": "XXXXX-…"}]
    write.read(70, "pbx2", "final", "status", status("pbx2", 2, licences=shared))

    assert verdict("licences-disjoint", record(write)) is Verdict.FAILED


def test_licences_of_one_box_alone_are_inconclusive() -> None:
    write = Writer()
    write.read(1, "pbx1", "steady", "status", status("pbx1"))

    assert verdict("licences-disjoint", record(write)) is Verdict.INCONCLUSIVE


def test_a_module_active_on_both_fails() -> None:
    write = failover_history()
    both = [{"name": "callcenter", "active": True}]
    write.read(70, "pbx2", "steady", "status", status("pbx2", 2, modules=both))

    assert verdict("module-enabled-once", record(write)) is Verdict.FAILED


def test_a_module_active_on_a_standby_fails() -> None:
    write = failover_history()
    active = [{"name": "callcenter", "active": True}]
    write.read(45, "pbx2", "before-click", "status", status("pbx2", role="standby", modules=active))

    assert verdict("module-enabled-once", record(write)) is Verdict.FAILED


@pytest.mark.parametrize("part", [{"hardware_id": "hw-pbx1"}, {"name": "pbx1"}, {"licences": []}])
def test_an_import_that_changes_the_box_fails(part: dict[str, object]) -> None:
    write = failover_history()
    write.read(70, "pbx2", "final", "status", status("pbx2", 2, **part))

    assert verdict("standby-identity", record(write)) is Verdict.FAILED


def test_an_import_that_moves_the_network_fails_unless_it_was_taken_over() -> None:
    moved = failover_record()

    assert verdict("standby-identity", moved) is Verdict.PASSED
    assert verdict("standby-identity", without(moved, "takeover.committed")) is Verdict.FAILED


def test_an_import_after_the_takeover_fails() -> None:
    late = (60.0, "pbx2/appliance", "import.committed", "", {"token": "1.1.1"})

    assert verdict("no-import-on-active", followed(failover_record(), late)) is Verdict.FAILED


def test_an_import_on_the_box_that_runs_fails() -> None:
    wrong = (60.0, "pbx1/appliance", "import.committed", "", {"token": "1.1.1"})

    assert verdict("no-import-on-active", followed(failover_record(), wrong)) is Verdict.FAILED


def test_a_secret_in_the_evidence_fails() -> None:
    sound = failover_record()
    leaked = replace(sound, scan=SecretScan(5, ("nodes/pbx1/events.jsonl",)))
    key = replace(sound, texts={"events.jsonl": "key ABCDE-12345-FGHIJ-67890 refused"})
    unknown = replace(sound, scan=None)

    assert verdict("no-secret", leaked) is Verdict.FAILED
    assert verdict("no-secret", key) is Verdict.FAILED
    assert verdict("no-secret", unknown) is Verdict.INCONCLUSIVE


def test_a_cut_that_never_fired_is_inconclusive() -> None:
    write = Writer()
    armed = record(write, scenario="transfer-cut")
    fired = followed(armed, (5.0, "pbx2/wire", "cut", "", {"byte": 600}))

    assert verdict("faults-fired", armed) is Verdict.INCONCLUSIVE
    assert verdict("faults-fired", fired) is Verdict.PASSED
    assert verdict("faults-fired", failover_record()) is Verdict.NOT_APPLICABLE


def test_a_crashed_checker_is_inconclusive() -> None:
    def crash(_record: Record) -> None:
        raise KeyError("sha256")

    judgements = judge(failover_record(), {"broken": crash})

    assert judgements["broken"].verdict is Verdict.INCONCLUSIVE
    assert "KeyError" in judgements["broken"].evidence[0]


@pytest.mark.parametrize(
    ("verdicts", "expected"),
    [
        (["passed", "not-applicable"], "passed"),
        (["passed", "inconclusive"], "inconclusive"),
        (["inconclusive", "failed", "passed"], "failed"),
        (["not-applicable"], "inconclusive"),
        ([], "inconclusive"),
    ],
)
def test_the_worst_verdict_wins(verdicts: list[str], expected: str) -> None:
    assert worst(Verdict(one) for one in verdicts) is Verdict(expected)


def test_every_invariant_is_judged() -> None:
    files = {path.stem for path in Path(checkers.__file__).parent.glob("*.py")} - {"__init__"}

    assert files == {check.__module__.rpartition(".")[2] for check in CHECKERS.values()}
