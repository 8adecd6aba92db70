"""What a scenario tolerates: within its bound it passes, and stays visible as a finding."""

from __future__ import annotations

from scenarios.models.scenario import Tolerance
from scenarios.verdict import Judgement, Verdict

TOLERATED = "tolerated"


def tolerated(tolerance: Tolerance, found: Judgement) -> Judgement:
    """Weigh a judgement by what the scenario tolerates of that invariant.

    A violation beyond the bound stays a failure, as does one whose length is bounded and that
    the checker cannot tell.
    """
    if found.verdict is not Verdict.FAILED:
        return found
    count, limit = len(found.evidence), tolerance.lasting_at_most
    if count > tolerance.at_most:
        return _beyond(found, f"{count} violations, {tolerance.at_most} are tolerated")
    if limit is not None and (found.extent_s is None or found.extent_s > limit.total_seconds()):
        lasted = "unknown" if found.extent_s is None else f"{found.extent_s:.3f} s"
        return _beyond(found, f"length {lasted}, {limit.total_seconds():g} s are tolerated")
    lines = (f"{TOLERATED}, because {tolerance.because}: {line}" for line in found.evidence)
    return Judgement(Verdict.PASSED, tuple(lines), found.extent_s)


def _beyond(found: Judgement, text: str) -> Judgement:
    return Judgement(Verdict.FAILED, (*found.evidence, text), found.extent_s)
