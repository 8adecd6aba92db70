"""Planted bugs: what keeps one from proving anything, and a few of the project's own."""

from __future__ import annotations

import io
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from rich.console import Console

from tools import requirements, trial
from tools.planted import Bug, PlantedError, catalogue, misfits, plant

ROOT = Path(requirements.__file__).resolve().parent.parent
TEST = "tests/test_it.py::test_one"
PROGRAM = "ANSWER = 42\n"
TESTS = """
from redundancy.it import ANSWER
def test_one(): assert ANSWER == 42
def test_other(): assert ANSWER
"""


def bug(**changes: object) -> Bug:
    values = {
        "id": "other-answer", "title": "The answer is another one", "violates": ["R1"],
        "file": "redundancy/it.py", "find": "42", "replace": "43", "caught by": [TEST],
    }  # fmt: skip
    return Bug.model_validate({**values, **changes})


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    root = tmp_path / "checkout"
    for folder in (*trial.COPIED[:3], "tests", "tools", "docs"):
        (root / folder).mkdir(parents=True)
        (root / folder / "__init__.py").touch()
    (root / "tests" / "__init__.py").unlink()
    for file in ("README.md", "Makefile"):
        (root / file).touch()
    (root / "pyproject.toml").write_text('[tool.pytest.ini_options]\npythonpath = ["."]\n')
    (root / "redundancy" / "it.py").write_text(PROGRAM)
    (root / "tests" / "test_it.py").write_text(TESTS)
    return root


@pytest.mark.parametrize(
    ("changes", "covering", "why"),
    [
        ({}, {}, "none of its tests cites R1"),
        ({"find": "41"}, {"R1": [TEST]}, "stands 0 times"),
        ({"find": "A"}, {"R1": [TEST]}, "stands 0 times"),
        ({"replace": "42"}, {"R1": [TEST]}, "changes nothing"),
        ({"file": "redundancy/gone.py"}, {"R1": [TEST]}, "there is no file"),
        ({"violates": ["X1"]}, {"R1": [TEST]}, "X1 is no number"),
        ({"caught by": ["tests/x.py::y", TEST]}, {"R1": [TEST]}, "there is no such test"),
    ],
)
def test_a_bug_that_proves_nothing_is_told(
    checkout: Path, changes: dict[str, object], covering: Mapping[str, Sequence[str]], why: str
) -> None:
    (checkout / "redundancy" / "it.py").write_text("answer = 42\n")
    told = list(misfits(checkout, [bug(**changes)], covering))
    assert any(why in one for one in told), told


def test_a_text_that_stands_twice_is_refused(checkout: Path, tmp_path: Path) -> None:
    with pytest.raises(PlantedError, match="stands 2 times"):
        plant(bug(find="4"), _with(checkout, "x = 44\n"), tmp_path / "copy", ["redundancy"])
    assert not (tmp_path / "copy").exists()


def test_a_build_of_the_module_has_the_bug_and_the_checkout_stays(
    checkout: Path, tmp_path: Path
) -> None:
    plant(bug(), checkout, tmp_path / "copy", ["redundancy"])
    assert (tmp_path / "copy" / "redundancy" / "it.py").read_text() == "ANSWER = 43\n"
    assert (checkout / "redundancy" / "it.py").read_text() == PROGRAM


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{}", "must be a list"),
        ("- id: [", "not YAML"),
        ("- {id: a, find: b}", "a: .*Field required"),
        ("- 1", "bug 1"),
    ],
)
def test_a_catalogue_that_cannot_be_read_names_file_and_bug(
    checkout: Path, text: str, why: str
) -> None:
    (checkout / "tests" / "planted").mkdir()
    (checkout / "tests" / "planted" / "x.yaml").write_text(text)
    with pytest.raises(PlantedError, match=rf"(?s)x\.yaml: .*{why}"):
        catalogue(checkout)


def test_two_bugs_of_one_name_are_refused(checkout: Path) -> None:
    (checkout / "tests" / "planted").mkdir()
    row = bug().model_dump_json(by_alias=True)
    (checkout / "tests" / "planted" / "x.yaml").write_text(f"- {row}\n- {row}\n")
    with pytest.raises(PlantedError, match="two bugs other-answer"):
        catalogue(checkout)


def test_a_trial_tells_noticed_from_unnoticed_and_from_what_cannot_be_run(
    checkout: Path,
) -> None:
    noticed = bug()
    missed = bug(id="unnoticed", **{"caught by": [TEST, "tests/test_it.py::test_other"]})
    broken = bug(id="broken", find="ANSWER = 42", replace="ANSWER =")
    found = trial.trials(checkout, [noticed, missed, broken])
    assert found["other-answer"].unnoticed(noticed) == ""
    assert found["unnoticed"].unnoticed(missed).endswith("by tests/test_it.py::test_other")
    assert "pytest could not run" in found["broken"].unnoticed(broken)


def test_progress_is_a_line_for_each_bug_where_there_is_no_terminal() -> None:
    written = io.StringIO()
    with trial.progress(Console(file=written), "bugs", 2) as tell:
        tell("some-bug")
        assert written.getvalue() == "bugs: 1/2 some-bug\n"
        tell("other-[bug]")
    assert written.getvalue().splitlines()[1:] == ["bugs: 2/2 other-[bug]"]


def test_progress_is_a_bar_that_goes_away_on_a_terminal() -> None:
    written = io.StringIO()
    with trial.progress(Console(file=written, force_terminal=True), "bugs", 2) as tell:
        tell("some-bug")
    assert "1/2" in written.getvalue()
    assert "bugs: 1/2" not in written.getvalue()


def test_other_bugs_take_their_turn_when_anything_changes(checkout: Path) -> None:
    bugs = [bug(id=f"bug-{one}") for one in range(40)]
    first = trial.few(bugs, 5, checkout)
    assert trial.few(bugs, 5, checkout) == first
    assert trial.few(bugs, 5, _with(checkout, "ANSWER = 44\n")) != first


def test_every_bug_of_the_project_applies_and_is_cited() -> None:
    cited: dict[str, list[str]] = defaultdict(list)
    for one in requirements.citations(ROOT):
        cited[one.number].append(one.place)
    bugs = catalogue(ROOT)
    assert list(misfits(ROOT, bugs, cited)) == []
    violated = {number for one in bugs for number in one.violates}
    listed = requirements.requirements((ROOT / "docs" / "requirements.md").read_text())
    assert [one.number for one in listed if not one.prose and one.number not in violated] == []


def test_a_few_of_the_projects_bugs_are_noticed_each_time_others() -> None:
    chosen = trial.few(catalogue(ROOT), 8, ROOT)
    found = trial.trials(ROOT, chosen)
    assert [said for one in chosen if (said := found[one.id].unnoticed(one))] == []


def _with(checkout: Path, program: str) -> Path:
    (checkout / "redundancy" / "it.py").write_text(program)
    return checkout
