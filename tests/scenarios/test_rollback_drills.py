"""Rollbacks in simulation that no file of the library tells (B5, B7, B8)."""

from __future__ import annotations

from pathlib import Path

from drills import order

from scenarios.loading import read
from scenarios.narration import Silence
from scenarios.runner import Outcome, run
from scenarios.verdict import Verdict

HEAD = """
id: mine
title: A rollback
covers: [R57]
lab: {users: 3, schedule: {every: 1 day, first in: 2 min}}
steps:
  - initialise: pbx2
  - advance: {on: pbx1, to: run.succeeded, within: 1 h}
"""
FAILOVER = """
  - power off: pbx1
  - open tab: pbx2
  - wait: 5 s
  - switch over: pbx2
  - roll back: {on: pbx2, step: backup}
"""
HOME = """
  - roll back: {on: pbx2, step: readdress}
  - roll back: {on: pbx2, step: shutdown}
  - power on: pbx1
  - restore: {on: pbx1, with: [keep-licences]}
  - roll back: {on: pbx1, step: import}
  - roll back: {on: pbx1, step: identity}
  - roll back: {on: pbx1, step: phones}
  - power on: pbx2
  - initialise: pbx2
  - advance: {on: pbx1, to: run.succeeded, within: 25 h}
"""


def drill(text: str, folder: Path) -> Outcome:
    return run(order(read(text, "mine.yaml"), folder / "run"), Silence())


def test_three_cycles_of_failover_and_rollback_leave_no_drift(tmp_path: Path) -> None:
    steps = "".join(
        FAILOVER.replace(
            "  - roll back",
            f"  - change: {{on: pbx2, add: user, as: cycle-{number}}}\n  - roll back",
        )
        + HOME
        for number in range(3)
    )
    names = ", ".join(f"cycle-{number}" for number in range(3))
    end = f"""
expect:
  - answers: {{for: pbx1, only: pbx1}}
  - answers: {{for: pbx2, only: pbx2}}
  - present: {{on: pbx1, changes: [{names}]}}
  - present: {{on: pbx2, changes: [{names}]}}
  - rolled back: {{of: pbx1, next: nothing, protected: yes}}
"""
    outcome = drill(HEAD + steps + end, tmp_path)
    assert outcome.verdict is Verdict.PASSED, outcome.judgements
    final = {name: outcome.record.answer(name, "status") for name in ("pbx1", "pbx2")}
    steady = outcome.record.answer("pbx1", "status", "steady")
    assert final["pbx1"]["network"] == steady["network"]
    assert final["pbx1"]["lineage"]["epoch"] == 1 + 2 * 3
    active = {one["name"] for one in final["pbx1"]["modules"] if one["active"]}
    assert active == {one["name"] for one in final["pbx1"]["modules"]}
    assert not any(one["active"] for one in final["pbx2"]["modules"])


def test_a_rollback_that_forgets_the_licences_is_seen_to_fail(tmp_path: Path) -> None:
    steps = """
  - roll back: {on: pbx2, step: readdress}
  - roll back: {on: pbx2, step: shutdown}
  - power on: pbx1
  - restore: {on: pbx1}
  - roll back: {on: pbx1, step: import}
  - roll back: {on: pbx1, step: identity, refused: licences-missing}
  - power on: pbx2
expect:
  - rolled back: {of: pbx1, next: identity, protected: no}
"""
    outcome = drill(HEAD + FAILOVER + steps, tmp_path)
    assert outcome.judgements["expectations"].verdict is Verdict.PASSED
    assert outcome.judgements["licences-disjoint"].verdict is Verdict.FAILED


def test_the_lower_epoch_of_the_original_is_refused(tmp_path: Path) -> None:
    steps = """
  - roll back: {on: pbx2, step: readdress}
  - power on: pbx1
  - expect: {on: pbx1, event: attempt.failed, cause: epoch, within: 25 h}
expect:
  - answers: {for: pbx1, only: pbx1}
"""
    outcome = drill(HEAD + FAILOVER + steps, tmp_path)
    assert outcome.judgements["expectations"].verdict is Verdict.PASSED, outcome.judgements
    assert outcome.record.answer("pbx2", "status")["lineage"]["epoch"] == 2
