"""The table of requirements: what covers a number, and what makes it fail."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools import requirements

LIST = "# List\n\n## Observable\n\n- R1 One.\n- D1 Two.\n\n## Prose\n\n- R2 Three.\n"
TEST = '''
import pytest

@pytest.mark.covers({numbers})
def test_something() -> None:
    """R9 in words counts nothing."""
'''


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    for folder in ("docs", "tests", "scenarios/library/x"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "docs" / "requirements.md").write_text(LIST)
    scenario = "id: x\ncovers: [R1,\n  T1]\nlab: {}\n"
    (tmp_path / "scenarios" / "library" / "x" / "night.yaml").write_text(scenario)
    return tmp_path


def cite(checkout: Path, numbers: str) -> None:
    (checkout / "tests" / "test_it.py").write_text(TEST.format(numbers=numbers))


def test_a_line_that_somebody_cites_is_covered_and_names_who(
    checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cite(checkout, '"D1", "O3"')
    assert requirements.main(checkout) == 0
    printed = capsys.readouterr().out
    assert "tests/test_it.py::test_something" in printed
    assert "scenario night" in printed
    assert "2 covered, 0 gaps: none" in printed


def test_a_gap_fails(checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert requirements.main(checkout) == 1
    printed = capsys.readouterr().out
    assert "GAP" in printed
    assert "1 gaps: D1" in printed


def test_a_number_that_nobody_knows_fails(
    checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cite(checkout, '"D1", "R77"')
    assert requirements.main(checkout) == 1
    assert "cites R77" in capsys.readouterr().out


def test_prose_needs_nobody_and_stands_apart(
    checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cite(checkout, '"D1"')
    assert requirements.main(checkout) == 0
    printed = capsys.readouterr().out
    assert printed.index("Three.") > printed.index("Prose")


def test_the_projects_own_list_is_complete_and_every_citation_known() -> None:
    root = Path(requirements.__file__).resolve().parent.parent
    listed = requirements.requirements((root / "docs" / "requirements.md").read_text())
    numbers = [one.number for one in listed]
    assert numbers == [*(f"R{one}" for one in range(1, 59)), *(f"D{one}" for one in range(1, 20))]
    cited = {one.number for one in requirements.citations(root)}
    assert {one for one in cited if one[0] in "RD"} <= set(numbers)
