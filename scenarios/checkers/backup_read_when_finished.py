"""No run takes a backup while one is being written (R32, D3, O1)."""

from __future__ import annotations

from scenarios.record import Record
from scenarios.verdict import Judgement, judged, not_applicable
from scenarios.writing import writings


def check(record: Record) -> Judgement:
    """What is sent was sealed while nothing was being written on that appliance."""
    seals = tuple(record.select("appliance", "snapshot.created"))
    if not seals:
        return not_applicable("no run took a backup")
    spells = tuple(writings(record))
    faults = [
        f"{seal.node}: {seal.detail.get('file')} was taken while the {spell.what} was being written"
        for seal in seals
        for spell in spells
        if spell.covers(seal)
    ]
    return judged(faults, f"{len(seals)} backups taken, none while one was being written")
