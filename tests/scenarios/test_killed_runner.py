"""A runner that is ended in mid-run leaves nothing, or what `doctor --repair` removes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

PROGRAM = "from scenarios.cli import main; main()"
BACKENDS = [
    pytest.param("netns", marks=pytest.mark.netns),
    pytest.param("docker", marks=pytest.mark.docker),
]


@pytest.fixture
def environment(tmp_path: Path) -> Iterator[dict[str, str]]:
    own = {**os.environ, "NO_COLOR": "1", "XDG_STATE_HOME": str(tmp_path / "state")}
    yield own
    doctor(own, "--repair")


def doctor(environment: dict[str, str], *options: str) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, "doctor", "--format", "json", *options],
        capture_output=True,
        text=True,
        check=True,
        env=environment,
    )
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def run_and_signal(
    backend: str, environment: dict[str, str], folder: Path, number: signal.Signals
) -> tuple[int, str]:
    """Start a drill, end its runner as soon as the pair is set up; exit status and words."""
    argv = [sys.executable, "-u", "-c", PROGRAM, "run", "failover", "--backend", backend]
    with subprocess.Popen(
        [*argv, "--runs", str(folder)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=environment,
    ) as runner:
        assert runner.stdout is not None
        words = []
        for line in runner.stdout:
            words.append(line)
            if "open tab" in line:
                runner.send_signal(number)
    return runner.returncode, "".join(words)


@pytest.mark.parametrize("backend", BACKENDS)
def test_what_a_killed_runner_leaves_is_repaired(
    backend: str, environment: dict[str, str], tmp_path: Path
) -> None:
    code, words = run_and_signal(backend, environment, tmp_path / "runs", signal.SIGKILL)
    assert code == -signal.SIGKILL, words

    found = doctor(environment)["left_behind"]
    removed = doctor(environment, "--repair")["removed"]

    assert found
    assert removed == found
    assert doctor(environment)["left_behind"] == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.netns
def test_an_interrupted_runner_cleans_up_and_keeps_the_evidence(
    number: signal.Signals, environment: dict[str, str], tmp_path: Path
) -> None:
    code, words = run_and_signal("netns", environment, tmp_path / "runs", number)

    assert code == 128 + number, words
    assert "Traceback" not in words
    assert doctor(environment)["left_behind"] == []
    assert (tmp_path / "runs" / "failover" / "latest" / "events.jsonl").is_file()


@pytest.mark.parametrize("after_s", [0.0, 0.05, 0.2])
@pytest.mark.docker
def test_an_interrupted_build_leaves_nothing(
    after_s: float, environment: dict[str, str], tmp_path: Path
) -> None:
    """Twice Ctrl-C, while the network or the containers are being made."""
    argv = [sys.executable, "-u", "-c", PROGRAM, "run", "failover", "--backend", "docker"]
    with subprocess.Popen(
        [*argv, "--runs", str(tmp_path / "runs")],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=environment,
    ) as runner:
        assert runner.stdout is not None
        words = next(line for line in runner.stdout if "-- build" in line)
        pause = threading.Event()
        for wait_s in (after_s, 0.05):
            pause.wait(wait_s)
            runner.send_signal(signal.SIGINT)
        words += runner.stdout.read()

    assert runner.returncode == 128 + signal.SIGINT, words
    assert "Traceback" not in words
    assert doctor(environment)["left_behind"] == []
