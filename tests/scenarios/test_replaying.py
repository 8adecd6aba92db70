"""A drill that was changed on the command line is run again by the command that it prints."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner
from drills import SMALL

from scenarios.choosing import choose
from scenarios.cli.drills import run
from scenarios.evidence import load
from scenarios.loading import load_profile
from scenarios.record import Asked
from scenarios.replaying import command_for, replay_command
from scenarios.settings import Settings, pairs

PROFILE = """
customer: Muster GmbH
users: 8
version: 8.1.2.5
phone models: [snom D785, Yealink T46U]
schedule: {every: 1 week, first in: 2 min}
module: {stall limit: 3 s, language: en}
objectives: {rto: 5 min}
"""


def parameters(command: str) -> tuple[str, dict[str, str]]:
    """Return the scenario's name and the parameters that a command sets."""
    argv = shlex.split(command)
    options = [argv[at + 1] for at, word in enumerate(argv) if word == "--set"]
    return argv[2], pairs(options)


def test_the_command_sets_again_what_a_profile_and_parameters_have_changed(tmp_path: Path) -> None:
    profile = tmp_path / "customer.yaml"
    profile.write_text(PROFILE)
    given = {
        "users": "12",
        "module.stall-limit": "4 s",
        "rto": '"6 min"',
        "pbx2.version": "8.1.2.4",
    }
    settings = Settings(load_profile(profile).settings(), given)
    (choice,) = choose(["failover"], [], settings=settings)
    (plain,) = choose(["failover"], [])
    assert choice.scenario != plain.scenario

    name, repeated = parameters(command_for(choice.asked, "sim", 1))

    (again,) = choose([name], [], settings=Settings({}, repeated))
    assert again.scenario == choice.scenario


def test_a_file_of_ones_own_is_named_as_it_was(tmp_path: Path) -> None:
    file = tmp_path / "my own.yaml"
    file.write_text(SMALL.replace("id: small", "id: my-own"))
    (choice,) = choose([str(file)], [])

    assert choice.asked == Asked(name=str(file))
    assert parameters(command_for(choice.asked, "netns", 7)) == (str(file), {})


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_the_evidence_of_a_run_knows_its_parameters(tmp_path: Path, jobs: str) -> None:
    argv = ["transfer-cut", "--backend", "sim", "--runs", str(tmp_path), "-j", jobs]
    done = CliRunner().invoke(run, [*argv, "--set", "users=4"])

    assert done.exit_code == 0, done.output
    plan = load(tmp_path / "transfer-cut/latest").plan
    assert replay_command(plan) == (
        "standby-lab run transfer-cut --set users=4 --backend sim --seed 1"
    )
    report = (tmp_path / "transfer-cut/latest/report.en.html").read_text()
    assert "standby-lab run transfer-cut --set users=4" in report
