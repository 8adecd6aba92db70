"""Many scenarios at once: which are meant, side by side, other engines, what CI reads."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from drills import SMALL

from scenarios.choosing import choose, fitting, last_runs, passed_last
from scenarios.cli.batches import Batch
from scenarios.crew import Result, Terms
from scenarios.engine_build import NoEngine, staged
from scenarios.loading import ScenarioError
from scenarios.reporting.github import annotate
from scenarios.reporting.junit import Case, write_junit
from scenarios.runner import leave

ROOT = Path(__file__).parents[2]
PROGRAM = "from scenarios.cli import main; main()"


def call(*argv: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", PROGRAM, *argv],
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
        env={**os.environ, "NO_COLOR": "1", **environment},
    )


def scenario(folder: Path, name: str, steps: str = "  - wait: 1 s\n") -> Path:
    """A file with a scenario that needs no pair."""
    path = folder / f"{name}.yaml"
    text = SMALL.replace("id: small", f"id: {name}")
    path.write_text(text.replace("  - wait: 1 s\n", steps))
    return path


TERMS = Terms(
    runs=Path("runs"),
    backend="netns",
    seed=1,
    real_time=False,
    engine=None,
    linger=leave,
    explain=lambda error: (str(error), 4),
)
FAILS = "  - expect: {on: pbx1, event: run.failed, within: 1 min}\n"


def test_scenarios_are_meant_by_id_glob_and_family_each_once() -> None:
    ids = [one.scenario.id for one in choose(["failover", "rollback*"], ["failover"])]

    assert ids[0] == "failover"
    assert len(ids) == len(set(ids))
    assert {"rollback", "rollback-abandoned", "failover-refused"} <= set(ids)
    assert {one.family for one in choose([], ["rollback"])} == {"rollback"}


@pytest.mark.parametrize(
    ("names", "families", "remedy"),
    [(["nothing*"], [], "globs match ids"), ([], ["failovers"], "failover")],
)
def test_a_name_that_means_nothing_is_refused(
    names: list[str], families: list[str], remedy: str
) -> None:
    with pytest.raises(ScenarioError) as refused:
        choose(names, families)

    assert remedy in refused.value.remedy


def summarised(runs: Path, folder: str, verdict: str, took_s: float) -> None:
    place = runs / "failover" / folder
    place.mkdir(parents=True)
    row = {"backend": folder.rpartition("-")[2], "verdict": verdict, "took_s": took_s}
    (place / "summary.json").write_text(json.dumps(row))


def test_the_newest_run_of_each_backend_is_known(tmp_path: Path) -> None:
    summarised(tmp_path, "2026-01-01-sim", "failed", 1.0)
    summarised(tmp_path, "2026-01-02-sim", "passed", 2.0)
    summarised(tmp_path, "2026-01-01-netns", "failed", 9.0)

    told = [(one.backend, one.verdict, one.took_s) for one in last_runs(tmp_path, "failover")]

    assert told == [("netns", "failed", 9.0), ("sim", "passed", 2.0)]
    assert passed_last(tmp_path, "failover") is None
    (tmp_path / "failover" / "latest").symlink_to("2026-01-01-netns")
    assert passed_last(tmp_path, "failover") is False
    (tmp_path / "failover" / "2026-01-01-netns" / "summary.json").unlink()
    assert passed_last(tmp_path, "failover") is False, "a lab that broke has no summary"


def test_labs_side_by_side_are_judged_and_the_gravest_verdict_is_the_exit_code(
    tmp_path: Path,
) -> None:
    paths = [scenario(tmp_path, "one"), scenario(tmp_path, "two"), scenario(tmp_path, "bad", FAILS)]
    xml = tmp_path / "ci" / "results.xml"
    options = ["--backend", "sim", "-j", "2", "--runs", str(tmp_path / "runs")]

    done = call("run", *map(str, paths), *options, "--junit-xml", str(xml), GITHUB_ACTIONS="true")

    assert done.returncode == 1, done.stderr
    assert "3 of 3 judged: 2 passed, 1 failed" in done.stdout
    assert "::error title=bad[backend=sim%2Cseed=1]%3A failed::expectations" in done.stdout
    for name in ("one", "two", "bad"):
        assert f"begun    {name}" in done.stdout
        assert (tmp_path / "runs" / name / "latest" / "report.html").is_file()
    suite = ET.parse(xml).getroot()  # noqa: S314 - our own file
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("3", "1", "0")

    again = call("run", *map(str, paths), *options, "--rerun-failed", "--format", "json")

    assert [row["scenario"] for row in json.loads(again.stdout)] == ["bad"]


def test_a_file_outside_the_library_that_failed_is_run_again_without_being_named(
    tmp_path: Path,
) -> None:
    failed, runs = scenario(tmp_path, "bad", FAILS), ("--runs", str(tmp_path / "runs"))
    call("run", str(failed), str(scenario(tmp_path, "good")), "--backend", "sim", *runs)

    again = call("run", "--rerun-failed", "--backend", "sim", *runs, "--format", "json")

    assert [row["scenario"] for row in json.loads(again.stdout)] == ["bad"]


def test_what_only_a_simulated_lab_can_do_is_left_out_of_a_family_and_said() -> None:
    choices = choose(["torn*", "failover"], ["import"])

    kept, left_out = fitting(choices, "netns")

    assert [one.scenario.id for one in left_out] == ["torn-import", "disk-lied", "older-disk"]
    assert {"failover", "hostile-files"} <= {one.scenario.id for one in kept}
    assert fitting(choices, "sim") == (choices, [])


def test_what_a_backend_cannot_host_is_refused_where_it_was_named_itself() -> None:
    with pytest.raises(ScenarioError, match=r"torn-import: docker cannot .* \(disk-cache\)"):
        fitting(choose(["torn-import"], []), "docker")


def test_what_was_left_out_is_skipped_for_ci_and_does_not_change_the_exit_code(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept, left_out = fitting(choose(["never-initialised", "torn*"], []), "netns")
    batch = Batch(kept, left_out)
    batch.results.append(Result(kept[0], None, "the lab broke", 4))
    batch.tell_left_out()
    batch.show()

    assert "1 left out: what it does to a disk needs a simulated lab" in capsys.readouterr().err
    assert batch.exit_code == 4
    batch.report(TERMS, tmp_path / "t.xml")
    suite = ET.parse(tmp_path / "t.xml").getroot()  # noqa: S314 - our own file
    assert [suite.get(key) for key in ("tests", "errors", "skipped")] == ["2", "1", "1"]
    assert "simulated lab" in next(suite.iter("skipped")).get("message", "")


def test_after_the_first_that_does_not_pass_no_more_are_begun(tmp_path: Path) -> None:
    paths = [scenario(tmp_path, "bad", FAILS), scenario(tmp_path, "one")]

    done = call(
        *("run", *map(str, paths), "--backend", "sim", "-j", "1", "--stop-on-first"),
        *("--runs", str(tmp_path / "runs")),
    )

    assert done.returncode == 1
    assert "not judged: one" in done.stderr
    assert not (tmp_path / "runs" / "one").exists()


def test_an_interrupted_batch_says_what_was_not_judged(tmp_path: Path) -> None:
    paths = [scenario(tmp_path, f"n{number}") for number in range(40)]
    argv = [
        "run",
        *map(str, paths),
        "--backend",
        "sim",
        "-j",
        "2",
        "--runs",
        str(tmp_path / "runs"),
    ]
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM, *argv],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as running:
        assert running.stdout is not None
        for line in running.stdout:
            if line.startswith("passed"):
                break
        os.killpg(running.pid, signal.SIGINT)  # as a terminal does: the workers get it too
        out, err = running.communicate(timeout=60)

    assert running.returncode == 130, err
    assert "not judged: n" in err
    assert "nothing was left behind" in err
    assert " of 40 judged: " in out


@pytest.fixture
def hasty_engine(tmp_path: Path) -> Path:
    """A build of the module that waits four minutes between attempts instead of five."""
    copy = tmp_path / "other" / "redundancy"
    shutil.copytree(ROOT / "redundancy", copy, ignore=shutil.ignore_patterns("__pycache__"))
    changed = [
        path
        for path in copy.glob("*.py")
        if "timedelta(minutes=5)  # R24" in path.read_text(encoding="utf-8")
    ]
    (path,) = changed
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("timedelta(minutes=5)  # R24", "timedelta(minutes=4)  # R24"))
    return copy.parent


def judged_with(engine: Path, backend: str, runs: Path) -> dict[str, str]:
    done = call(
        *("run", "transfer-cut", "--backend", backend, "--engine", str(engine)),
        *("--runs", str(runs)),
    )
    assert done.returncode == 1, done.stdout + done.stderr
    summary = json.loads((runs / "transfer-cut" / "latest" / "summary.json").read_text())
    return {name: one["verdict"] for name, one in summary["judgements"].items()}


def test_another_engine_is_what_a_simulated_appliance_runs(
    hasty_engine: Path, tmp_path: Path
) -> None:
    verdicts = judged_with(hasty_engine, "sim", tmp_path / "runs")

    assert verdicts["attempt-spacing"] == "failed"
    plan = (tmp_path / "runs/transfer-cut/latest/plan.yaml").read_text()
    assert f"path: {hasty_engine}" in plan


@pytest.mark.netns
def test_another_engine_is_what_an_appliance_in_namespaces_runs(
    hasty_engine: Path, tmp_path: Path
) -> None:
    assert judged_with(hasty_engine, "netns", tmp_path / "runs")["attempt-spacing"] == "failed"


@pytest.mark.docker
def test_another_engine_is_what_an_appliance_in_a_container_runs(
    hasty_engine: Path, tmp_path: Path
) -> None:
    assert judged_with(hasty_engine, "docker", tmp_path / "runs")["attempt-spacing"] == "failed"


def test_a_staged_engine_is_the_package_alone_and_its_hash(tmp_path: Path) -> None:
    with staged(ROOT) as whole, staged(ROOT / "redundancy") as package:
        assert [one.name for one in whole.folder.iterdir()] == ["redundancy"]
        assert whole.build.sha256 == package.build.sha256
    assert not whole.folder.exists()
    with pytest.raises(NoEngine, match="no package"), staged(tmp_path):
        pass


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["run"], "name a scenario, a --family, or --rerun-failed"),
        (["run", "failover", "--engine", "/"], "no package `redundancy`"),
        (["run", "failover", "--backend", "sim", "--keep"], "--keep needs a lab"),
        (["run", "--family", "nonsense"], "there is no family `nonsense`"),
    ],
)
def test_what_cannot_be_meant_is_a_usage_error(argv: list[str], words: str) -> None:
    done = call(*argv)

    assert done.returncode == 2
    assert words in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


HOSTILE = 'a"b<c>&\x00\x1b]]>\n::error::%,:'


def case(scenario: str, verdict: str, *causes: str) -> Case:
    return Case(
        scenario=scenario,
        family="failover",
        parameters=(("backend", "sim"), ("seed", "1")),
        verdict=verdict,
        took_s=1.5,
        causes=causes,
        evidence="runs/x",
        replay=f"standby-lab run {scenario} --backend sim --seed 1",
    )


def test_junit_tells_failures_errors_and_what_was_not_run_apart(tmp_path: Path) -> None:
    cases = [
        case("a", "passed"),
        case("b", "failed", "one-holder: two MACs"),
        case("c", "inconclusive", "evidence-intact: no seal"),
        case("d", "broken", "the lab broke"),
        case("e", "not-run"),
    ]
    write_junit(tmp_path / "t.xml", cases)

    root = ET.parse(tmp_path / "t.xml").getroot()  # noqa: S314 - our own file
    found = {
        one.get("name"): [child.tag for child in one if child.tag != "properties"]
        for one in root.iter("testcase")
    }
    assert found == {
        "a[backend=sim,seed=1]": [],
        "b[backend=sim,seed=1]": ["failure"],
        "c[backend=sim,seed=1]": ["error"],
        "d[backend=sim,seed=1]": ["error"],
        "e[backend=sim,seed=1]": ["skipped"],
    }
    failure = next(root.iter("failure"))
    assert failure.get("message") == "one-holder: two MACs"
    assert "again: standby-lab run b --backend sim --seed 1" in (failure.text or "")
    suite = next(root.iter("testsuite"))
    assert [suite.get(key) for key in ("tests", "failures", "errors", "skipped")] == list("5121")


def test_hostile_text_stays_text_in_xml_and_a_long_one_is_bounded(tmp_path: Path) -> None:
    write_junit(tmp_path / "t.xml", [case("b", "failed", HOSTILE, "x" * 10**6)])

    root = ET.parse(tmp_path / "t.xml").getroot()  # noqa: S314 - our own file
    assert (next(root.iter("failure")).text or "").startswith('a"b<c>&\ufffd\ufffd]]>')
    assert (tmp_path / "t.xml").stat().st_size < 30_000


def test_no_text_begins_a_command_of_its_own_on_github() -> None:
    (line,) = annotate([case("b", "failed", HOSTILE), case("a", "passed")])

    assert line.startswith("::error title=b[backend=sim%2Cseed=1]%3A failed::")
    assert "\n" not in line
    assert "%0A::error::%25,:" in line
    (warning,) = annotate([case("b", "inconclusive")])
    assert warning.startswith("::warning ")


@pytest.fixture
def batch() -> Batch:
    return Batch(choose(["failover", "rollback"], []))


def test_a_lab_that_broke_has_its_own_exit_code(batch: Batch) -> None:
    told: list[Result] = []
    batch.take([Result(batch.choices[0], None, "no room", 4)], told.append, stop_on_first=True)
    assert told == batch.results

    assert batch.exit_code == 4
    assert [one.scenario.id for one in batch.not_run] == ["rollback"]
