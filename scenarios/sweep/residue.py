"""What a node holds, and what it still has in hand: locks, unfinished files, open operations."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from typing import Any

from emulator.lab import ApplianceNode
from emulator.sim.node import SimNode

_ENDS: Mapping[str, frozenset[str]] = {
    "run": frozenset({"run.succeeded", "run.failed", "run.refused"}),
    "switchover": frozenset({"switchover.finished", "switchover.refused", "switchover.confirm"}),
}


def read_holding(node: SimNode) -> dict[str, Any]:
    """Return a node's content: a digest of every object, and every file as far as it is whole."""
    blobs = [one for one in node.disk.paths() if one.startswith("blobs/")]
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
    contents = [one for one in paths if one.startswith("content/") and one.endswith(".db")]
    registered = {f"backups/{one['file']}" for one in backups}
    return {
        "held": [str(one["file"]) for one in backups if one["held"]],
        "busy": [key for key, value in status["busy"].items() if value],
        "unfinished": [one for one in paths if one.endswith(".part")],
        "incoming": [one for one in paths if one.startswith("incoming/")],
        "contents": contents if len(contents) > 1 else [],
        "backups": [one for one in paths if one.startswith("backups/") and one not in registered],
        "open": open_operations(records),
    }


def open_operations(records: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return the operations of a journal that have begun and not ended."""
    begun: dict[str, bool] = {}
    for one in records:
        kind = str(one["operation"]).partition("-")[0]
        if kind in _ENDS:
            ended = begun.get(one["operation"], False) or one["event"] in _ENDS[kind]
            begun[one["operation"]] = ended
    return [operation for operation, ended in begun.items() if not ended]
