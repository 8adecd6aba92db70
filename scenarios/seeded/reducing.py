"""Makes a failing plan small: delta debugging over steps, then over the lab, then numbers.

Pure: whoever calls says whether a smaller plan still fails in the same way. The algorithm is
ddmin (Zeller, Hildebrandt: Simplifying and Isolating Failure-Inducing Input, 2002).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from scenarios.seeded.drawing import Document

Fails = Callable[[Document], bool]
_QUANTITY = re.compile(r"([+-]?)(\d+(?:\.\d+)?)( ?)(ms|s|min|h|days?|weeks?|B|kB|MB|%)\b(.*)")
_SMALL = (0, 1, 2, 5, 10, 30, 60)
_PLAIN_LAB: Document = {"users": 1, "schedule": {"every": "1 day", "first in": "2 min"}}
_NAMING = ("as", "add")


def reduce(document: Document, fails: Fails) -> Document:
    """Return a smaller plan that still fails; the same one if nothing can be left out.

    Args:
        document: a plan that fails.
        fails: whether a plan fails in the same way; False for one that the language refuses.
    """
    steps = list(document["steps"])
    kept = ddmin(steps, lambda some: fails({**document, "steps": closed(some)}))
    small = {**document, "steps": closed(kept)}
    small = _plain(small, fails)
    while True:
        before = small
        small = _smaller_numbers(small, fails)
        if small == before:
            return small


def ddmin(parts: Sequence[Any], fails: Callable[[list[Any]], bool]) -> list[Any]:
    """Return parts that still fail, none of which can be left out alone."""
    kept, pieces = list(parts), 2
    while len(kept) >= 1:
        size = max(1, len(kept) // pieces)
        for start in range(0, len(kept), size):
            rest = kept[:start] + kept[start + size :]
            if fails(rest):
                kept, pieces = rest, max(pieces - 1, 2)
                break
        else:
            if size == 1:
                return kept
            pieces = min(len(kept), pieces * 2)
    return kept


def closed(steps: Sequence[Document]) -> list[Document]:
    """Leave out what speaks of something that no step before it has named."""
    named: set[str] = set()
    kept = []
    for step in steps:
        needed = set(_needed(step))
        if needed <= named:
            kept.append(step)
            named |= set(_named(step))
    return kept


def _specs(step: Document) -> Iterator[Document]:
    for value in step.values():
        if isinstance(value, dict):
            yield value
            yield from _specs({"do": value["do"]} if "do" in value else {})


def _named(step: Document) -> Iterator[str]:
    for spec in _specs(step):
        yield from (str(spec[key]) for key in _NAMING if key in spec)


def _needed(step: Document) -> Iterator[str]:
    if "heal" in step:
        yield str(step["heal"])
    change = step.get("change", {})
    yield from (str(change[key]) for key in ("edit", "remove") if key in change)
    job = step.get("job", {})
    yield from (str(job["remove"]) for _ in range(1) if "remove" in job)
    yield from (str(step["start job"]["job"]) for _ in range(1) if "start job" in step)


def _plain(document: Document, fails: Fails) -> Document:
    """Put the plainest lab in the place of the plan's, as a whole or part by part."""
    smaller = {**document, "lab": _PLAIN_LAB}
    document = smaller if fails(smaller) else document
    for key in list(document["lab"]):
        if key != "schedule":
            lab = {name: value for name, value in document["lab"].items() if name != key}
            smaller = {**document, "lab": lab}
            document = smaller if fails(smaller) else document
    for key in ("tolerate", "start", "drawn"):
        smaller = {name: value for name, value in document.items() if name != key}
        document = smaller if key in document and fails(smaller) else document
    return document


def _smaller_numbers(document: Document, fails: Fails) -> Document:
    """Make each number of the plan as small and round as it can be."""
    for path in list(_numbers(document)):
        for value in _smaller(_at(document, path)):
            candidate = _with(document, path, value)
            if fails(candidate):
                document = candidate
                break
    return document


Path = tuple[str | int, ...]


def _numbers(value: Any, path: Path = ()) -> Iterator[Path]:
    """Yield where the numbers of a plan's lab and steps are."""
    if not path:
        for part in ("lab", "steps"):
            yield from _numbers(value[part], (part,))
    elif isinstance(value, dict):
        for key, one in value.items():
            yield from _numbers(one, (*path, key))
    elif isinstance(value, list):
        for index, one in enumerate(value):
            yield from _numbers(one, (*path, index))
    elif isinstance(value, int) or _QUANTITY.fullmatch(str(value)):
        yield path


def _smaller(value: Any) -> Iterator[Any]:
    """Yield smaller and rounder ones than a number, the smallest first."""
    if isinstance(value, int):
        yield from (one for one in _SMALL if one < value)
        return
    match = _QUANTITY.fullmatch(str(value))
    if match is None:
        return
    sign, number, space, unit, rest = match.groups()
    for one in _SMALL:
        if one < float(number):
            yield f"{sign}{one}{space}{unit}{rest}"


def _at(value: Any, path: Path) -> Any:
    for step in path:
        value = value[step]
    return value


def _with(value: Any, path: Path, new: Any) -> Any:
    """Return a copy of nested lists and objects with one value replaced."""
    if not path:
        return new
    copy: Any = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = _with(value[path[0]], path[1:], new)
    return copy
