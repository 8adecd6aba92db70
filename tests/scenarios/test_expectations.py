"""The end of a drill, judged from its record."""

from __future__ import annotations

from dataclasses import replace
from email.message import EmailMessage

import pytest
from histories import (
    MAC1,
    MAC2,
    PBX1,
    PHONE,
    Writer,
    failover_frames,
    failover_history,
    failover_record,
    frame,
    pcap,
    record,
    status,
    without,
)

from scenarios.expectations import met
from scenarios.models.base import Strict
from scenarios.models.expectations import (
    ActiveModules,
    Announced,
    Answers,
    Attempts,
    Conflict,
    InOrder,
    Lost,
    Mailed,
    NoticesInOrder,
    Notified,
    Page,
    Present,
    Reached,
    Reported,
    Runs,
    Same,
    Tidy,
    Unchanged,
    Untouched,
)
from scenarios.models.scenario import Scenario
from scenarios.record import StoredMail, Watch
from scenarios.setup import MODULE_ADDRESS
from scenarios.verdict import Verdict

STRANGER = "02:66:66:66:66:66"
ANSWERS = Answers.model_validate({"answers": {"for": "pbx1", "only": "pbx2"}})
ANNOUNCED = Announced.model_validate(
    {"announced": {"address of": "pbx1", "by": "pbx2", "at least": 2}}
)
REACHED = Reached.model_validate({"reached": {"by": "phone1", "address of": "pbx1", "at": "pbx2"}})
MAILED = Mailed.model_validate({"mailed": {"every user of": "pbx2", "messages": 1}})
PRESENT = Present.model_validate({"present": {"on": "pbx2", "changes": ["carried"]}})
LOST = Lost.model_validate({"lost": {"on": "pbx2", "changes": ["doomed"]}})
PAGE = Page.model_validate({"page": {"of": "pbx2", "status": 409, "names mac of": "pbx1"}})
UNCHANGED = Unchanged.model_validate({"unchanged": "pbx2"})
UNTOUCHED = Untouched.model_validate({"untouched": {"on": "pbx2", "from": "before", "to": "cut"}})
TIDY = Tidy.model_validate({"tidy": {"on": "pbx2", "at": "cut"}})
ATTEMPTS = Attempts.model_validate(
    {"attempts": {"on": "pbx1", "failed": 1, "wait": "5 min", "then": "run.succeeded"}}
)


CONFLICT = Conflict.model_validate(
    {"conflict": {"over": "pbx1", "at least": "1 s", "at most": "2 s"}}
)


@pytest.mark.parametrize("one", [ANSWERS, ANNOUNCED, REACHED, MAILED, PRESENT, LOST])
def test_a_sound_failover_meets_its_expectations(one: Strict) -> None:
    judgement = met(one, failover_record())

    assert judgement.verdict is Verdict.PASSED, judgement.evidence


@pytest.mark.parametrize(
    "one",
    [
        ANSWERS,
        ANNOUNCED,
        REACHED,
        MAILED,
        PRESENT,
        LOST,
        PAGE,
        UNCHANGED,
        UNTOUCHED,
        TIDY,
        CONFLICT,
    ],
)
def test_an_empty_record_tells_nothing(one: Strict) -> None:
    empty = replace(record(Writer()), mails=(), pings={}, pcap=b"")

    assert met(one, empty).verdict is Verdict.INCONCLUSIVE


@pytest.mark.parametrize("macs", [[], [MAC1], [MAC1, MAC2], ["02:66:66:66:66:66"]])
def test_answers_fails_unless_the_one_mac_answers(macs: list[str]) -> None:
    write = failover_history()
    write.read(61, "pbx1", "final", "who-has", {"address": PBX1, "macs": macs})

    assert met(ANSWERS, record(write)).verdict is Verdict.FAILED


def test_announced_needs_requests_and_replies() -> None:
    requests_only = [one for one in failover_frames() if one[16 + 21] == 1]

    judgement = met(ANNOUNCED, replace(failover_record(), pcap=pcap(requests_only)))

    assert judgement.verdict is Verdict.FAILED


def test_reached_fails_when_the_phone_never_comes_back() -> None:
    stuck = replace(failover_record(), pings={"phone1": Watch(PBX1, 9, ((39.9, MAC1),))})

    assert met(REACHED, stuck).verdict is Verdict.FAILED


def test_reached_tells_nothing_without_a_primed_cache() -> None:
    cold = replace(failover_record(), pings={"phone1": Watch(PBX1, 9, ((50.3, MAC2),))})

    assert met(REACHED, cold).verdict is Verdict.INCONCLUSIVE


