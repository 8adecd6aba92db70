"""Invariants: each file states one and judges a record by it.

A checker reads the record and nothing else, so a stored run can be judged again. One
that crashes says nothing: inconclusive.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from scenarios.checkers import (
    attempt_spacing,
    attempts_bounded,
    backup_read_when_finished,
    claim_after_silence,
    claim_needs_click,
    content_arrives_whole,
    content_is_a_generation,
    epoch_never_falls,
    evidence_intact,
    expectations,
    faults_fired,
    generations_rise,
    history_is_complete,
    import_after_hash,
    last_good_outlives,
    licences_disjoint,
    locks_are_free,
    mail_changes_no_outcome,
    mails_as_addressed,
    mails_keep_order,
    mails_leave,
    module_enabled_once,
    modules_follow,
    network_taken_over,
    next_run_succeeds,
    no_import_on_active,
    no_secret,
    nothing_broke,
    notices_sent,
    objectives_met,
    old_address_goes,
    older_attempts_rest,
    one_holder,
    one_message_each,
    one_run_a_slot,
    one_run_at_a_time,
    one_writer_at_a_time,
    part_never_imported,
    phones_return,
    standby_identity,
    standby_runs_nothing,
    takeover_is_kept,
)
from scenarios.record import Record
from scenarios.tolerance import tolerated
from scenarios.verdict import Judgement, Verdict, inconclusive

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
    "generations-rise": generations_rise.check,
    "content-is-a-generation": content_is_a_generation.check,
    "content-arrives-whole": content_arrives_whole.check,
    "import-after-hash": import_after_hash.check,
    "part-never-imported": part_never_imported.check,
    "last-good-outlives": last_good_outlives.check,
    "attempts-bounded": attempts_bounded.check,
    "attempt-spacing": attempt_spacing.check,
    "one-run-at-a-time": one_run_at_a_time.check,
    "one-run-a-slot": one_run_a_slot.check,
    "standby-runs-nothing": standby_runs_nothing.check,
    "one-writer-at-a-time": one_writer_at_a_time.check,
    "backup-read-when-finished": backup_read_when_finished.check,
    "older-attempts-rest": older_attempts_rest.check,
    "one-message-each": one_message_each.check,
    "notices-sent": notices_sent.check,
    "mails-as-addressed": mails_as_addressed.check,
    "mails-keep-order": mails_keep_order.check,
    "mails-leave": mails_leave.check,
    "mail-changes-no-outcome": mail_changes_no_outcome.check,
    "licences-disjoint": licences_disjoint.check,
    "module-enabled-once": module_enabled_once.check,
    "standby-identity": standby_identity.check,
    "no-import-on-active": no_import_on_active.check,
    "no-secret": no_secret.check,
    "locks-are-free": locks_are_free.check,
    "next-run-succeeds": next_run_succeeds.check,
    "phones-return": phones_return.check,
    "objectives-met": objectives_met.check,
    "nothing-broke": nothing_broke.check,
    "history-is-complete": history_is_complete.check,
    "evidence-intact": evidence_intact.check,
}


def judge(record: Record, checkers: Mapping[str, Checker] = CHECKERS) -> dict[str, Judgement]:
    """Run every checker over a record; what the scenario tolerates is weighed.

    Evidence that was changed since the run proves nothing, no failure either.
    """
    found = {name: _judge_one(checker, record) for name, checker in checkers.items()}
    if record.sealed is not None and record.sealed.broken:
        found = {
            name: inconclusive(*one.evidence) if one.verdict is Verdict.FAILED else one
            for name, one in found.items()
        }
    for one in record.plan.scenario.tolerate:
        if one.invariant in found:
            found[one.invariant] = tolerated(one, found[one.invariant])
    return found


def _judge_one(checker: Checker, record: Record) -> Judgement:
    try:
        return checker(record)
    except Exception as error:  # noqa: BLE001 - whatever a checker trips over is its verdict
        return inconclusive(f"the checker crashed: {type(error).__name__}: {error}")
