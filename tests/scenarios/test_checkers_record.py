"""Invariants of what was told and recorded, each with a history that breaks it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from histories import Writer, altered, failover_record, followed, record, verdict, without

from scenarios.record import Seal
from scenarios.verdict import Verdict


def test_a_notice_that_is_missing_or_doubled_fails() -> None:
    sound = failover_record()
    double = replace(sound.mails[1], message_id="<n2@lab>")

    assert verdict("notices-sent", replace(sound, mails=sound.mails[:1])) is Verdict.FAILED
    assert verdict("notices-sent", replace(sound, mails=(*sound.mails, double))) is Verdict.FAILED
    assert verdict("notices-sent", replace(without(sound, "switchover.finished"), mails=())) is (
        Verdict.NOT_APPLICABLE
    )


def test_a_box_that_lost_power_owes_no_notice_and_a_recovery_is_told() -> None:
    failed = (35.0, "pbx1/engine", "run.failed", "stalled", {"run": 2})
    dead = (80.0, "runner/runner", "fault", "power-off", {"node": "pbx1"})
    again = (36.0, "pbx1/engine", "run.succeeded", "", {"run": 3})
    sound = without(failover_record(), "fault")

    assert verdict("notices-sent", followed(sound, failed)) is Verdict.FAILED
    assert verdict("notices-sent", followed(sound, failed, again)) is Verdict.FAILED
    assert verdict("notices-sent", followed(sound, failed, again, dead)) is Verdict.PASSED


@pytest.mark.covers("D5")
@pytest.mark.parametrize("event", ["slot.delayed", "slot.skipped", "data.aged"])
def test_a_missed_slot_and_old_data_must_be_told(event: str) -> None:
    sound = failover_record()
    told = replace(sound.mails[1], message_id="<n2@lab>", subject=event)
    happened = followed(sound, (81.0, "pbx2/engine", event, "", {}))

    assert verdict("notices-sent", happened) is Verdict.FAILED
    assert verdict("notices-sent", replace(happened, mails=(*sound.mails, told))) is Verdict.PASSED


@pytest.mark.covers("R26", "M2")
def test_with_mails_off_any_notice_fails() -> None:
    sound = failover_record()
    lab = sound.plan.scenario.lab
    silent = lab.model_copy(update={"module": lab.module.model_copy(update={"send_mails": "no"})})
    scenario = sound.plan.scenario.model_copy(update={"lab": silent})
    off = replace(sound, plan=sound.plan.model_copy(update={"scenario": scenario}))

    assert verdict("notices-sent", off) is Verdict.FAILED
    assert verdict("notices-sent", replace(off, mails=sound.mails[:1])) is Verdict.PASSED


def test_a_notice_survives_a_cut_in_the_queue_and_data_that_aged_is_told() -> None:
    dead = (80.0, "runner/runner", "fault", "power-off", {"node": "pbx2"})
    back = (81.0, "pbx2/appliance", "booted", "clean", {})
    aged = (90.0, "pbx2/engine", "data.aged", "", {})
    sound = failover_record()
    silent = replace(sound, mails=sound.mails[:1])

    assert verdict("notices-sent", followed(silent, dead)) is Verdict.NOT_APPLICABLE
    assert verdict("notices-sent", followed(sound, dead)) is Verdict.PASSED
    assert verdict("notices-sent", followed(silent, dead, back)) is Verdict.FAILED
    assert verdict("notices-sent", followed(sound, dead, back)) is Verdict.PASSED
    assert verdict("notices-sent", followed(sound, aged)) is Verdict.FAILED


@pytest.mark.parametrize(
    ("where", "event"), [("pbx1/appliance", "defect"), ("pbx2/engine", "trouble")]
)
def test_a_defect_fails_whatever_else_was_well(where: str, event: str) -> None:
    told = (35.0, where, event, "defect", {"message": "KeyError('epoch')"})

    assert verdict("nothing-broke", followed(failover_record(), told)) is Verdict.FAILED
    assert verdict("nothing-broke", record(Writer())) is Verdict.INCONCLUSIVE


def test_a_history_that_is_not_the_appliances_own_log_is_inconclusive() -> None:
    sound = failover_record()
    short = {name: text.rpartition("\n")[0] for name, text in sound.texts.items()}
    missing = {"nodes/pbx1/events.jsonl": sound.texts["nodes/pbx1/events.jsonl"]}

    assert verdict("history-is-complete", altered(sound, "import.verified", sha256="x")) is (
        Verdict.INCONCLUSIVE
    )
    assert verdict("history-is-complete", replace(sound, texts=short)) is Verdict.INCONCLUSIVE
    assert verdict("history-is-complete", replace(sound, texts=missing)) is Verdict.INCONCLUSIVE


def test_the_log_of_a_box_that_lost_power_may_end_early() -> None:
    sound = failover_record()
    name = "nodes/pbx1/events.jsonl"
    short = {**sound.texts, name: sound.texts[name].rpartition("\n")[0]}

    assert verdict("history-is-complete", replace(sound, texts=short)) is Verdict.PASSED


@pytest.mark.parametrize(
    ("node", "expected"), [("pbx1", Verdict.PASSED), ("pbx2", Verdict.INCONCLUSIVE)]
)
def test_a_torn_line_counts_only_where_the_power_failed(node: str, expected: Verdict) -> None:
    sound = failover_record()
    name = f"nodes/{node}/events.jsonl"
    torn = {**sound.texts, name: sound.texts[name][:-20] + "\n"}

    assert verdict("history-is-complete", replace(sound, texts=torn)) is expected


def test_evidence_that_was_changed_or_never_sealed_is_inconclusive() -> None:
    sound = failover_record()

    broken = replace(sound, sealed=Seal(9, ("wire.pcap",)))
    assert verdict("evidence-intact", broken) is Verdict.INCONCLUSIVE
    assert verdict("evidence-intact", replace(sound, sealed=None)) is Verdict.INCONCLUSIVE
    assert verdict("evidence-intact", without(sound, "fenced")) is Verdict.INCONCLUSIVE