@pytest.mark.parametrize("count", [0, 2])
def test_mailed_counts_message_ids_for_each_user(count: int) -> None:
    mails = tuple(
        StoredMail(f"<{number}@lab>", "pbx@lab.test", ("a@lab.test",), "Restart", 1.0)
        for number in range(count)
    )

    assert met(MAILED, replace(failover_record(), mails=mails)).verdict is Verdict.FAILED


def test_lost_counts_exactly_the_named_changes() -> None:
    write = failover_history()
    write.read(61, "pbx2", "final", "changes", {"carried": False, "doomed": False})

    given = record(write)

    assert met(LOST, given).verdict is Verdict.FAILED
    assert met(PRESENT, given).verdict is Verdict.FAILED


@pytest.mark.parametrize(
    ("status_code", "text", "expected"),
    [
        (409, f"refused: {MAC1} still answers", Verdict.PASSED),
        (409, "refused", Verdict.FAILED),
        (200, f"{MAC1}", Verdict.FAILED),
    ],
)
def test_page_needs_the_status_and_the_mac(status_code: int, text: str, expected: Verdict) -> None:
    write = Writer()
    write.read(1, "pbx2", "click", "page", {"status": status_code, "text": text})

    assert met(PAGE, record(write)).verdict is expected


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        ({}, Verdict.PASSED),
        ({"busy": {"backup": True}}, Verdict.PASSED),
        ({"network": {"address": PBX1}}, Verdict.FAILED),
        ({"lineage": {"epoch": 2}}, Verdict.FAILED),
    ],
)
def test_unchanged_compares_the_status_around_the_click(
    after: dict[str, object], expected: Verdict
) -> None:
    write = Writer()
    for moment, changes in (("before-click", {}), ("after-click", after)):
        write.read(1, "pbx2", moment, "status", status("pbx2", **changes))
        write.read(1, "pbx2", moment, "digest", {"digest": "1"})

    assert met(UNCHANGED, record(write)).verdict is expected


@pytest.mark.parametrize(
    ("gap_s", "end", "expected"),
    [
        (300, "run.succeeded", Verdict.PASSED),
        (310, "run.succeeded", Verdict.FAILED),
        (300, "run.failed", Verdict.FAILED),
    ],
)
def test_attempts_wants_the_wait_and_the_end(gap_s: int, end: str, expected: Verdict) -> None:
    write = Writer()
    write.add(1, "pbx1/engine", "run.started", served=120, run=1)
    write.add(1, "pbx1/engine", "attempt.started", served=120, run=1)
    write.add(2, "pbx1/engine", "attempt.failed", "connection-lost", served=120, run=1)
    write.add(3, "pbx1/engine", "attempt.started", served=120 + gap_s, run=1)
    write.add(4, "pbx1/engine", end, served=120 + gap_s, run=1)

    assert met(ATTEMPTS, record(write)).verdict is expected


@pytest.mark.parametrize(
    ("changes", "objects", "expected"),
    [
        ({}, {}, Verdict.PASSED),
        ({"fence": "1.2.1", "busy": {"receiving": True}}, {}, Verdict.PASSED),
        ({"origin": {"generation": 3}}, {}, Verdict.FAILED),
        ({"network": {"address": PBX1}}, {}, Verdict.FAILED),
        ({}, {"users/b": "2"}, Verdict.FAILED),
        ({}, {"users/a": "2"}, Verdict.FAILED),
    ],
)
def test_untouched_compares_what_two_looks_saw(
    changes: dict[str, object], objects: dict[str, str], expected: Verdict
) -> None:
    write = Writer()
    write.read(1, "pbx2", "before", "status", status("pbx2"))
    write.read(1, "pbx2", "before", "digest", {"objects": {"users/a": "1"}})
    write.read(2, "pbx2", "cut", "status", status("pbx2", **changes))
    write.read(2, "pbx2", "cut", "digest", {"objects": {"users/a": "1", **objects}})

    assert met(UNTOUCHED, record(write)).verdict is expected


