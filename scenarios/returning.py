"""The administrator's part of a rollback: orders its steps, carries the backup, restores it."""

from __future__ import annotations

from emulator.lab import CommandRefused
from scenarios.drill import Drill
from scenarios.models.steps import RestoreSpec, RollbackSpec
from scenarios.verdict import Verdict


def roll_back(drill: Drill, order: RollbackSpec) -> str:
    """Order a step and wait for its end; what is said of it.

    The backup of (a) is copied to the administrator's computer, as R57 asks.

    Raises:
        CommandRefused: the appliance declined, and that was not expected.
    """
    node = drill.node(order.on)
    argv = ["redundancy", "rollback", "--step", order.step, "--by", "administrator"]
    text = f"step {order.step} on {order.on}"
    try:
        answer = node.ctl(argv)
    except CommandRefused as refusal:
        if order.refused is None:
            raise
        _expect(drill, text, order.refused, refusal.code)
        return f"refused: {refusal}"
    if order.refused is not None:
        _expect(drill, text, order.refused, "")
    if order.step == "shutdown":
        node.await_off()
        drill.off.add(order.on)
        return "dark"
    if answer["outcome"] == "accepted":
        drill.lab.timekeeper.settle()
    view = node.ctl(["redundancy", "rollback"])
    drill.read(order.on, "rollback", "rollback", view)
    if order.step == "backup" and view["file"]:
        drill.saved = node.read(f"backups/{view['file']}")
    return f"next: {view['next'] or 'nothing'}"


def _expect(drill: Drill, what: str, wanted: str, code: str) -> None:
    verdict = Verdict.PASSED if code == wanted else Verdict.FAILED
    said = f"refused ({code})" if code else "carried out"
    drill.lab.note("expectation", verdict.value, text=f"{what} was {said}")


def restore(drill: Drill, order: RestoreSpec) -> str:
    """Restore the backup from the administrator's computer; what is said of it.

    Raises:
        CommandRefused: the appliance declined it, and that was not expected.
    """
    flags = [f"--{flag}" for flag in ("ignore-address", "keep-licences") if flag in order.with_]
    argv = ["restore", "--size", str(len(drill.saved)), *flags]
    try:
        done = drill.node(order.on).ctl(argv, drill.saved)
    except CommandRefused as refusal:
        if order.refused is None:
            raise
        _expect(drill, f"restore on {order.on}", order.refused, refusal.code)
        return f"refused: {refusal}"
    if order.refused is not None:
        _expect(drill, f"restore on {order.on}", order.refused, "")
    return f"{done['objects']} objects of generation {done['generation']}"
