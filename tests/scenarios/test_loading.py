"""Scenario files: what is wrong, on which line, and what to do."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from scenarios.loading import LIBRARY, ScenarioError, find, library, load, read
from scenarios.models.scenario import Scenario
from scenarios.units import parse_duration, parse_fraction, render_duration

TEXT = (LIBRARY / "failover" / "failover.yaml").read_text()


@pytest.mark.parametrize("name", sorted(library()))
def test_every_scenario_of_the_library_survives_a_round_trip(name: str) -> None:
    scenario = load(library()[name])

    stored = scenario.model_dump(mode="json", by_alias=True, exclude_defaults=True)

    assert Scenario.model_validate(stored) == scenario


@pytest.mark.parametrize(
    ("old", "new", "line", "words"),
    [
        ("power off: pbx1", "pwoer off: pbx1", 19, "did you mean `power off`?"),
        ("within: 1 h", "within: 1", 17, "a duration needs a number and a unit"),
        ("users: 12", "usres: 12", 8, "did you mean `users`?"),
        ("as: doomed", "as: carried", 18, "two changes are named `carried`"),
        ("initialise: pbx2", "initialise: pbx3", 15, "`pbx1` or `pbx2`"),
        ("changes: [doomed]", "changes: [domed]", 31, "did you mean `doomed`?"),
        ("title:", "titel:", 2, "did you mean `title`?"),
        ("title: The active dies, and an administrator", "#", 1, "`title` is missing"),
        ("  phones: 1", "  users: 1", 9, "`users` stands here twice"),
        ("- wait: 5 s", "- wait: 5 s\n    open tab: pbx2", 21, "one verb"),
        ("zone: Europe/Berlin", "zone: Europe/Bonn", 10, "there is no time zone"),
        ("steps:", "steps: [", 15, "correct the YAML"),
        ("- answers: {", "- replies: {", 26, "is no verb of the language"),
        ("[R3,", "[X3,", 3, "`X3` is no number of a requirement"),
        ("within: 1 h", "within: 99999999999999999 day", 17, "is longer than 520 week"),
        ("users: 12", "users: 99999999999999999999", 8, "must be at most 1000"),
        ("users: 12", "users: some", 8, "`some` must be a whole number"),
        ("id: failover", "id: Fail Over", 2, "small letters, digits and hyphens"),
        ("  users: 12", "\tusers: 12", 8, "indent with spaces"),
        ("steps:", "---\nsteps:", 14, "one file holds one scenario"),
        ("- wait: 5 s", "- heal: quiet", 21, "makes the fault `quiet`; there is none so far"),
        ("- wait: 5 s", "- await faults: 5 s", 21, "sets up a fault for a moment; add `when`"),
        ("- wait: 5 s", "- plug in: pbx1", 21, "add `unplug: pbx1`"),
        ("- wait: 5 s", "- thaw: pbx1", 21, "add `freeze: pbx1`"),
        ("- wait: 5 s", "- swap disk: {of: pbx2, to: x}", 21, "makes the disk copy `x of pbx2`"),
        ("- wait: 5 s", "- restore: {on: pbx1}", 21, "there is no backup that could be restored"),
        ("- open tab: pbx2", "- wait: 1 s", 22, "add `open tab`, by the same person"),
        ("- wait: 5 s", "- part lan: {off: [pbx7]}", 21, "no station `pbx7` on this LAN"),
        ("by: phone1", "by: phone9", 28, "did you mean `phone1`?"),
        (
            "- present: {on: pbx2, changes: [carried]}",
            "- tidy: {on: pbx2, at: done}",
            30,
            "makes the look `done at pbx2`",
        ),
        (
            "expect:",
            "tolerate:\n  - {invariant: one-holdr, because: it is the point}\nexpect:",
            25,
            "did you mean `one-holder`?",
        ),
        (
            "- present: {on: pbx2, changes: [carried]}",
            "- in order: {on: pbx1, events: [run.startd, run.failed]}",
            30,
            "did you mean `run.started`?",
        ),
        ("- wait: 5 s", "- cut transfer: {into: pbx2, after: 260 %}", 21, "at most `100 %`"),
        ("within: 1 h", "within: 0 min", 17, "nothing can come in no time; as in `5 min`"),
        ("- wait: 5 s", "- power off: pbx1", 21, "pbx1 is off at this step; add `power on: pbx1`"),
        ("- wait: 5 s", "- run now: pbx1", 21, "pbx1 is off at this step; add `power on: pbx1`"),
        ("- wait: 5 s", "- kill: {node: pbx1, back in: 1 s}", 21, "pbx1 is off at this step"),
    ],
)
def test_an_error_names_file_line_cause_and_remedy(
    old: str, new: str, line: int, words: str
) -> None:
    with pytest.raises(ScenarioError) as caught:
        read(TEXT.replace(old, new, 1), "my.yaml")

    told = f"{caught.value.message}; {caught.value.remedy}"
    assert words in told
    assert told.startswith("my.yaml:")
    assert abs(int(told.split(":")[1]) - line) <= 1, told
    assert "\n" not in told


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("- 1", "it has no keys"),
        ("just words", "it has no keys"),
        ("[" * 5000, "nested deeper than 30 levels"),
        ("id: &a [*a]", "nested deeper than 30 levels"),
        (
            "".join(
                f"k{n}: &k{n} [{','.join([f'*k{n - 1}' if n else 'x'] * 9)}]\n" for n in range(9)
            ),
            "more than 10000 parts",
        ),
    ],
)
def test_a_text_without_end_or_keys_is_refused_at_once(text: str, words: str) -> None:
    with pytest.raises(ScenarioError, match=words):
        read(text, "my.yaml")


@pytest.mark.parametrize("text", ["", "a: [", "- 1", "\tx", "just words"])
def test_a_text_that_is_no_scenario_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        read(text, "my.yaml")

    assert caught.value.message.startswith("my.yaml:")


@pytest.mark.parametrize(
    "steps",
    [
        "- power on: pbx1\n  - power off: pbx1",
        "- when: {on: pbx2, event: run.started, do: {power off: pbx2}}\n  - run now: pbx2",
    ],
)
def test_a_box_that_may_have_power_may_be_acted_on(steps: str) -> None:
    assert read(TEXT.replace("- wait: 5 s", steps, 1), "my.yaml")


def test_a_drill_that_explores_passes_over_a_box_without_power() -> None:
    text = TEXT.replace("- wait: 5 s", "- power off: pbx1", 1)

    assert read(f"manner: exploring\n{text}", "my.yaml")


def test_an_unknown_scenario_names_the_closest_one() -> None:
    with pytest.raises(ScenarioError) as caught:
        find("failver")

    assert "did you mean `failover`?" in caught.value.remedy


def test_a_missing_file_is_named() -> None:
    with pytest.raises(ScenarioError, match=r"\./no\.yaml: there is no such file"):
        find("./no.yaml")


def test_a_binary_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_bytes(b"\xff\xfe\x00")

    with pytest.raises(ScenarioError, match="not UTF-8"):
        load(path)


def test_words_that_look_like_booleans_stay_words() -> None:
    scenario = read(TEXT.replace("as: doomed", "as: no").replace("[doomed]", "[no]"), "my.yaml")

    assert scenario.steps[3].model_dump(by_alias=True)["change"]["as"] == "no"


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("5 min", 300), ("90 s", 90), ("1 day", 86400), ("250 ms", 0.25), ("1.5 h", 5400)],
)
def test_durations_carry_their_unit(text: str, seconds: float) -> None:
    value = parse_duration(text)

    assert value == timedelta(seconds=seconds)
    assert parse_duration(render_duration(value)) == value


@pytest.mark.parametrize("text", ["5", "min", "5 minutes", "-5 s", "", "5 s s"])
def test_a_duration_without_a_unit_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="number and a unit"):
        parse_duration(text)


def test_a_part_is_written_in_percent() -> None:
    assert parse_fraction("60 %") == pytest.approx(0.6)
    with pytest.raises(ValueError, match="in percent"):
        parse_fraction("0.6")
