"""The language beyond single files: schema, parameters, profiles, plans, tolerance."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from scenarios.cli.authoring import validate
from scenarios.loading import LIBRARY, ScenarioError, library, load, load_profile, read
from scenarios.models.lab import LabPlan
from scenarios.models.scenario import Tolerance
from scenarios.planning import planned
from scenarios.schema import MODELINE, SCHEMA, rendered
from scenarios.settings import Settings, pairs
from scenarios.tolerance import tolerated
from scenarios.units import (
    parse_interval,
    parse_place,
    parse_rate,
    parse_shift,
    parse_size,
    parse_span,
    render_interval,
    render_place,
    render_rate,
    render_shift,
    render_size,
    render_span,
)
from scenarios.verdict import Judgement, Verdict

TEXT = (LIBRARY / "transfer" / "line-silent.yaml").read_text()
PROFILE = """
customer: Müller & Söhne
version: 8.1.2.9
users: 40
phone models: [snom D385, Yealink T54W]
schedule: {every: 1 week, first at: 2025-01-20 23:30}
objectives: {rto: 5 min, rpo: 1 day}
"""


def changed(old: str, new: str) -> str:
    assert old in TEXT
    return TEXT.replace(old, new, 1)


def test_the_committed_schema_is_that_of_the_language() -> None:
    assert SCHEMA.read_text() == rendered()


@pytest.mark.parametrize("name", sorted(library()))
def test_every_scenario_of_the_library_refers_to_the_schema(name: str) -> None:
    assert library()[name].read_text().startswith(f"{MODELINE}\n")


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("for: 3 s on the stopwatch", "for: 3 s", "by which clock"),
        ("drop: {", "dorp: {", "did you mean `drop`?"),
        ("after: 60 %", "after: 60", "in percent"),
        ("      into: pbx2", "      on: pbx2", "`on` and `event`, or `into` and `after`"),
        ("  - run now: pbx1", "  - heal: stall", "makes the fault `stall`"),
        ("  - run now: pbx1", "  - run now: pbx3", "`pbx1` or `pbx2`"),
        ("add: user, as: carried", "add: user", "named, by `as`"),
        (
            "  - run now: pbx1",
            "  - expect: {on: pbx1, event: run.sucess, within: 1 h}",
            "did you mean `run.succeeded`?",
        ),
        ("first in: 2 min", "first in: 2 min, first at: 2025-01-01 02:30", "either `first in`"),
        ("every: 1 day", "every: 1 fortnight", "min, h, day, week or month"),
        ("start: initialised", "start: initialized", "`initialised`"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_its_line(old: str, new: str, words: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        read(changed(old, new), "my.yaml")

    told = f"{caught.value.message}; {caught.value.remedy}"
    line = next(number for number, one in enumerate(TEXT.splitlines(), 1) if old.strip() in one)
    assert words in told
    assert abs(int(told.split(":")[1]) - line) <= 2, told


def test_a_state_to_start_from_is_built_by_steps_before_the_first_one() -> None:
    text = changed("start: initialised", "start: failed-over")
    scenario = read(text.replace("steps:\n", "steps:\n  - power on: pbx1\n", 1), "my.yaml")

    told, own = planned(scenario)["steps"], len(scenario.steps)

    assert told[0] == "initialise pbx2"
    assert "power off pbx1" in told[:-own]
    assert told[-own:] == ["power on pbx1", *planned(read(TEXT, "x"))["steps"][-(own - 1) :]]


def test_parameters_change_the_lab_and_win_over_the_profile(tmp_path: Path) -> None:
    path = tmp_path / "mueller.yaml"
    path.write_text(PROFILE)
    settings = Settings(
        load_profile(path).settings(), pairs(["users=500", "module.stall-limit=4 s", "rto=1 h"])
    )

    scenario = read(TEXT, "my.yaml", settings)

    assert scenario.lab.users == 500
    assert scenario.lab.module.stall_limit == timedelta(seconds=4)
    assert scenario.lab.version == "8.1.2.9"
    assert scenario.lab.phone_models == ("snom D385", "Yealink T54W")
    assert scenario.lab.schedule.first_at == datetime(2025, 1, 20, 23, 30)
    assert scenario.objectives.rto == timedelta(hours=1)
    assert scenario.objectives.rpo == timedelta(days=1)


def test_a_profile_error_names_its_line(tmp_path: Path) -> None:
    path = tmp_path / "mueller.yaml"
    path.write_text(PROFILE.replace("version: 8.1.2.9", "version: 8.1"))

    with pytest.raises(ScenarioError, match=r"mueller\.yaml:3: version"):
        load_profile(path)


@pytest.mark.parametrize("text", ["users", "=5", "usres=5", "users=["])
def test_a_parameter_that_means_nothing_is_refused(text: str) -> None:
    with pytest.raises((ScenarioError, ValueError)):
        read(TEXT, "my.yaml", Settings({}, pairs([text])))


def test_validate_tells_of_each_file_and_fails_if_one_is_broken(tmp_path: Path) -> None:
    good, bad = tmp_path / "good.yaml", tmp_path / "bad.yaml"
    good.write_text(TEXT)
    bad.write_text(changed("users: 3", "users: 0"))

    done = CliRunner().invoke(validate, [str(good), str(bad)])

    assert done.exit_code == 2
    assert f"{good}: valid" in done.output
    assert f"{bad}:7: lab.users" in done.output


def test_validate_writes_the_schema() -> None:
    done = CliRunner().invoke(validate, ["--schema"])

    assert json.loads(done.output)["title"] == "Scenario"


@pytest.mark.parametrize(
    ("text", "parse", "render"),
    [
        ("2 month", parse_interval, render_interval),
        ("20 min on the calendar", parse_span, render_span),
        ("+3 h", parse_shift, render_shift),
        ("-90 min", parse_shift, render_shift),
        ("100 kB", parse_size, render_size),
        ("200 kB/s", parse_rate, render_rate),
        ("first byte", parse_place, render_place),
        ("last byte", parse_place, render_place),
        ("60 %", parse_place, render_place),
    ],
)
def test_quantities_are_written_as_they_are_read(text: str, parse, render) -> None:
    assert render(parse(text)) == text


def test_the_first_slot_is_a_whole_minute_of_the_wall_clock() -> None:
    plan = LabPlan.model_validate(
        {"schedule": {"every": "1 day", "first in": "90 s"}, "zone": "Europe/Berlin"}
    )

    first = plan.schedule.first_slot(datetime.fromisoformat("2025-01-14T08:00:00+00:00"), plan.zone)

    assert first == datetime(2025, 1, 14, 9, 2)


TOLERANCE = Tolerance.model_validate(
    {"invariant": "one-holder", "lasting at most": "15 s", "because": "the drill is about it"}
)


@pytest.mark.parametrize(
    ("evidence", "extent_s", "verdict"),
    [
        (("one",), 14.0, Verdict.PASSED),
        (("one",), 16.0, Verdict.FAILED),
        (("one",), None, Verdict.FAILED),
        (("one", "two"), 1.0, Verdict.FAILED),
    ],
)
def test_a_violation_is_tolerated_within_its_bound_alone(
    evidence: tuple[str, ...], extent_s: float | None, verdict: Verdict
) -> None:
    weighed = tolerated(TOLERANCE, Judgement(Verdict.FAILED, evidence, extent_s))

    assert weighed.verdict is verdict
    assert all(any(one in line for line in weighed.evidence) for one in evidence)


def test_what_is_tolerated_says_why() -> None:
    weighed = tolerated(TOLERANCE, Judgement(Verdict.FAILED, ("held twice",), 1.0))

    assert weighed.evidence == ("tolerated, because the drill is about it: held twice",)


def test_the_foreign_device_of_the_library_is_tolerated() -> None:
    assert [one.invariant for one in load(library()["foreign-device"]).tolerate] == ["one-holder"]
