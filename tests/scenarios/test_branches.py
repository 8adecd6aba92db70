"""Forked branches: what they deliver reaches the trunk, and nothing else of them does."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

import pytest

from scenarios.sweep.branching import Branches


class Trunk:
    def __init__(self, jobs: int = 2, stopped: frozenset[str] = frozenset()) -> None:
        self.taken: dict[str, Mapping[str, Any] | None] = {}
        self.asked: list[tuple[str, str]] = []
        self.stopped = stopped
        self.branches = Branches(jobs, self.admit, self.taken.__setitem__)

    def admit(self, key: str, question: str) -> bool:
        self.asked.append((key, question))
        return key not in self.stopped


def test_every_branch_delivers_what_it_found() -> None:
    trunk = Trunk()
    for number in range(5):
        if trunk.branches.branch(f"cell {number}"):
            trunk.branches.deliver({"square": number**2})
    trunk.branches.wait()

    assert trunk.taken == {f"cell {number}": {"square": number**2} for number in range(5)}


def test_a_result_larger_than_a_pipe_arrives_whole() -> None:
    trunk = Trunk()
    if trunk.branches.branch("large"):
        trunk.branches.deliver({"text": "x" * 500_000})
    trunk.branches.wait()

    result = trunk.taken["large"]
    assert result is not None
    assert len(result["text"]) == 500_000


def test_a_branch_that_dies_is_told_as_one_without_a_word() -> None:
    trunk = Trunk()
    if trunk.branches.branch("dies"):
        os.kill(os.getpid(), signal.SIGKILL)
    trunk.branches.wait()

    assert trunk.taken == {"dies": None}


def test_a_branch_that_is_not_to_go_on_ends_without_a_result() -> None:
    trunk = Trunk(stopped=frozenset({"second"}))
    for key in ("first", "second"):
        if trunk.branches.branch(key):
            trunk.branches.ask("as before?")
            trunk.branches.deliver({"went": key})
    trunk.branches.wait()

    assert sorted(trunk.asked) == [("first", "as before?"), ("second", "as before?")]
    assert trunk.taken == {"first": {"went": "first"}}


def test_a_branch_does_not_branch_again() -> None:
    trunk = Trunk()
    if trunk.branches.branch("outer"):
        trunk.branches.deliver({"again": trunk.branches.branch("inner")})
    trunk.branches.wait()

    assert trunk.taken == {"outer": {"again": False}}


# A program whose main process is told to end while it is in a hook of fork(2), where Python
# would swallow what the handler raises.
TOLD_WHILE_FORKING = """
import os, signal, sys
from scenarios.sweep.branching import Branches

def end(number, frame):
    sys.exit(128 + number)

signal.signal(signal.SIGTERM, end)
os.register_at_fork(before=lambda: os.kill(os.getpid(), signal.SIGTERM))
if Branches(1, lambda key, question: True, lambda key, result: None).branch("any"):
    os._exit(0)
print("went on")
"""


def test_a_trunk_that_is_told_to_end_while_it_forks_ends() -> None:
    argv = [sys.executable, "-c", TOLD_WHILE_FORKING]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=30)

    assert (done.returncode, done.stdout) == (128 + signal.SIGTERM, "")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_branch_that_is_told_to_end_ends_without_a_word(number: signal.Signals) -> None:
    trunk = Trunk()
    if trunk.branches.branch("told"):
        os.kill(os.getpid(), number)
        trunk.branches.deliver({"went": "on"})
    trunk.branches.wait()

    assert trunk.taken == {"told": None}


def test_branches_that_are_abandoned_are_gone_and_tell_nothing() -> None:
    trunk = Trunk()
    for name in ("one", "two"):
        if trunk.branches.branch(name):
            signal.pause()

    pids = [one.pid for one in trunk.branches._running.values()]

    trunk.branches.abandon()

    for pid in pids:
        with pytest.raises(ChildProcessError):
            os.waitpid(pid, os.WNOHANG)
    assert len(pids) == 2
    trunk.branches.wait()
    assert trunk.taken == {}
