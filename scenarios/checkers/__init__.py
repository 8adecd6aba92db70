"""Invariants: each file states one and judges a record by it.

A checker reads the record and nothing else, so a stored run can be judged again. One
that crashes says nothing: inconclusive.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from scenarios.checkers import (
    attempt_spacing,
    attempts_bounded,
    claim_after_silence,
    claim_needs_click,
    content_arrives_whole,
    content_is_a_generation,
    epoch_never_falls,
    evidence_intact,
    expectations,
    faults_fired,
    history_is_complete,
    import_after_hash,
    licences_disjoint,
    module_enabled_once,
    modules_follow,
    network_taken_over,
    no_import_on_active,
    no_secret,
    nothing_broke,
    notices_sent,
    old_address_goes,
    older_attempts_rest,
    one_holder,
    one_message_each,
    one_run_a_slot,
    one_run_at_a_time,
    part_never_imported,
    standby_identity,
    standby_runs_nothing,
    takeover_is_kept,
)
from scenarios.record import Record
from scenarios.verdict import Judgement, inconclusive

Checker = Callable[[Record], Judgement]

CHECKERS: Mapping[str, Checker] = {
    "expectations": expectations.check,
    "faults-fired": faults_fired.check,
    "one-holder": one_holder.check,
    "claim-needs-click": claim_needs_click.check,
    "claim-after-silence": claim_after_silence.check,
    "takeover-is-kept": takeover_is_kept.check,
    "network-taken-over": network_taken_over.check,
    "old-address-goes": old_address_goes.check,
    "modules-follow": modules_follow.check,
    "epoch-never-falls": epoch_never_falls.check,
    "content-is-a-generation": content_is_a_generation.check,
    "content-arrives-whole": content_arrives_whole.check,
    "import-after-hash": import_after_hash.check,
    "part-never-imported": part_never_imported.check,
    "attempts-bounded": attempts_bounded.check,
    "attempt-spacing": attempt_spacing.check,
    "one-run-at-a-time": one_run_at_a_time.check,
    "one-run-a-slot": one_run_a_slot.check,
    "standby-runs-nothing": standby_runs_nothing.check,
    "older-attempts-rest": older_attempts_rest.check,
    "one-message-each": one_message_each.check,
    "notices-sent": notices_sent.check,
    "licences-disjoint": licences_disjoint.check,
    "module-enabled-once": module_enabled_once.check,
    "standby-identity": standby_identity.check,
    "no-import-on-active": no_import_on_active.check,
    "no-secret": no_secret.check,
    "nothing-broke": nothing_broke.check,
    "history-is-complete": history_is_complete.check,
    "evidence-intact": evidence_intact.check,
}


def judge(record: Record, checkers: Mapping[str, Checker] = CHECKERS) -> dict[str, Judgement]:
    """Run every checker over a record."""
    return {name: _judge_one(checker, record) for name, checker in checkers.items()}


def _judge_one(checker: Checker, record: Record) -> Judgement:
    try:
        return checker(record)
    except Exception as error:  # noqa: BLE001 - whatever a checker trips over is its verdict
        return inconclusive(f"the checker crashed: {type(error).__name__}: {error}")