@pytest.mark.parametrize(
    ("residue", "expected"),
    [
        ({"unfinished": [], "held": []}, Verdict.PASSED),
        ({"unfinished": ["blobs/ab/abcd.part"], "held": []}, Verdict.FAILED),
    ],
)
def test_tidy_fails_with_whatever_is_left(residue: dict[str, list[str]], expected: Verdict) -> None:
    write = Writer()
    write.read(1, "pbx2", "cut", "residue", residue)

    assert met(TIDY, record(write)).verdict is expected


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({"messages": 1}, Verdict.PASSED),
        ({"messages": 0}, Verdict.FAILED),
        ({"messages": 1, "saying": ["Versuch 1", "prüfen"]}, Verdict.PASSED),
        ({"messages": 1, "saying": ["Versuch 1", "Versuch 2"]}, Verdict.FAILED),
        ({"messages": 0, "saying": ["Versuch 2"]}, Verdict.PASSED),
        ({"messages": 1, "saying": ["Switched"]}, Verdict.PASSED),
    ],
)
def test_notified_reads_the_messages_to_the_modules_address(
    spec: dict[str, object], expected: Verdict
) -> None:
    message = EmailMessage()
    message["Message-ID"], message["Subject"] = "<n@lab>", "Switched"
    message.set_content("Versuch 1: die Verbindung brach ab.\n\nWas zu tun ist: Netz prüfen\n")
    told = replace(failover_record(), texts={"mails/0001.eml": message.as_string()})

    assert met(Notified.model_validate({"notified": spec}), told).verdict is expected


def test_notified_tells_nothing_of_messages_that_were_not_stored() -> None:
    one = Notified.model_validate({"notified": {"messages": 1, "saying": ["Versuch 1"]}})

    assert met(one, failover_record()).verdict is Verdict.INCONCLUSIVE


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        (("backup.started", "other", "backup.finished"), Verdict.PASSED),
        (("backup.finished", "backup.started"), Verdict.FAILED),
        (("backup.started",), Verdict.FAILED),
        ((), Verdict.FAILED),
    ],
)
def test_in_order_wants_one_event_after_the_other(told: tuple[str, ...], expected: Verdict) -> None:
    one = InOrder.model_validate(
        {"in order": {"on": "pbx1", "events": ["backup.started", "backup.finished"]}}
    )
    write = Writer()
    write.add(0, "pbx2/appliance", "backup.started")
    for event in told:
        write.add(1, "pbx1/appliance", event)
    write.add(2, "pbx2/appliance", "backup.finished")

    assert met(one, record(write)).verdict is expected


@pytest.mark.covers("D6")
@pytest.mark.parametrize(
    ("wall", "by_s", "expected"),
    [
        (["2025-01-14 09:02"], 0, Verdict.PASSED),
        (["2025-01-14 09:02", "2025-01-14 09:02"], 0, Verdict.FAILED),
        ([], 0, Verdict.FAILED),
        (["2025-01-14 09:03"], 0, Verdict.FAILED),
        (["2025-01-14 10:02"], 3600, Verdict.PASSED),
        (["2025-01-14 09:02"], 3600, Verdict.FAILED),
    ],
)
def test_scheduled_runs_are_told_by_the_clock_of_the_box(
    wall: list[str], by_s: int, expected: Verdict
) -> None:
    one = Runs.model_validate({"scheduled runs": {"on": "pbx1", "at": wall}})
    write = Writer()
    write.add(0, "runner/runner", "clock.set", node="pbx1", by_s=by_s)
    write.add(1, "pbx1/engine", "run.started", served=125, run=1, reason="scheduled")
    write.add(1, "pbx1/engine", "run.started", served=130, run=2, reason="manual by operator")
    write.add(2, "runner/runner", "clock.set", node="pbx1", by_s=7200)

    assert met(one, record(write)).verdict is expected


@pytest.mark.covers("D5")
@pytest.mark.parametrize(
    ("subjects", "expected"),
    [
        (["first", "second"], Verdict.PASSED),
        (["second", "first"], Verdict.FAILED),
        (["first"], Verdict.FAILED),
        (["first", "second", "second"], Verdict.FAILED),
    ],
)
def test_notices_in_order_wants_these_messages_in_this_order(
    subjects: list[str], expected: Verdict
) -> None:
    one = NoticesInOrder.model_validate({"notices in order": ["first", "second"]})
    mails = [
        StoredMail(f"<{number}@lab>", "pbx@lab.test", (MODULE_ADDRESS,), subject, 1.0)
        for number, subject in enumerate(subjects)
    ]
    other = StoredMail("<o@lab>", "pbx@lab.test", ("a@lab.test",), "other", 1.0)

    assert met(one, replace(failover_record(), mails=(other, *mails))).verdict is expected


NOBODY = Answers.model_validate({"answers": {"for": "pbx1", "only": "nobody"}})


@pytest.mark.parametrize(("macs", "expected"), [([], Verdict.PASSED), ([MAC2], Verdict.FAILED)])
def test_nobody_answers_where_nobody_should(macs: list[str], expected: Verdict) -> None:
    write = Writer()
    write.read(61, "pbx1", "final", "who-has", {"address": PBX1, "macs": macs})

    assert met(NOBODY, record(write)).verdict is expected


