"""What a node holds, and what it still has in hand: locks, unfinished files, open operations."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from typing import Any

from emulator.lab import ApplianceNode
from emulator.levers import Levers

FOLDERS = ("backups", "blobs", "content", "incoming", "snapshots")  # of an appliance's state
_ENDS: Mapping[str, frozenset[str]] = {
    "run": frozenset({"run.succeeded", "run.failed", "run.refused"}),
    "switchover": frozenset({"switchover.finished", "switchover.refused", "switchover.confirm"}),
}
_STEP_ASKED = "rollback.asked"
_STEP_ENDS = frozenset({"rollback.step", "rollback.refused", "rollback.abandoned"})


def paths_of(levers: Levers, node: str) -> list[str]:
    """Return the files of a node that matter here."""
    return [one for folder in FOLDERS for one in levers.paths(node, folder)]


def read_holding(node: ApplianceNode, paths: Sequence[str]) -> dict[str, Any]:
    """Return a node's content: a digest of every object, and every file as far as it is whole.

    Args:
        node: the appliance.
        paths: its files.
    """
    blobs = [one for one in paths if one.startswith("blobs/")]
    return {
        "objects": node.ctl(["content", "digest"])["objects"],
        "files": {one: sha256(node.read(one)).hexdigest() == one[-64:] for one in blobs},
    }


def read_residue(node: ApplianceNode, paths: Sequence[str]) -> dict[str, list[str]]:
    """Return what a node that rests should not have, by kind; empty lists where all is well.

    Args:
        node: the appliance.
        paths: its files.
    """
    records = node.ctl(["redundancy", "log"])["records"]
    status = node.ctl(["status"])
    backups = node.ctl(["backup", "list"])["backups"]
    kept = node.ctl(["redundancy", "rollback"])["file"]  # the backup of (a), as R57 asks
    contents = [one for one in paths if one.startswith("content/") and one.endswith(".db")]
    registered = {f"backups/{one['file']}" for one in backups}
    return {
        "held": [str(one["file"]) for one in backups if one["held"] and one["file"] != kept],
        "busy": [key for key, value in status["busy"].items() if value],
        "unfinished": [one for one in paths if one.endswith(".part")],
        "incoming": [one for one in paths if one.startswith("incoming/")],
        "contents": contents if len(contents) > 1 else [],
        "backups": [one for one in paths if one.startswith("backups/") and one not in registered],
        "open": open_operations(records),
    }


def open_operations(records: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return the operations of a journal that have begun and not ended.

    A rollback rests between its steps, for days if need be; what is open is a step of it.
    """
    begun: dict[str, bool] = {}
    for one in records:
        if one["event"] == _STEP_ASKED or one["event"] in _STEP_ENDS:
            begun[one["operation"]] = one["event"] in _STEP_ENDS
            continue
        kind = str(one["operation"]).partition("-")[0]
        if kind in _ENDS:
            ended = begun.get(one["operation"], False) or one["event"] in _ENDS[kind]
            begun[one["operation"]] = ended
    return [operation for operation, ended in begun.items() if not ended]
