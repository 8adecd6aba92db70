"""The table of requirements: what covers a number, and what makes it fail."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from tools import requirements
from tools.planted import Bug

LIST = "# List\n\n## Observable\n\n- R1 One.\n- D1 Two.\n\n## Prose\n\n- R2 Three.\n"
BUG = """
- id: one-wrong
  title: One is two
  violates: [{numbers}]
  file: redundancy/one.py
  find: {find}
  replace: two
  caught by: [tests/test_it.py::test_something]
"""
TEST = '''
import pytest

@pytest.mark.covers({numbers})
def test_something() -> None:
    """R9 in words counts nothing."""
'''


def content(_root: Path, _bugs: Sequence[Bug]) -> list[str]:
    """Find nothing wrong with any bug, without running one."""
    return []


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    for folder in ("docs", "tests/planted", "scenarios/library/x", "redundancy"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "docs" / "requirements.md").write_text(LIST)
    scenario = "id: x\ncovers: [R1,\n  T1]\nlab: {}\n"
    (tmp_path / "scenarios" / "library" / "x" / "night.yaml").write_text(scenario)
    (tmp_path / "redundancy" / "one.py").write_text("one = 1\n")
    plant(tmp_path, "R1, D1", "one")
    return tmp_path


def plant(checkout: Path, numbers: str, find: str) -> None:
    text = BUG.format(numbers=numbers, find=find)
    (checkout / "tests" / "planted" / "bugs.yaml").write_text(text)


def cite(checkout: Path, numbers: str) -> None:
    (checkout / "tests" / "test_it.py").write_text(TEST.format(numbers=numbers))


def test_a_line_that_somebody_cites_is_covered_and_names_who(
    checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cite(checkout, '"R1", "D1", "O3"')
    assert requirements.main(checkout, content) == 0
    printed = capsys.readouterr().out
    assert "tests/test_it.py::test_something" in printed
    assert "scenario night" in printed
    assert "bug one-wrong: One is two" in printed
    assert "2 covered, 0 gaps: none; 1 planted bugs" in printed


def test_a_gap_fails(checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert requirements.main(checkout, content) == 1
    printed = capsys.readouterr().out
    assert "GAP" in printed
    assert "1 gaps: D1" in printed


def test_a_number_that_nobody_knows_fails(
    checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cite(checkout, '"R1", "D1", "R77"')
    assert requirements.main(checkout, content) == 1
    assert "cites R77" in capsys.readouterr().out


def test_prose_needs_nobody_and_stands_apart(
    checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cite(checkout, '"R1", "D1"')
    assert requirements.main(checkout, content) == 0
    printed = capsys.readouterr().out
    assert printed.index("Three.") > printed.index("Prose")


def test_a_line_that_no_bug_violates_is_a_gap(
    checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cite(checkout, '"R1", "D1"')
    plant(checkout, "R1", "one")
    assert requirements.main(checkout, content) == 1
    printed = capsys.readouterr().out
    assert "GAP: no planted bug shows that a test can fail" in printed
    assert "1 gaps: D1" in printed


def test_a_bug_that_goes_unnoticed_fails(
    checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cite(checkout, '"R1", "D1"')
    assert requirements.main(checkout, lambda _root, _bugs: ["one-wrong is not noticed"]) == 1
    assert "one-wrong is not noticed" in capsys.readouterr().out


def test_a_bug_that_does_not_apply_fails_and_none_is_tried(
    checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cite(checkout, '"R1", "D1"')
    plant(checkout, "R1, D1", "three")

    def untouched(_root: Path, _bugs: Sequence[Bug]) -> list[str]:
        raise AssertionError

    assert requirements.main(checkout, untouched) == 1
    assert "its text stands 0 times in redundancy/one.py" in capsys.readouterr().out


def test_the_projects_own_list_is_complete_and_every_citation_known() -> None:
    root = Path(requirements.__file__).resolve().parent.parent
    listed = requirements.requirements((root / "docs" / "requirements.md").read_text())
    numbers = [one.number for one in listed]
    assert numbers == [*(f"R{one}" for one in range(1, 59)), *(f"D{one}" for one in range(1, 20))]
    cited = {one.number for one in requirements.citations(root)}
    assert {one for one in cited if one[0] in "RD"} <= set(numbers)
