"""Labs on netns of somebody who is not root, by both recipes of `emulator.backends.rootless`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from ordinary_user import UID

PROGRAM = Path(sys.executable).with_name("standby-lab")
STAND_IN = Path(__file__).parents[1] / "ordinary_user.py"
# Unknown to the accounts a user has one id only; known, and with a range, all of them.
USERS = [pytest.param("-", id="one-id"), pytest.param("tester", id="all-ids")]

Command = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(params=USERS)
def command(request: pytest.FixtureRequest) -> Iterator[Command]:
    """Run `standby-lab` as an ordinary user, in a home of his own."""
    with tempfile.TemporaryDirectory(prefix="standby-user-") as home:
        os.chown(home, UID, UID)
        become = ["unshare", "--mount", sys.executable, str(STAND_IN), request.param, home]

        def run(*argv: str) -> subprocess.CompletedProcess[str]:
            return subprocess.run(
                [*become, str(PROGRAM), *argv], capture_output=True, text=True, check=False
            )

        yield run
        left = run("doctor", "--repair", "--format", "json")
        assert json.loads(left.stdout)["left_behind"] == [], left


@pytest.mark.netns
@pytest.mark.rootless
@pytest.mark.parametrize("scenario", ["failover", "transfer-cut"])
def test_an_ordinary_user_runs_drills_on_real_packets(command: Command, scenario: str) -> None:
    done = command("run", scenario, "--backend", "netns", "--format", "json")

    assert done.returncode == 0, done
    (row,) = json.loads(done.stdout)
    assert (row["backend"], row["verdict"]) == ("netns", "passed")


@pytest.mark.netns
@pytest.mark.rootless
def test_an_ordinary_users_lab_stays_until_it_is_taken_down(command: Command) -> None:
    assert command("up", "--backend", "netns", "--name", "office").returncode == 0
    try:
        for argv in (["power", "off", "pbx2"], ["power", "on", "pbx2"], ["sync"]):
            done = command(*argv)
            assert done.returncode == 0, done
        (line, *_) = command("unshare", "--lab", "office", "ip", "-br", "addr").stdout.splitlines()
        assert line.startswith("lo ")
    finally:
        down = command("down", "office")
    assert down.returncode == 0, down
    assert json.loads(command("list", "--format", "json").stdout) == []
