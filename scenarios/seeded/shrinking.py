"""Makes a plan small that fails, and writes it as a scenario for the library."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field

from scenarios.seeded.apart import Processes
from scenarios.seeded.drawing import Document
from scenarios.seeded.plans import plan_hash
from scenarios.seeded.reducing import reduce
from scenarios.seeded.trying import Failure, Tried

MOST_TRIES = 600
_LONGEST_ID = 31


class DoesNotFail(Exception):  # noqa: N818 - says what was found
    """The plan passes, or not with the failure that was named: there is nothing to shrink."""


@dataclass
class Shrunk:
    """A plan that was made small.

    Attributes:
        document: the scenario.
        failure: what it fails with, as the large one did.
        evidence: what the checker said of the large one.
        tries: how many plans were tried.
    """

    document: Document
    failure: Failure
    evidence: str
    tries: int


@dataclass
class Oracle:
    """Says whether a plan fails in the way that is looked for; each is tried once.

    Attributes:
        commit: of the project.
        told: gets the number of tries, and of steps of the smallest plan that fails so far.
    """

    commit: str
    told: Callable[[int, int], None] = lambda _tries, _steps: None
    tries: int = 0
    _known: dict[str, bool] = field(default_factory=dict)
    _fewest: int = 0

    def attempt(self, document: Document) -> Tried | None:
        """Try a plan in a process of its own."""
        found: list[Tried | None] = []
        processes = Processes(1, self.commit, lambda _key, tried: found.append(tried))
        processes.begin("shrink", document)
        processes.wait()
        self.tries += 1
        return found[0]

    def fails(self, document: Document, failure: Failure) -> bool:
        """Say whether a plan fails in this way."""
        key = plan_hash(document)
        if not document["steps"] or self.tries >= MOST_TRIES:
            return False
        if key not in self._known:
            tried = self.attempt(document)
            self._known[key] = tried is not None and failure in tried.failures
            if self._known[key]:
                self._fewest = len(document["steps"])
            self.told(self.tries, self._fewest)
        return self._known[key]


def shrink(
    document: Document,
    oracle: Oracle,
    failure: Failure | None = None,
) -> Shrunk:
    """Make a plan small that fails.

    Args:
        document: the plan.
        oracle: tries plans.
        failure: what it must go on failing with; None: the first that it fails with.

    Raises:
        DoesNotFail: it does not.
    """
    tried = oracle.attempt(document)
    failures = () if tried is None else tried.failures
    wanted = failure or next(iter(failures), None)
    if tried is None or wanted is None or wanted not in failures:
        raise DoesNotFail(f"the plan does not fail with {wanted}" if wanted else "the plan passes")
    named = {**document, "id": slug(wanted), "title": f"{wanted.invariant}: {wanted.cause}"}
    oracle.told(oracle.tries, len(named["steps"]))
    small = reduce(named, lambda one: oracle.fails(one, wanted))
    evidence = tried.evidence[failures.index(wanted)]
    return Shrunk(small, wanted, evidence, oracle.tries)


def named_failure(document: Document, oracle: Oracle, invariant: str) -> Failure:
    """Return how a plan breaks an invariant.

    Raises:
        DoesNotFail: it does not.
    """
    tried = oracle.attempt(document)
    for one in () if tried is None else tried.failures:
        if one.invariant == invariant:
            return one
    raise DoesNotFail(f"the plan does not break {invariant}")


def slug(failure: Failure) -> str:
    """Return a name for a cause, the same for all drills that fail so."""
    digest = hashlib.sha256(str(failure).encode()).hexdigest()[:6]
    return f"{failure.invariant[: _LONGEST_ID - 7]}-{digest}"