@pytest.mark.parametrize(
    ("mac", "said", "expected"),
    [
        (STRANGER, STRANGER, Verdict.PASSED),
        (STRANGER, MAC1, Verdict.FAILED),
        (MAC1, MAC1, Verdict.INCONCLUSIVE),
    ],
)
@pytest.mark.covers("F4")
def test_a_stranger_is_whom_the_wire_shows(mac: str, said: str, expected: Verdict) -> None:
    named = {"of": "pbx2", "status": 409, "names mac of": "stranger"}
    write = Writer()
    write.read(51, "pbx2", "click", "page", {"status": 409, "text": f"{said.upper()} answers"})
    claims = [frame(40, mac, PBX1, PHONE, reply=True)]

    assert met(Page.model_validate({"page": named}), record(write, claims)).verdict is expected


@pytest.mark.parametrize(("cause", "times"), [(None, 3), ("epoch", 2), ("stalled", 0)])
def test_reports_are_counted_by_cause_where_one_is_named(cause: str | None, times: int) -> None:
    write = Writer()
    for one in ("epoch", "connection-lost", "epoch"):
        write.add(1, "pbx1/engine", "attempt.failed", one)
    spec = {"by": "pbx1", "event": "attempt.failed", "cause": cause}

    for count, expected in ((times, Verdict.PASSED), (times + 1, Verdict.FAILED)):
        wanted = Reported.model_validate({"reported": {**spec, "times": count}})
        assert met(wanted, record(write)).verdict is expected


@pytest.mark.covers("F3", "D10")
@pytest.mark.parametrize(
    ("held_s", "answered_s", "expected"),
    [
        (1.5, 1.5, Verdict.PASSED),
        (1.5, 0.5, Verdict.FAILED),
        (0.5, 1.5, Verdict.FAILED),
        (3.0, 3.0, Verdict.FAILED),
    ],
)
def test_a_conflict_is_measured_by_the_kernels_and_by_the_wire(
    held_s: float, answered_s: float, expected: Verdict
) -> None:
    write = Writer()
    write.add(1, "pbx1/address", "added", address=PBX1)
    write.add(50, "pbx2/address", "added", address=PBX1)
    write.add(50 + held_s, "pbx1/address", "removed", address=PBX1)
    count = round(answered_s * 100)
    answers = [(50.005 + number / 100, mac) for number in range(count) for mac in (MAC1, MAC2)]
    given = replace(record(write), observed=Watch(PBX1, 999, tuple(answers)))

    assert met(CONFLICT, given).verdict is expected


@pytest.mark.covers("F14", "D13")
@pytest.mark.parametrize(
    ("only", "expected"),
    [(["callcenter"], Verdict.PASSED), ([], Verdict.FAILED), (["redundanz"], Verdict.FAILED)],
)
def test_active_modules_are_exactly_those_that_are_named(
    only: list[str], expected: Verdict
) -> None:
    one = ActiveModules.model_validate({"active modules": {"on": "pbx2", "only": only}})

    assert met(one, failover_record()).verdict is expected
    assert met(one, record(Writer())).verdict is Verdict.INCONCLUSIVE


SAME = Same.model_validate({"same": {"on": "pbx1", "as": "before"}})


@pytest.mark.covers("B5")
@pytest.mark.parametrize(
    ("facts", "objects", "expected"),
    [
        ({}, {}, Verdict.PASSED),
        ({"lineage": {"epoch": 7}}, {"records/redundanz-rollback": "9"}, Verdict.PASSED),
        ({"network": {"address": PHONE}}, {}, Verdict.FAILED),
        ({"modules": [{"name": "callcenter", "active": False}]}, {}, Verdict.FAILED),
        ({}, {"modules/redundanz": "2"}, Verdict.FAILED),
        ({}, {"users/b": "2"}, Verdict.FAILED),
    ],
)
def test_same_compares_facts_and_objects_and_no_lineage(
    facts: dict[str, object], objects: dict[str, str], expected: Verdict
) -> None:
    write = Writer()
    for moment, own, more in (("before", {}, {}), ("final", facts, objects)):
        write.read(1, "pbx1", moment, "status", status("pbx1", **own))
        content = {"users/a": "1", "modules/redundanz": "1", **more}
        write.read(1, "pbx1", moment, "digest", {"objects": content})

    assert met(SAME, record(write)).verdict is expected
    assert met(SAME, without(record(write), "read")).verdict is Verdict.INCONCLUSIVE


def test_every_expectation_of_the_language_has_a_judge() -> None:
    union = Scenario.model_json_schema()["properties"]["expect"]["items"]["oneOf"]
    judged = {one.__name__ for one in met.registry if one is not object}

    assert {ref["$ref"].rpartition("/")[2] for ref in union} == judged - {"Strict"}
