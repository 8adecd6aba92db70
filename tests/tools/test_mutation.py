"""The mutation check: what a mutant is called, and what is wrong with survivors."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
import yaml

from tools import mutation
from tools.mutation import Mutant

MUTATED = """
def x__holds__mutmut_orig(one):
    told = one
    return one > 1

def x__holds__mutmut_1(one):
    told = None
    return one > 1

def xǁScheduleǁslot__mutmut_orig(self):
    return 1

def xǁScheduleǁslot__mutmut_1(self):
    return 2
"""
FUNCTIONS = {
    one.name: one for one in ast.walk(ast.parse(MUTATED)) if isinstance(one, ast.FunctionDef)
}


def mutants(killed: int, survived: int) -> list[Mutant]:
    return [
        *(Mutant("m", f"k{one}", "- a\n+ b", killed=True) for one in range(killed)),
        *(Mutant("m", f"s{one}", "- a\n+ b", killed=False) for one in range(survived)),
    ]


def explained(*functions: str) -> dict[tuple[str, str], str]:
    return {(f"m.{one}", "- a\n+ b"): "nobody can tell" for one in functions}


@pytest.mark.parametrize(
    ("code", "killed"),
    [(0, False), (None, False), (2, False), (5, False), (33, False), (1, True), (36, True)],
)
def test_a_mutant_is_known_by_its_function_and_its_change(code: int | None, killed: bool) -> None:  # noqa: FBT001 - a column of the table
    found = mutation.mutant("redundancy.run.x__holds__mutmut_1", code, FUNCTIONS)
    assert found == Mutant("redundancy.run", "_holds", "- told = one\n+ told = None", killed)
    assert found.place == ("redundancy.run._holds", "- told = one\n+ told = None")


def test_a_method_is_named_with_its_class() -> None:
    found = mutation.mutant("redundancy.schedule.xǁScheduleǁslot__mutmut_1", 1, FUNCTIONS)
    assert (found.function, found.change) == ("Schedule.slot", "- return 1\n+ return 2")


def test_explained_survivors_pass_while_nine_in_ten_are_noticed() -> None:
    assert mutation.verdict(mutants(9, 1), explained("s0")) == []


def test_a_survivor_without_an_explanation_fails() -> None:
    (wrong,) = mutation.verdict(mutants(19, 1), {})
    assert wrong == "survives without an explanation: m.s0\n- a\n+ b"


@pytest.mark.parametrize("name", ["k0", "gone"])
def test_an_explanation_of_no_survivor_is_noted_and_fails_nothing(name: str) -> None:
    told = explained("s0", name)
    assert mutation.verdict(mutants(9, 1), told) == []
    (note,) = mutation.stale(mutants(9, 1), told)
    assert note == f"note: explained, but no such mutant survives: m.{name}\n- a\n+ b"
    assert mutation.stale(mutants(9, 1), explained("s0")) == []


def test_too_many_survivors_fail_however_well_explained() -> None:
    (wrong,) = mutation.verdict(mutants(8, 1), explained("s0"))
    assert wrong == "88.9% are noticed, at least 90% must be"


def test_the_table_counts_by_module() -> None:
    assert mutation.table(mutants(3, 1))[1].split() == ["m", "4", "75.0%"]


@pytest.mark.parametrize(
    ("made", "status", "said"),
    [
        (mutants(9, 1), 0, "survivors with an explanation: 1"),
        (mutants(9, 0), 0, "note: explained, but no such mutant survives: m.s0"),
        (mutants(8, 1), 1, "88.9% are noticed"),
        (mutants(28, 2), 1, "survives without an explanation: m.s1"),
    ],
)
def test_the_check_passes_exactly_when_enough_is_noticed_and_each_survivor_is_explained(
    made: list[Mutant], status: int, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / mutation.EXPLAINED
    path.parent.mkdir(parents=True)
    row = {"function": "m.s0", "change": "- a\n+ b", "why": "nobody can tell"}
    path.write_text(yaml.safe_dump([row]))
    assert mutation.main(tmp_path, lambda _root: made) == status
    assert said in capsys.readouterr().out


def test_mutants_that_cannot_be_made_fail_with_the_last_lines(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(_root: Path) -> list[Mutant]:
        raise RuntimeError("mutmut ended with 1")

    assert mutation.main(tmp_path, broken) == 1
    assert capsys.readouterr().out == "mutmut ended with 1\n"


def test_every_explanation_of_the_project_has_a_function_a_change_and_a_reason() -> None:
    root = Path(mutation.__file__).resolve().parent.parent
    for (function, change), why in mutation.explanations(root / mutation.EXPLAINED).items():
        assert function.startswith("redundancy.")
        assert change[:1] in "+-"
        assert len(why) > 10
