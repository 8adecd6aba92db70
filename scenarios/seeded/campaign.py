"""Drills by the thousand: on all cores, remembered one by one, gone on with after any end."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from scenarios.seeded.apart import Processes, warm_up
from scenarios.seeded.drawing import draw
from scenarios.seeded.plans import plan_hash, text_of
from scenarios.seeded.shrinking import DoesNotFail, Oracle, Shrunk, shrink, slug
from scenarios.seeded.store import Key, Line, Store
from scenarios.seeded.trying import Failure, Tried


@dataclass(frozen=True)
class Terms:
    """What a campaign does.

    Attributes:
        seeds: which drills, in this order.
        profile: what they are like.
        commit: of the project; drills of another commit are other drills.
        jobs: how many at once.
        stop_on_first: begin no more once one has failed.
        enough: whether it is time to end; asked before each drill.
    """

    seeds: Iterable[int]
    profile: str
    commit: str
    jobs: int
    stop_on_first: bool = False
    enough: Callable[[], bool] = lambda: False

    @property
    def scenario(self) -> str:
        """What its drills are called in the store."""
        return f"drill-{self.profile}"


@dataclass
class Tally:
    """What is known of a campaign's drills.

    Attributes:
        lines: of the drills that ended, by key; those of earlier runs included.
        fresh: how many of them ended now.
        ended_outside: processes that somebody ended; their drills are still to be made.
    """

    lines: dict[Key, Line] = field(default_factory=dict)
    fresh: int = 0
    ended_outside: int = 0

    def verdicts(self) -> Counter[str]:
        """Count the verdicts."""
        return Counter(line.verdict for line in self.lines.values())

    def causes(self) -> dict[Failure, list[Line]]:
        """Return the drills that failed for each cause, the most frequent cause first."""
        found: dict[Failure, list[Line]] = {}
        for line in self.lines.values():
            for invariant, cause in line.failures:
                found.setdefault(Failure(invariant, cause), []).append(line)
        return dict(sorted(found.items(), key=lambda one: -len(one[1])))

    def reached(self) -> Counter[str]:
        """Count how many drills saw each rare state."""
        return Counter(state for line in self.lines.values() for state in line.reached)


def campaign(terms: Terms, store: Store, told: Callable[[Tally], None]) -> Tally:
    """Make every drill of the terms that the store does not know; what is known then.

    Args:
        terms: which ones, and how.
        store: what is known of earlier ones, and what is remembered.
        told: called whenever a drill has ended.
    """
    tally = Tally()
    known = {line.key: line for line in store.lines() if line.commit == terms.commit}
    begun: dict[int, Key] = {}

    def take(key: str, tried: Tried | None) -> None:
        if tried is None:
            tally.ended_outside += 1
        else:
            line = _line(begun[int(key)], tried)
            store.append(line)
            tally.lines[line.key] = line
            tally.fresh += 1
        told(tally)

    warm_up(terms.commit)
    processes = Processes(terms.jobs, terms.commit, take)
    for seed in terms.seeds:
        if terms.enough() or (terms.stop_on_first and _failed(tally)):
            break
        document = draw(seed, terms.profile, terms.commit)
        begun[seed] = Key(terms.commit, terms.scenario, seed, plan_hash(document))
        if begun[seed] in known:
            tally.lines[begun[seed]] = known[begun[seed]]
        else:
            processes.begin(str(seed), document)
    processes.wait()
    return tally


def _failed(tally: Tally) -> bool:
    return any(line.failures for line in tally.lines.values())


def _line(key: Key, tried: Tried) -> Line:
    return Line(
        *key,
        verdict=tried.verdict,
        failures=tuple((one.invariant, one.cause) for one in tried.failures),
        evidence=tried.evidence,
        trace_hash=tried.trace_hash,
        reached=tried.reached,
    )


def file_failures(
    tally: Tally, terms: Terms, folder: Path, told: Callable[[str, int, int], None]
) -> Iterator[tuple[Failure, Path]]:
    """Shrink a drill of each cause that has no file yet, and file it under its cause.

    Args:
        tally: what failed.
        terms: of the campaign.
        folder: one folder below it for each cause.
        told: gets (cause, tries, steps of the smallest plan so far).

    Yields:
        Each cause, and the scenario that shows it, those of earlier campaigns included.
    """
    for failure, lines in tally.causes().items():
        path = folder / slug(failure) / "scenario.yaml"
        if not path.is_file():
            oracle = Oracle(terms.commit, lambda tries, steps: told(slug(failure), tries, steps))  # noqa: B023 - used within the iteration
            line = min(lines, key=lambda one: one.seed)
            try:
                shrunk = shrink(draw(line.seed, terms.profile, terms.commit), oracle, failure)
            except DoesNotFail:  # an earlier drill of the same program did, and this one does not
                continue
            _file(path, shrunk, terms, [one.seed for one in lines])
        yield failure, path


def _file(path: Path, shrunk: Shrunk, terms: Terms, seeds: list[int]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    about = {
        "invariant": shrunk.failure.invariant,
        "cause": shrunk.failure.cause,
        "evidence": shrunk.evidence,
        "profile": terms.profile,
        "seeds": sorted(seeds),
        "commit": terms.commit,
        "tries": shrunk.tries,
        "steps": len(shrunk.document["steps"]),
    }
    about_text = json.dumps(about, indent=1, ensure_ascii=False)
    (path.parent / "failure.json").write_text(f"{about_text}\n", encoding="utf-8")
    fresh = path.with_suffix(".part")  # so that a file that is there is whole
    fresh.write_text(text_of(shrunk.document), encoding="utf-8")
    fresh.replace(path)
