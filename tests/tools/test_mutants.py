"""Planted bugs that drills must notice: what counts as noticed, and a few of the project's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools import mutants
from tools.mutants import Drilled
from tools.planted import Bug, catalogue, misfits

ROOT = Path(mutants.__file__).resolve().parent.parent


def bug(scenarios: dict[str, list[str]]) -> Bug:
    values = {
        "id": "other-answer", "title": "The answer is another one", "violates": ["R1"],
        "file": "redundancy/watch.py", "find": "PROBE_S = 0.25", "replace": "PROBE_S = 0.5",
        "caught by": ["tests/x.py::test_y"], "scenarios": scenarios,
    }  # fmt: skip
    return Bug.model_validate(values)


@pytest.mark.parametrize(
    ("drilled", "why"),
    [
        (Drilled({"failover": {"one-holder": "x", "no-secret": "y"}}), []),
        (Drilled({"failover": {}}), ["survives failover: one-holder did not fail"]),
        (Drilled({"failover": {"no-secret": "y"}}), ["one-holder did not fail"]),
        (Drilled(trouble="its drills hang"), ["its drills hang"]),
    ],
)
def test_a_bug_survives_where_an_invariant_that_it_names_holds(
    drilled: Drilled, why: list[str]
) -> None:
    said = list(drilled.unnoticed(bug({"failover": ["one-holder"]})))
    assert len(said) == len(why)
    assert all(one in line for one, line in zip(why, said, strict=True))


@pytest.mark.parametrize(
    ("scenarios", "why"),
    [
        ({"failovers": ["one-holder"]}, "there is no scenario failovers"),
        ({"failover": ["two-holders"]}, "there is no invariant two-holders"),
    ],
)
def test_a_bug_names_scenarios_and_invariants_that_there_are(
    scenarios: dict[str, list[str]], why: str
) -> None:
    assert any(why in one for one in misfits(ROOT, [bug(scenarios)], {}))


def test_a_build_that_is_none_of_a_module_is_told(tmp_path: Path) -> None:
    found = mutants.run(ROOT, ["failover"], tmp_path, ["--engine", str(tmp_path)])
    assert "no package `redundancy`" in found.trouble


def test_drills_notice_a_few_of_the_projects_bugs_each_time_others() -> None:
    chosen = mutants.few(catalogue(ROOT), 2, ROOT)
    found = mutants.drills(ROOT, chosen)
    assert [line for one in chosen for line in found[one.id].unnoticed(one)] == []
    assert all(one.id in "\n".join(mutants.table(chosen, found)) for one in chosen)
