"""Backups and archives are never written in parallel (O7, R32)."""

from __future__ import annotations

from scenarios.record import Record
from scenarios.verdict import Judgement, judged, not_applicable
from scenarios.writing import STARTS, writings


def check(record: Record) -> Judgement:
    """Nothing begins to be written on an appliance while something is."""
    spells = tuple(writings(record))
    starts = tuple(record.select("appliance", *STARTS))
    if not starts:
        return not_applicable("nothing was written")
    faults = [
        f"{start.node}: {start.event} while the {spell.what} was being written"
        for start in starts
        for spell in spells
        if spell.covers(start)
    ]
    return judged(faults, f"{len(starts)} backups and archives, one after the other")
