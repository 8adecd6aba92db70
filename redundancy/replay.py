"""The machines' states, rebuilt from the journal as far as it was written down."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from redundancy import rollback, run, switchover
from redundancy.contract import NetworkSettings, Snapshot
from redundancy.journal import Record
from redundancy.machine import Failed
from redundancy.run_messages import Source


def of_run(records: Sequence[Record]) -> run.State:
    """Rebuild the state of the newest run from the journal, as far as it was written down."""
    state = run.State()
    for one in records:
        detail = one.detail
        match one.event:
            case "run.started":
                state = run.State(
                    "checking",
                    detail["run"],
                    detail["epoch"],
                    detail["attempts_max"],
                    after_failure=detail["after_failure"],
                    source=Source(**detail.get("source", {})),
                )
            case "run.exported":
                state = replace(state, snapshot=Snapshot.model_validate(detail["snapshot"]))
            case "attempt.started":
                state = replace(state, phase="checking", attempt=detail["attempt"], doubt=None)
            case "intent.import":
                state = replace(state, phase="importing")
            case "attempt.indefinite":
                doubt = Failed(one.cause, detail["message"], definite=False)
                state = replace(state, phase="verifying", doubt=doubt)
            case "attempt.failed":
                failure = run.Failure(detail["attempt"], one.at, one.cause, detail["message"])
                state = replace(state, phase="waiting", failures=(*state.failures, failure))
            case event if event in run.ENDS:
                state = replace(state, phase=run.ENDS[event])
    return state


def of_switchover(records: Sequence[Record], adopts: NetworkSettings | None) -> switchover.State:
    """Rebuild the state of the newest switchover from the journal.

    Args:
        records: of that operation.
        adopts: the settings that this appliance would adopt, or has adopted.
    """
    state = switchover.State()
    for one in records:
        match one.event:
            case "switchover.asked":
                detail = one.detail
                state = switchover.State(
                    "assessing", detail["operation"], detail["by"], detail["confirmed"]
                )
            case "switchover.silent" | "switchover.overridden":
                state = replace(state, phase="claiming", epoch=one.detail["epoch"], adopts=adopts)
            case "switchover.finished":
                state = replace(state, phase="finished")
            case "switchover.refused" | "switchover.confirm":
                state = replace(state, phase="refused")
    return state


def of_rollback(records: Sequence[Record]) -> rollback.State:
    """Rebuild the state from what was carried and from the journal of the box (D18)."""
    state = rollback.State()
    for one in records:
        detail = one.detail
        if one.event == "rollback.started":
            network = NetworkSettings.model_validate(detail["network"])
            state = rollback.State(one.operation, detail["epoch"], detail["hardware_id"], network)
        elif detail.get("epoch") != state.epoch:
            continue  # of an earlier rollback that another box had numbered the same
        elif one.event == "rollback.step":
            state = rollback.after(state, detail["step"], detail)
        elif one.event == "rollback.abandoned":
            state = replace(state, abandoned=True)
    return state
