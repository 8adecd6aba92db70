"""The run that a report compares its own with."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from scenarios.evidence import NotARun, load, seal_hash
from scenarios.reporting.metrics import Metrics, measured


@dataclass(frozen=True)
class Previous:
    """An earlier run.

    Attributes:
        name: of its folder.
        seal: SHA-256 of its seal.
        commit: of the software.
        verdict: as its summary says.
        judgements: the verdict of each checker, likewise.
        metrics: its figures.
    """

    name: str
    seal: str
    commit: str
    verdict: str
    judgements: Mapping[str, str]
    metrics: Metrics


def previous_run(folder: Path) -> Path | None:
    """Return the newest judged run of the same scenario in the same kind of lab before this one.

    Folders are named by time and end with the backend.
    """
    folder = folder.resolve()
    backend = folder.name.rpartition("-")[2]
    earlier = sorted(
        one
        for one in folder.parent.glob(f"*-{backend}")
        if one.name < folder.name and (one / "summary.json").is_file()
    )
    return earlier[-1] if earlier else None


def read_previous(folder: Path) -> Previous:
    """Read an earlier run.

    Raises:
        NotARun: the folder is none, or was never judged.
    """
    record = load(folder)
    path = folder / "summary.json"
    try:
        summary = json.loads(path.read_text(encoding="utf-8"))
        judgements = {name: str(one["verdict"]) for name, one in summary["judgements"].items()}
        verdict = str(summary["verdict"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise NotARun(f"{path}: no summary: {error}") from error
    return Previous(
        name=folder.resolve().name,
        seal=seal_hash(folder),
        commit=record.plan.commit,
        verdict=verdict,
        judgements=judgements,
        metrics=measured(record),
    )
