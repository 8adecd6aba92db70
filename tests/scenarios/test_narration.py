"""What a person sees while a drill runs."""

from __future__ import annotations

import io
from collections.abc import Iterator
from itertools import count

import pytest
from rich.console import Console

from scenarios.narration import Lines, Live, Narrator


@pytest.fixture(params=["lines", "live"])
def told(request: pytest.FixtureRequest) -> Iterator[tuple[Narrator, io.StringIO]]:
    output = io.StringIO()
    seconds = count(0, 2)

    def clock() -> float:
        return float(next(seconds))

    if request.param == "lines":
        yield Lines(lambda line: print(line, file=output), clock), output
    else:
        yield Live(Console(file=output, force_terminal=True, width=100), clock), output


def test_a_step_shows_its_result_and_how_long_it_took(
    told: tuple[Narrator, io.StringIO],
) -> None:
    narrator, output = told

    with narrator.step("power off pbx1") as say:
        say("link gone")
        say("dark")

    (line,) = [one for one in output.getvalue().splitlines() if "2.00 s" in one]
    assert "power off pbx1" in line
    assert "dark" in line
    assert "✓" in line or "ok" in line


def test_a_step_that_fails_is_marked(told: tuple[Narrator, io.StringIO]) -> None:
    narrator, output = told

    with pytest.raises(RuntimeError), narrator.step("open tab pbx2"):
        raise RuntimeError

    (line,) = [one for one in output.getvalue().splitlines() if "2.00 s" in one]
    assert "✗" in line or "failed" in line


def test_phases_and_notes_are_lines(told: tuple[Narrator, io.StringIO]) -> None:
    narrator, output = told

    narrator.phase("steps")
    narrator.note("backend sim")

    text = output.getvalue()
    assert text.index("steps") < text.index("backend sim")


def test_no_color_is_honoured() -> None:
    output = io.StringIO()
    console = Console(file=output, force_terminal=True, no_color=True)

    Live(console, lambda: 0.0).note("backend sim")

    assert "\x1b[3" not in output.getvalue()


def test_brackets_are_told_as_they_are(told: tuple[Narrator, io.StringIO]) -> None:
    narrator, output = told

    narrator.note("[Errno 111] refused [/x]")
    with narrator.step("advance [a] to [/b]") as say:
        say("[late]")

    text = output.getvalue()
    assert "[Errno 111] refused [/x]" in text
    assert "advance [a] to [/b]" in text
    assert "[late]" in text
