"""No licence key stands on both appliances (R11, R12)."""

from __future__ import annotations

from collections import defaultdict

from scenarios.record import Record
from scenarios.verdict import Judgement, inconclusive, judged


def check(record: Record) -> Judgement:
    """Compare the fingerprints of all licences that were read."""
    owners: dict[str, set[str]] = defaultdict(set)
    shown: dict[str, str] = {}
    for read in record.reads:
        if read.what == "status":
            for licence in read.answer["licences"]:
                owners[licence["fingerprint"]].add(read.node)
                shown[licence["fingerprint"]] = f"{licence['kind']} licence {licence['redacted']}"
    if len(set().union(*owners.values())) <= 1:
        return inconclusive("the licences of two appliances were not read")
    faults = [
        f"{shown[fingerprint]} stands on {' and '.join(sorted(nodes))}"
        for fingerprint, nodes in owners.items()
        if len(nodes) > 1
    ]
    return judged(faults, f"{len(owners)} licences, each on one appliance")
