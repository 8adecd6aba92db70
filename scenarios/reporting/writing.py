"""Writes the drill reports of a stored run that was judged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from scenarios.evidence import REPORTS, NotARun, RunFolder, seal_hash, sealed_files
from scenarios.record import Record
from scenarios.reporting.cover import Cover
from scenarios.reporting.page import Reported, render
from scenarios.reporting.previous import Previous, previous_run, read_previous
from scenarios.verdict import Judgement


@dataclass(frozen=True)
class Request:
    """What is wanted of a report.

    Attributes:
        languages: keys of `REPORTS`.
        previous: the run to compare with; None: the one before, if there is one.
        cover: what only the operator knows; None: to be filled in by hand.
    """

    languages: Sequence[str] = tuple(REPORTS)
    previous: Path | None = None
    cover: Cover | None = None


def write_reports(
    folder: Path,
    record: Record,
    judgements: Mapping[str, Judgement],
    request: Request = Request(),
) -> list[Path]:
    """Write the report of a run in some languages, and return where.

    Args:
        folder: of the run.
        record: what it says.
        judgements: what was judged of it, by checker.
        request: languages, comparison, cover.

    Raises:
        NotARun: the previous run that was named is none.
    """
    named = request.previous
    reported = Reported(
        record=record,
        judgements=judgements,
        folder=folder.resolve(),
        files=sealed_files(folder),
        seal=seal_hash(folder),
        previous=_previous(folder) if named is None else read_previous(named),
        cover=request.cover or Cover(),
    )
    return [
        RunFolder(folder).write_report(language, render(reported, language))
        for language in request.languages
    ]


def _previous(folder: Path) -> Previous | None:
    """Read the run before; one that cannot be read any more is none to compare with."""
    found = previous_run(folder)
    if found is None:
        return None
    try:
        return read_previous(found)
    except NotARun:
        return None
