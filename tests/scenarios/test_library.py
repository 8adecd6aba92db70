"""The library's scenarios on every backend, and what tells the backends apart."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from subprocess import DEVNULL
from typing import Any

import pytest
from drills import Maker, altering, of_library, order

from emulator.sim.machine import SimMachine
from scenarios.checkers import CHECKERS
from scenarios.coverage.mapping import cover, run_folders
from scenarios.evidence import load
from scenarios.fidelity import compare_outcomes
from scenarios.loading import library
from scenarios.making import Workshop
from scenarios.narration import Silence
from scenarios.places import NewPlaces
from scenarios.runner import Outcome, judged, run
from scenarios.verdict import Verdict
from tools.rotation import few

SCENARIOS = sorted(library())
ROOT = Path(__file__).parents[2]
# `make fidelity` takes all of them to all backends; here these, and another few in turn.
CORE = ["failover", "rollback", "transfer-cut"]
SLOW = {name for name, path in library().items() if path.parent.name == "slow"}
COVERED_PERCENT = 30  # of the coverage map; never less than a release before
REAL = [*CORE, *few([one for one in SCENARIOS if one not in {*CORE, *SLOW}], 4, ROOT)]


def explained(outcome: Outcome) -> dict[str, tuple[str, ...]]:
    return {
        name: one.evidence
        for name, one in outcome.judgements.items()
        if one.verdict in {Verdict.FAILED, Verdict.INCONCLUSIVE}
    }


@pytest.fixture(scope="session")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where simulated runs of the library lie, whichever worker has made them."""
    own = tmp_path_factory.getbasetemp()
    return (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "simulated"


@pytest.mark.parametrize("name", SCENARIOS)
def test_the_scenario_passes_in_simulation_the_same_to_the_byte_each_time(
    name: str, simulated: Path, tmp_path: Path
) -> None:
    one, two = simulated / name / "one", tmp_path / "two"
    outcome = run(order(of_library(name), one), Silence())

    assert outcome.verdict is Verdict.PASSED, explained(outcome)
    run(order(of_library(name), two), Silence())
    for file in ("events.jsonl", "wire.pcap", "clients.json", "mails/index.json"):
        assert (one / file).read_bytes() == (two / file).read_bytes()


@pytest.mark.netns
@pytest.mark.parametrize("name", REAL)
def test_the_scenario_passes_in_namespaces_with_the_trace_of_the_simulation(
    name: str, tmp_path: Path
) -> None:
    compare_with_simulation("netns", name, tmp_path)


@pytest.mark.docker
@pytest.mark.parametrize("name", CORE)
def test_the_scenario_passes_on_docker_with_the_trace_of_the_simulation(
    name: str, tmp_path: Path
) -> None:
    compare_with_simulation("docker", name, tmp_path)


def compare_with_simulation(backend: str, name: str, folder: Path) -> None:
    workshop = Workshop(folder, Silence(), NewPlaces(Silence()))
    outcomes = {one: workshop.run(of_library(name), one, seed=1) for one in (backend, "sim")}

    comparison = compare_outcomes(name, outcomes)

    assert comparison.alike, (comparison.report(), explained(outcomes[backend]))


def test_a_difference_planted_in_the_simulation_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scenario = of_library("transfer-cut")
    sound = run(order(scenario, tmp_path / "sound"), Silence())
    emit = SimMachine.emit

    def planted(
        machine: SimMachine, source: str, event: str, cause: str, detail: Mapping[str, Any]
    ) -> None:
        emit(machine, source, event, "stalled" if event == "run.waiting" else cause, detail)

    monkeypatch.setattr(SimMachine, "emit", planted)
    outcomes = {"sim": sound, "planted": run(order(scenario, tmp_path / "planted"), Silence())}
    comparison = compare_outcomes(scenario.id, outcomes)

    assert not comparison.alike
    assert outcomes["planted"].verdict is Verdict.PASSED, "only the comparison can tell"
    (line,) = comparison.report()
    assert "pbx1/engine" in line
    assert "run.waiting (stalled)" in line


def test_a_failover_names_its_outage_and_its_loss(tmp_path: Path) -> None:
    outcome = run(order(of_library("failover"), tmp_path / "run"), Silence())

    assert outcome.outage is not None
    assert outcome.outage.takeover_s is not None
    assert 0 < outcome.outage.takeover_s < 1
    assert [name for name, _ in outcome.outage.phases()] == [
        "noticed",
        "decided",
        "checked and claimed",
        "announced",
        "first client back",
        "last client back",
    ]
    assert outcome.lost == ("doomed",)


def test_a_stored_failover_is_judged_again_without_a_lab(tmp_path: Path) -> None:
    outcome = run(order(of_library("failover"), tmp_path / "run"), Silence())

    again = judged(tmp_path / "run", Silence())

    assert again.verdict is outcome.verdict
    assert again.trace_hash == outcome.trace_hash


def test_a_checker_catches_what_is_planted_into_a_stored_run(tmp_path: Path) -> None:
    planted = Maker(altering("switchover.asked", detail={"by": ""}))

    outcome = run(order(of_library("failover"), tmp_path / "run", planted), Silence())

    assert outcome.judgements["claim-needs-click"].verdict is Verdict.FAILED


def test_the_evidence_of_a_failover_is_complete(tmp_path: Path) -> None:
    run(order(of_library("failover"), tmp_path / "run"), Silence())

    names = {str(path.relative_to(tmp_path / "run")) for path in (tmp_path / "run").rglob("*")}
    assert {"plan.yaml", "events.jsonl", "wire.pcap", "summary.json", "scan.json"} <= names
    assert {"nodes/pbx2/events.jsonl", "mails/0001.eml"} <= names
    assert load(tmp_path / "run").scan is not None


def test_the_library_exercises_faults_in_the_states_of_the_engine(
    simulated: Path, tmp_path: Path
) -> None:
    stored = [one for one in run_folders(simulated) if (one / "summary.json").exists()]
    for name in sorted(set(SCENARIOS) - {one.parent.name for one in stored}):
        stored.append(tmp_path / name / "one")
        run(order(of_library(name), stored[-1]), Silence())

    found = cover(stored)

    assert (found.runs, found.left_out) == (len(SCENARIOS), {})
    assert found.percent >= COVERED_PERCENT, [str(cell) for cell in found.missing]


@pytest.mark.covers("R1")
def test_every_situation_is_covered_by_a_scenario_and_none_cites_what_is_not_listed() -> None:
    listed = set(re.findall(r"^\| ([A-Z]\d+) \|", document("situations"), re.MULTILINE))
    required = set(re.findall(r"^- ([RD]\d+) ", document("requirements"), re.MULTILINE))
    cited = {number for name in SCENARIOS for number in of_library(name).covers}

    assert len(listed) == 66
    assert sorted(listed - cited) == []
    assert sorted(cited - listed - required) == []


def document(name: str) -> str:
    return (ROOT / "docs" / f"{name}.md").read_text("utf-8")


# When somebody ran it, and what is made of that.
OF_ITS_TIME = {"times.json", "seal.json", "summary.json", "report.html", "report.en.html"}

# Drills in which much happens come first, so that few have to be run.
EVENTFUL = (
    "failover-phones",
    "header-injection",
    "mail-troubles",
    "every-attempt-fails",
    "rollback",
)


def test_every_invariant_is_put_to_the_test_by_some_scenario(tmp_path: Path) -> None:
    idle = set(CHECKERS)
    for name in (*EVENTFUL, *(one for one in SCENARIOS if one not in EVENTFUL)):
        if not idle:
            break
        outcome = run(order(of_library(name), tmp_path / name), Silence())
        idle -= {
            checker
            for checker, one in outcome.judgements.items()
            if one.verdict is not Verdict.NOT_APPLICABLE
        }

    assert not idle, "not applicable throughout the library"


def test_a_simulated_drill_is_the_same_to_the_byte_wherever_it_runs(tmp_path: Path) -> None:
    command = "from scenarios.cli import main; main()"
    argv = (sys.executable, "-c", command, "run", "failover", "--backend", "sim", "--runs")
    elsewhere = tmp_path / "élsewhere"
    elsewhere.mkdir()
    machines = (
        {"PYTHONHASHSEED": "1", "TZ": "UTC", "LC_ALL": "C"},
        {"PYTHONHASHSEED": "4711", "TZ": "Pacific/Kiritimati", "LC_ALL": "C.UTF-8"}
        | dict.fromkeys(("HOME", "TMPDIR", "XDG_STATE_HOME"), str(elsewhere))
        | {"USER": "somebody", "PYTHONPATH": str(Path.cwd())},
    )
    told = []
    for number, machine in enumerate(machines):
        runs, where = tmp_path / str(number), (Path.cwd(), elsewhere)[number]
        environment = {**os.environ, **machine}
        subprocess.run([*argv, str(runs)], env=environment, cwd=where, check=True, stdout=DEVNULL)
        evidence = {
            str(one.relative_to(runs / "failover/latest")): one.read_bytes()
            for one in (runs / "failover/latest").rglob("*")
            if one.is_file() and one.name not in OF_ITS_TIME
        }
        told.append(evidence)

    assert {"events.jsonl", "wire.pcap", "clients.json", "plan.yaml"} <= told[0].keys()
    assert told[0] == told[1]
