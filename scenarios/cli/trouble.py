"""Every expected trouble as one line (what, where, what to do) and an exit code."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Sequence
from typing import Any

from emulator.lab import CommandRefused, LabError, WhichLab
from scenarios.browsing import PageTrouble
from scenarios.engine_build import NoEngine
from scenarios.evidence import Altered, NotARun
from scenarios.loading import ScenarioError
from scenarios.reporting.cover import BadCover
from scenarios.seeded.shrinking import DoesNotFail
from scenarios.sweep.cells import SweepBroken

FAILED, USAGE, INCONCLUSIVE, BROKEN = 1, 2, 3, 4


def explain(error: Exception) -> tuple[str, int]:
    """Return the line and the exit code.

    What nobody expected is a defect of this program: its traceback comes first, for whoever
    mends it.
    """
    for kind, code, line in _KNOWN:
        if isinstance(error, kind):
            return line(error), code
    traceback.print_exception(error)
    return f"a defect: {type(error).__name__}: {error}; please report it", BROKEN


def _line(message: str, remedy: str) -> str:
    text = f"{message}; {remedy}" if remedy else message
    return " ".join(text.split())


_MAY_WRITE = "name a place that you may write to (--runs), or run as root"


def _of_system(error: OSError) -> str:
    """Return what the system said, with the place if it named one."""
    said = error.strerror or str(error)
    return f"{error.filename}: {said}" if error.filename else said


_KNOWN: Sequence[tuple[type[Exception], int, Callable[[Any], str]]] = (
    (ScenarioError, USAGE, lambda error: _line(error.message, error.remedy)),
    (Altered, INCONCLUSIVE, lambda error: _line(str(error), "verify the copy that was kept apart")),
    (NotARun, USAGE, lambda error: _line(str(error), "name a run's folder: runs/failover/latest")),
    (BadCover, USAGE, lambda error: _line(str(error), "correct it there")),
    (DoesNotFail, USAGE, lambda error: _line(str(error), "see `standby-lab replay PLAN`")),
    (NoEngine, USAGE, lambda error: _line(str(error), "")),
    (WhichLab, USAGE, lambda error: _line(error.message, error.remedy)),
    (LabError, BROKEN, lambda error: _line(error.message, error.remedy)),
    (PermissionError, BROKEN, lambda error: _line(_of_system(error), _MAY_WRITE)),
    (OSError, BROKEN, lambda error: _line(_of_system(error), "see that it exists and has room")),
    (SweepBroken, BROKEN, lambda error: _line(str(error), "see `standby-lab run SCENARIO`")),
    (PageTrouble, FAILED, lambda error: _line(str(error), "")),
    (
        CommandRefused,
        FAILED,
        lambda error: _line(f"refused ({error.code}): {error.message}", error.remedy),
    ),
)
