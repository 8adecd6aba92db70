"""The command line: names, exit codes, one line of trouble."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from scenarios.cli import standby_lab
from scenarios.cli.output import show_table

ROOT = Path(__file__).parents[2]
COMMANDS = standby_lab.list_commands(None)  # type: ignore[arg-type]  # the names do not depend on it


def call(*argv: str, **environment: str) -> subprocess.CompletedProcess[str]:
    program = "from scenarios.cli import main; main()"
    return subprocess.run(
        [sys.executable, "-c", program, *argv],
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
        env={**os.environ, "NO_COLOR": "1", **environment},
    )


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help(name: str) -> None:
    done = call(name, "--help")

    assert done.returncode == 0, done.stderr
    assert "Usage:" in done.stdout


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_in_the_readme(name: str) -> None:
    assert f"standby-lab {name}" in (ROOT / "README.md").read_text()


def test_help_imports_no_heavy_package() -> None:
    heavy = "{'docker', 'scapy', 'paramiko', 'rich', 'pydantic', 'flask', 'httpx', 'faker'}"
    program = (
        "import sys; from scenarios.cli import standby_lab\n"
        "standby_lab.main(['--help'], standalone_mode=False)\n"
        f"sys.exit(str({heavy} & set(sys.modules)) if {heavy} & set(sys.modules) else 0)"
    )

    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("argv", "code", "words"),
    [
        (["run", "failver"], 2, "did you mean `failover`?"),
        (["run", "./no.yaml"], 2, "there is no such file"),
        (["run", "failover", "--backend", "vmware"], 2, "'vmware' is not one of"),
        (["run", "failover", "--backend", "sim", "--real-time"], 4, "leave --real-time out"),
        (["up", "--subnet", "198.18.7"], 2, "is not a subnet"),
        (["up", "--subnet", "198.18.0.0/16"], 2, "a lab needs a /24"),
        (["up", "--name", "Grüße"], 2, "a lab's name begins with a letter"),
        (["up", "--backend", "sim"], 4, "a simulated lab lives only within a run"),
        (["arp", "198.18.0.256"], 2, "is no IPv4 address"),
        (["inspect", "nowhere"], 2, "there is no lab named nowhere"),
        (["down", "nowhere"], 2, "there is no lab named nowhere"),
        (["power", "off", "pbx1", "--lab", "nowhere"], 2, "there is no lab named nowhere"),
        (["power", "up", "pbx1"], 2, "'up' is not one of"),
        (["power", "off", "phone1"], 2, "'phone1' is not one of"),
        (["up", "--users", "0"], 2, "0 is not in the range 1<=x<=1000"),
        (["up", "--users", "many"], 2, "'many' is not a valid integer"),
        (["up", "--voicemail-mb", "-1"], 2, "-1 is not in the range"),
        (["up", "--seed", "-1"], 2, "-1 is not in the range"),
        (["down"], 4, "no lab is up"),
        (["verify", "nowhere"], 2, "there is no such folder"),
        (["fidelity", "--backends", "sim"], 2, "name at least two"),
        (["fidelity", "--backends", "sim,vmware"], 2, "name at least two"),
    ],
)
def test_trouble_is_one_line_and_the_right_code(
    argv: list[str], code: int, words: str, tmp_path: Path
) -> None:
    done = call(*argv, XDG_STATE_HOME=str(tmp_path), STANDBY_LAB_RUN_RUNS=str(tmp_path / "runs"))

    assert done.returncode == code, done.stderr
    assert words in done.stderr
    assert done.stderr.startswith("standby-lab: ")
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    assert not (tmp_path / "runs").exists()


def test_a_malformed_file_is_named_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("id: mine\ntitle: Mine\nsteps:\n  - fly: pbx1\n")

    done = call("run", str(path))

    assert done.returncode == 2
    assert "mine.yaml:4" in done.stderr


def test_no_docker_is_said_with_the_remedy() -> None:
    done = call("run", "failover", "--backend", "docker", DOCKER_HOST="unix:///nowhere.sock")

    assert done.returncode == 4
    assert "docker" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_fidelity_says_what_is_lacking_before_anything_runs(tmp_path: Path) -> None:
    done = call(
        *("fidelity", "failover", "--backends", "sim,docker", "--runs", str(tmp_path / "runs")),
        DOCKER_HOST="unix:///nowhere.sock",
    )

    assert done.returncode == 4
    assert "the backend docker cannot run here" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert not (tmp_path / "runs").exists()


def test_the_library_is_listed_as_json() -> None:
    done = call("scenarios", "--format", "json")

    rows = {row["id"]: row for row in json.loads(done.stdout)}
    assert {"failover", "failover-refused", "transfer-cut"} <= rows.keys()
    assert all("sim" in row["backends"] for row in rows.values())
    assert rows["line-stalls"]["needs"] == ["drop"]
    assert rows["clock-set-back"]["needs"] == ["clock"]
    assert rows["failover"]["needs"] == []


def test_options_come_from_the_environment_too() -> None:
    done = call("scenarios", STANDBY_LAB_SCENARIOS_FORMAT="json")

    assert json.loads(done.stdout)


SCENARIO = """
id: mine
title: Mine
covers: T1
lab: {users: 2, schedule: {every: 1 day, first in: 2 min}}
steps:
  - initialise: pbx2
  - advance: {on: pbx1, to: run.succeeded, within: 1 h}
  STEP
expect:
  - answers: {for: pbx1, only: pbx1}
"""


@pytest.mark.parametrize(
    ("step", "verdict", "code"),
    [
        ("- wait: 1 s", "passed", 0),
        ("- advance: {on: pbx1, to: run.failed, within: 10 min}", "failed", 1),
        ("- cut transfer: {into: pbx2, after: 60 %}", "inconclusive", 3),
    ],
)
def test_the_exit_code_tells_the_verdict(
    step: str, verdict: str, code: int, tmp_path: Path
) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(SCENARIO.replace("STEP", step))

    done = call(
        *("run", str(path), "--backend", "sim", "--format", "json"),
        *("--runs", str(tmp_path / "runs")),
    )

    assert done.returncode == code, done.stderr
    (row,) = json.loads(done.stdout)
    assert (row["scenario"], row["backend"], row["verdict"]) == ("mine", "sim", verdict)
    assert set(row) == {
        *("scenario", "seed", "backend", "verdict", "trace_hash"),
        *("took_s", "outage_s", "downtime_s", "lost_objects", "run"),
    }
    assert call("verify", row["run"]).returncode == code


def test_a_run_ends_with_verdict_outage_loss_path_and_the_next_command(tmp_path: Path) -> None:
    runs = tmp_path / "runs"

    done = call("run", "failover", "--backend", "sim", "--runs", str(runs))

    assert done.returncode == 0, done.stdout
    tail = done.stdout[done.stdout.index("failover on sim: passed") :].splitlines()
    assert tail[1].startswith("outage ")
    assert "first client back" in tail[1]
    assert tail[2] == "lost: 1 object(s) doomed"
    assert tail[3].startswith(f"evidence: {runs}")
    assert tail[4].startswith("next: standby-lab verify ")


def test_a_table_shows_a_mac_address_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    show_table(("phone", "MAC"), [("phone1", "02:09:45:cd:f1:ad"), ("[bold]", "02:00:00:00:00:01")])

    shown = capsys.readouterr().out
    assert "02:09:45:cd:f1:ad" in shown
    assert "[bold]" in shown
