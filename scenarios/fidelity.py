"""One scenario on several backends: the same trace, the same verdict?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from scenarios.clients import fates, strays
from scenarios.runner import Outcome
from scenarios.trace import Difference, compare, trace_of
from scenarios.verdict import Verdict


@dataclass(frozen=True)
class Comparison:
    """One scenario on several backends.

    Attributes:
        scenario: its id.
        outcomes: by backend; the first one is what the others are compared with.
        differences: by backend, where its trace parts from the first one's.
        strays: by backend, what its telephones did that they should not, or not as the first's.
    """

    scenario: str
    outcomes: Mapping[str, Outcome]
    differences: Mapping[str, tuple[Difference, ...]]
    strays: Mapping[str, tuple[str, ...]]

    @property
    def alike(self) -> bool:
        """Whether all traces and verdicts are the same, and every one passed."""
        verdicts = {outcome.verdict for outcome in self.outcomes.values()}
        parted = [*self.differences.values(), *self.strays.values()]
        return verdicts == {Verdict.PASSED} and not any(parted)

    def report(self) -> list[str]:
        """Return the differences as a person reads them."""
        first = next(iter(self.outcomes))
        lines = []
        for backend, found in self.differences.items():
            lines += [f"{self.scenario}: {first} | {backend}: {one}" for one in found]
        for backend, told in self.strays.items():
            lines += [f"{self.scenario}: {backend}: {one}" for one in told]
        for backend, outcome in self.outcomes.items():
            if outcome.verdict is not Verdict.PASSED:
                lines.append(f"{self.scenario}: {backend}: {outcome.verdict.value}")
        return lines


def compare_outcomes(scenario: str, outcomes: Mapping[str, Outcome]) -> Comparison:
    """Compare the traces of one scenario's runs with the first one."""
    traces = {backend: trace_of(one.record.events) for backend, one in outcomes.items()}
    backends: Sequence[str] = list(traces)
    first = traces[backends[0]]
    differences = {other: compare(first, traces[other]) for other in backends[1:]}
    return Comparison(scenario, outcomes, differences, _strays(outcomes))


def _strays(outcomes: Mapping[str, Outcome]) -> Mapping[str, tuple[str, ...]]:
    """Judge the telephones, which live in real time: by bounds, and by what became of them."""
    records = {backend: one.record for backend, one in outcomes.items()}
    first = fates(next(iter(records.values())))
    found = {}
    for backend, record in records.items():
        own = fates(record)
        other = [
            f"{name}: back, restarted, calls lost are {own.get(name)}, not {first.get(name)}"
            for name in sorted({*own, *first})
            if own.get(name) != first.get(name)
        ]
        found[backend] = (*strays(record), *other)
    return found
