"""A campaign repeats nothing, loses nothing, and files each cause of failure once, small."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from scenarios.checkers import CHECKERS
from scenarios.record import Record
from scenarios.seeded import trying
from scenarios.seeded.apart import Processes
from scenarios.seeded.campaign import Tally, Terms, campaign, file_failures
from scenarios.seeded.drawing import draw
from scenarios.seeded.plans import load_plan, scenario_of
from scenarios.seeded.reach import RARE, reached
from scenarios.seeded.store import Store
from scenarios.seeded.trying import Failure, Tried, general, try_out
from scenarios.verdict import Judgement, failed, passed

COMMAND = (
    "from scenarios.cli import main; import sys; sys.argv[0] = 'standby-lab'; main()",
    "campaign",
)


def terms(*seeds: int, **more: Any) -> Terms:
    return Terms(seeds=seeds, profile="calm", commit="abc", jobs=2, **more)


def told(_tally: Tally) -> None:
    """Nobody listens."""


def test_a_killed_campaign_goes_on_where_it_was(tmp_path: Path) -> None:
    options = ["--seeds", "1..4", "--profile", "calm", "-j", "1", "--runs", str(tmp_path)]
    argv = [sys.executable, "-c", *COMMAND, *options, "--format", "json"]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, process_group=0) as process:
        store = tmp_path / "campaign.jsonl"
        while process.poll() is None and not (store.is_file() and store.read_bytes()):
            os.sched_yield()
        os.killpg(process.pid, signal.SIGKILL)
    before = [one.seed for one in Store(store).lines()]

    done = subprocess.run(argv, capture_output=True, text=True, check=False)

    said = json.loads(done.stdout)
    assert 1 <= len(before) < 4
    assert said["fresh"] == 4 - len(before)
    assert said["verdicts"] == {"passed": 4}
    assert sorted(one.seed for one in Store(store).lines()) == [1, 2, 3, 4]
    assert done.returncode == 0


def test_shards_share_the_seeds_and_time_ends_a_campaign(tmp_path: Path) -> None:
    store = Store(tmp_path / "store.jsonl")

    tally = campaign(terms(1, 2, 3, enough=lambda: True), store, told)

    assert tally.lines == {}
    assert list(store.lines()) == []


def test_a_process_that_somebody_ends_says_nothing_about_its_drill() -> None:
    heard: list[Tried | None] = []
    processes = Processes(1, "abc", lambda _key, tried: heard.append(tried))

    processes.begin("1", draw(1, "calm", "abc"))
    for branch in processes._branches._running.values():
        os.kill(branch.pid, signal.SIGKILL)
    processes.wait()

    assert heard == [None]


def test_a_plan_that_the_language_refuses_is_a_failure_of_its_own() -> None:
    heard: list[Tried | None] = []
    processes = Processes(1, "abc", lambda _key, tried: heard.append(tried))

    processes.begin("1", {**draw(1, "calm", "abc"), "steps": [{"heal": "nothing"}]})
    processes.wait()

    assert heard[0] is not None
    assert heard[0].verdict == "broken"
    assert heard[0].failures[0].invariant == "the-plan"


@pytest.fixture
def strict(monkeypatch: pytest.MonkeyPatch) -> None:
    """A checker more, which no drill with a wait of 2 s and a look at the page passes."""

    def check(record: Record) -> Judgement:
        clicked = any(record.select("engine", "switchover.asked"))
        return failed(f"{len(record.events)} events") if clicked else passed("no click")

    monkeypatch.setattr(trying, "_CHECKERS", {**trying._CHECKERS, "no-click": check})


def clicking() -> int:
    """The first calm seed whose plan has a click."""
    return next(
        seed
        for seed in range(200)
        if any("switch over" in step for step in draw(seed, "calm", "abc")["steps"])
    )


@pytest.mark.usefixtures("strict")
def test_a_failure_is_shrunk_to_a_handful_of_steps_and_filed_by_its_cause(tmp_path: Path) -> None:
    seed = clicking()
    wanted = terms(seed)
    tally = campaign(wanted, Store(tmp_path / "store.jsonl"), told)

    filed = dict(file_failures(tally, wanted, tmp_path, lambda _name, _tries, _steps: None))

    assert list(filed) == [Failure("no-click", "# events")]
    path = filed[Failure("no-click", "# events")]
    scenario = load_plan(path)
    assert len(scenario.steps) <= 2
    assert scenario.title == "no-click: # events"
    assert Failure("no-click", "# events") in try_out(scenario, "abc").failures
    about = json.loads((path.parent / "failure.json").read_text())
    assert about["seeds"] == [seed]
    again = dict(file_failures(tally, wanted, tmp_path, _never))
    assert again == filed


def _never(name: str, tries: int, steps: int) -> None:
    raise AssertionError(f"{name} was shrunk again")


def test_a_cause_is_the_same_whatever_numbers_and_addresses_it_names() -> None:
    one = general("02:d1:17:6e:c0:eb held 198.18.0.10 for 2.893 s, <ab12@redundanz.standby>")
    other = general("02:aa:17:6e:c0:00 held 198.18.0.20 for 11 s, <cd34@redundanz.standby>")

    assert one == other == "# held # for # s, #"


def test_the_same_plan_gives_the_same_trace_in_another_process() -> None:
    plan = draw(clicking(), "calm", "abc")
    heard: list[Tried | None] = []
    processes = Processes(2, "abc", lambda _key, tried: heard.append(tried))

    processes.begin("1", plan)
    processes.begin("2", plan)
    processes.wait()

    assert heard[0] == heard[1]
    assert heard[0] is not None
    assert heard[0].trace_hash
    assert heard[0].verdict == "passed"


def test_rare_states_are_paths_that_events_went_in_this_order() -> None:
    scenario = scenario_of(
        {
            **draw(1, "calm", "abc"),
            "steps": [
                {"cut transfer": {"into": "pbx2", "after": "first byte", "count": 2}},
                {"run now": "pbx1"},
                {"advance to the next run": {"on": "pbx1", "within": "1 h"}},
            ],
            "lab": {
                "users": 1,
                "schedule": {"every": "1 day", "first in": "2 min"},
                "attempts max": 3,
            },
        }
    )
    tried = try_out(scenario, "abc")

    assert "a run succeeded at its last attempts after cuts" in tried.reached
    assert "a rollback went its whole way" not in tried.reached
    assert set(tried.reached) <= set(RARE)


def test_a_record_without_events_reached_nothing() -> None:
    assert list(reached(Record(plan=None, events=()))) == []  # type: ignore[arg-type]  # only events are asked for


def test_what_is_judged_in_memory_is_every_invariant_but_those_of_files() -> None:
    assert set(CHECKERS) - set(trying._CHECKERS) == {"evidence-intact", "history-is-complete"}
