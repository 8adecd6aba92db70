"""What is too much for each test run is tried in turn: another few after each change."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from tools.planted import PACKAGES


def few(names: Sequence[str], number: int, root: Path) -> list[str]:
    """Return some of the names: others, as soon as anything in the packages changed.

    Args:
        names: among which to choose.
        number: how many.
        root: of the checkout.
    """
    seen = hashlib.sha256()
    for path in sorted(one for name in PACKAGES for one in (root / name).rglob("*.py")):
        seen.update(path.read_bytes())
    turn = seen.hexdigest()
    ranked = sorted(names, key=lambda one: hashlib.sha256(f"{turn}{one}".encode()).digest())
    return ranked[:number]
