"""The end of a drill, judged from its record."""

from __future__ import annotations

from dataclasses import replace

import pytest
from histories import (
    MAC1,
    MAC2,
    PBX1,
    Writer,
    failover_frames,
    failover_history,
    failover_record,
    pcap,
    record,
    status,
)

from scenarios.expectations import met
from scenarios.models import (
    Announced,
    Answers,
    Attempts,
    Lost,
    Mailed,
    Page,
    Present,
    Reached,
    Scenario,
    Strict,
    Unchanged,
)
from scenarios.record import StoredMail, Watch
from scenarios.verdict import Verdict

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
ATTEMPTS = Attempts.model_validate(
    {"attempts": {"on": "pbx1", "failed": 1, "wait": "5 min", "then": "run.succeeded"}}
)


@pytest.mark.parametrize("one", [ANSWERS, ANNOUNCED, REACHED, MAILED, PRESENT, LOST])
def test_a_sound_failover_meets_its_expectations(one: Strict) -> None:
    judgement = met(one, failover_record())

    assert judgement.verdict is Verdict.PASSED, judgement.evidence


@pytest.mark.parametrize(
    "one", [ANSWERS, ANNOUNCED, REACHED, MAILED, PRESENT, LOST, PAGE, UNCHANGED]
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


def test_every_expectation_of_the_language_has_a_judge() -> None:
    union = Scenario.model_json_schema()["properties"]["expect"]["items"]["oneOf"]
    judged = {one.__name__ for one in met.registry if one is not object}

    assert {ref["$ref"].rpartition("/")[2] for ref in union} == judged - {"Strict"}
