"""Forks: a process goes on twice, once as if nothing had been and once after a crash."""

from __future__ import annotations

import json
import os
import select
import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, NoReturn

LIMIT_S = 120  # real; a branch that takes longer is ended by the kernel
PIECE = 64 * 1024
GO_ON, STOP = b"g", b"s"
ENDING = (signal.SIGINT, signal.SIGTERM)


@dataclass
class Branch:
    """A branch as the trunk sees it.

    Attributes:
        key: what it is about.
        pid: its process.
        reply: takes the answer to its question.
        said: what has come from it so far.
    """

    key: str
    pid: int
    reply: int
    said: bytes = b""


@dataclass
class Branches:
    """The branches of one process.

    A branch is a copy of the whole simulation, made by fork(2). It may ask once whether it is
    to go on, and it delivers one JSON value.

    Attributes:
        jobs: how many run at once.
        admit: told of a branch's key and its question; whether it is to go on.
        take: told of every branch that has ended by itself: its key, and what it delivered;
            None: it ended without a word.
    """

    jobs: int
    admit: Callable[[str, str], bool]
    take: Callable[[str, Mapping[str, Any] | None], None]
    _running: dict[int, Branch] = field(default_factory=dict)  # by what it writes to
    _own: tuple[int, int] | None = None  # in a branch: where it writes, and where it reads

    @property
    def inside(self) -> bool:
        """Whether this process is a branch."""
        return self._own is not None

    def branch(self, key: str) -> bool:
        """Go on twice: True in the branch, False in the trunk; waits for a free place first."""
        if self.inside:
            return False
        while len(self._running) >= self.jobs:
            self._listen()
        sys.stdout.flush()
        sys.stderr.flush()
        (source, outlet), (ear, reply) = os.pipe(), os.pipe()
        with _undisturbed():
            pid = os.fork()
            if pid == 0:
                for one in ENDING:
                    signal.signal(one, signal.SIG_DFL)
        if pid == 0:
            os.close(source)
            os.close(reply)
            self._own = (outlet, ear)
            signal.alarm(LIMIT_S)
            return True
        os.close(outlet)
        os.close(ear)
        self._running[source] = Branch(key, pid, reply)
        return False

    def ask(self, question: str) -> None:
        """Ask the trunk whether to go on; if not, end here. In the trunk, do nothing."""
        if self._own is None:
            return
        outlet, ear = self._own
        _write(outlet, {"ask": question})
        if os.read(ear, 1) != GO_ON:
            os._exit(0)

    def deliver(self, value: Mapping[str, Any]) -> NoReturn:
        """End the branch with its result, without any clean-up of what is the trunk's."""
        assert self._own is not None  # noqa: S101 - the trunk has no one to deliver to
        _write(self._own[0], {"result": value})
        os._exit(0)

    def wait(self) -> None:
        """Wait until every branch has ended."""
        while self._running:
            self._listen()

    def abandon(self) -> None:
        """End every branch at once; nothing is taken of them."""
        for source, branch in self._running.items():
            os.kill(branch.pid, signal.SIGKILL)
            os.waitpid(branch.pid, 0)
            os.close(source)
            os.close(branch.reply)
        self._running.clear()

    def _listen(self) -> None:
        """Wait for a word of any branch."""
        ready, _, _ = select.select(list(self._running), [], [])
        for source in ready:
            branch = self._running[source]
            data = os.read(source, PIECE)
            branch.said += data
            if not data:
                self._end(source, branch)
            elif branch.said.endswith(b"\n"):
                word = json.loads(branch.said)
                if "ask" in word:
                    self._answer(branch, word["ask"])

    def _answer(self, branch: Branch, question: str) -> None:
        admitted = self.admit(branch.key, question)
        branch.said = b"" if admitted else STOP
        os.write(branch.reply, GO_ON if admitted else STOP)

    def _end(self, source: int, branch: Branch) -> None:
        del self._running[source]
        os.close(source)
        os.close(branch.reply)
        os.waitpid(branch.pid, 0)
        if branch.said != STOP:
            self.take(branch.key, json.loads(branch.said)["result"] if branch.said else None)


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Put off signals: what a handler raises within the hooks of fork(2) is swallowed there."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _write(descriptor: int, value: Mapping[str, Any]) -> None:
    data = memoryview(json.dumps(value).encode() + b"\n")
    while data:
        data = data[os.write(descriptor, data) :]
