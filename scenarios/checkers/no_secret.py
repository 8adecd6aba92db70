"""No password and no licence key is in the record (T7, D15)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from scenarios.record import Record
from scenarios.verdict import Judgement, inconclusive, judged

_KEY = re.compile(r"\b[A-Z0-9]{5}(?:-[A-Z0-9]{5}){3}\b")  # R13
_PRIVATE = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----")


def check(record: Record) -> Judgement:
    """Trust the run's own scan for the lab's secrets, and look for their shapes again."""
    if record.scan is None:
        return inconclusive("nobody looked for this lab's secrets in the evidence")
    faults = [f"{file} holds a secret of the lab" for file in record.scan.found]
    faults += _shapes(record)
    looked = f"{record.scan.searched} secrets in {len(record.texts)} files"
    return judged(faults, f"looked for {looked}: none")


def _shapes(record: Record) -> Iterator[str]:
    for file, text in record.texts.items():
        if _KEY.search(text):
            yield f"{file} holds a licence key"
        if _PRIVATE.search(text):
            yield f"{file} holds a private key"
