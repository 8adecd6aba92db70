"""Tries plans in processes of their own, forked from one that has everything loaded.

So drills share nothing, and leave nothing behind, not even memory.
"""

from __future__ import annotations

import gc
import signal
from collections.abc import Callable, Mapping
from types import FrameType
from typing import Any

from scenarios.loading import ScenarioError
from scenarios.seeded.drawing import Document
from scenarios.seeded.plans import scenario_of
from scenarios.seeded.trying import Failure, Tried, try_out
from scenarios.sweep.branching import Branches

LIMIT_S = 100  # real, of one drill
_HUNG = "the-drill"  # stands where an invariant would
_SMALL: Document = {
    "id": "warm-up",
    "title": "One run, so that everything is loaded",
    "covers": ["R3"],
    "lab": {"users": 1, "schedule": {"every": "1 day", "first in": "2 min"}},
    "start": "failed-over",
    "steps": [{"wait": "1 s"}],
    "expect": [{"protected": "the pair"}],
}
Take = Callable[[str, Tried | None], None]


class Processes:
    """Tries plans side by side.

    Args:
        jobs: how many at once.
        commit: of the project.
        take: told of each plan that was tried, by its key; None where its process was ended
            from outside, which says nothing about the plan.
    """

    def __init__(self, jobs: int, commit: str, take: Take) -> None:
        self._commit = commit
        self._branches = Branches(jobs, lambda _key, _ask: True, self._heard(take))

    def begin(self, key: str, document: Document) -> None:
        """Try a plan, once a process is free."""
        if not self._branches.branch(key):
            return

        def hung(_number: int, _frame: FrameType | None) -> None:
            failure = Failure(_HUNG, f"had not ended after {LIMIT_S} s")
            self._deliver(Tried("broken", (failure,), (str(failure),), "", ()))

        signal.signal(signal.SIGALRM, hung)
        signal.alarm(LIMIT_S)
        try:
            self._deliver(try_out(scenario_of(document), self._commit))
        except ScenarioError as error:
            failure = Failure("the-plan", error.message)
        except BaseException as error:  # noqa: BLE001 - whatever it is, it belongs to this drill
            failure = Failure(_HUNG, f"{type(error).__name__}: {error}"[:200])
        self._deliver(Tried("broken", (failure,), (str(failure),), "", ()))

    def wait(self) -> None:
        """Wait until every plan was tried."""
        self._branches.wait()

    def _deliver(self, tried: Tried) -> None:
        self._branches.deliver(tried.as_row())

    @staticmethod
    def _heard(take: Take) -> Callable[[str, Mapping[str, Any] | None], None]:
        def heard(key: str, row: Mapping[str, Any] | None) -> None:
            take(key, None if row is None else Tried.from_row(row))

        return heard


def warm_up(commit: str) -> None:
    """Load everything that a drill needs, so that no forked process has to."""
    try_out(scenario_of(_SMALL), commit)
    gc.collect()
    gc.freeze()  # what is there already is not looked at, and so not copied, in any fork
