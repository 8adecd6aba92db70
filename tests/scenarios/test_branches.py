"""Forked branches: what they deliver reaches the trunk, and nothing else of them does."""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping
from typing import Any

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
