"""What the kernel is asked for equals what the simulated disk logs.

The crash sweep cuts the power after each operation of the simulated log. That proves
something of the real appliance only if both do the same in the same order.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

PROGRAM = Path(__file__).with_name("disk_program.py")
ROOT = Path(__file__).resolve().parents[3]
CALLS = "openat,write,pwrite64,fsync,fdatasync,syncfs,rename,renameat2,unlink,mkdir"
LINE = re.compile(r"\d+ +(?P<call>\w+)\((?P<arguments>.*)\) += (?P<result>\d+)")
RESUMED = re.compile(r"<\.\.\. \w+ resumed>")
WAL_HEADER = 32  # bytes; written and synced by itself when a log of SQLite begins anew


class Call(NamedTuple):
    """One operation, as both sides name it; a transaction of a database is one `commit`."""

    call: str
    path: str
    size: int = 0
    target: str = ""


@pytest.mark.syscalls
@pytest.mark.covers("D8")
def test_the_kernel_is_asked_for_what_the_simulated_disk_logs(tmp_path: Path) -> None:
    traced = tmp_path / "traced"
    expected = by_step(logged(run([sys.executable, str(PROGRAM), "--simulated"])))
    strace = ["strace", "-f", "-y", "-s", "64", "-e", f"trace={CALLS}", "-o"]
    run([*strace, str(tmp_path / "calls"), sys.executable, str(PROGRAM), str(traced)])
    found = by_step(of_kernel((tmp_path / "calls").read_text(), traced))

    assert set(found) == set(expected)
    for place, calls in expected.items():
        assert found[place] == calls, place
    done = {(step, one.call) for (_, step), calls in found.items() for one in calls}
    assert {("receive", "sync_all"), ("import", "commit"), ("takeover", "commit")} <= done
    assert {("backup", "rename"), ("backup", "sync"), ("snapshot", "sync_dir")} <= done


def run(argv: list[str]) -> str:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(argv, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def by_step(calls: Iterator[tuple[str, Call]]) -> dict[tuple[str, str], list[Call]]:
    """Sort operations by appliance and step."""
    found: dict[tuple[str, str], list[Call]] = defaultdict(list)
    step: dict[str, str] = defaultdict(str)
    for node, one in calls:
        if one.call == "step":
            step[node] = one.path
        else:
            found[node, step[node]].append(one)
    return dict(found)


def logged(printed: str) -> Iterator[tuple[str, Call]]:
    """Read the simulated log; a database's image that is written and renamed is a commit."""
    committed = False
    for line in printed.splitlines():
        node, *rest = json.loads(line)
        one = Call(*rest)
        of_database = one.path.endswith("-commit")
        if one.call == "rename" and of_database:
            yield node, Call("commit", one.target)
        elif not of_database and not (one.call == "sync_dir" and committed):
            yield node, one
        committed = of_database


class Kernel:
    """Turns system calls below a folder into operations."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._known: set[tuple[str, str]] = set()
        self._grown: set[tuple[str, str]] = set()  # folders in which a folder was made
        self._unsynced: dict[tuple[str, str], int] = defaultdict(int)

    def operations(self, call: str, arguments: str, result: int) -> Iterator[tuple[str, Call]]:
        """Return what a call means, if it means anything."""
        named = re.findall(r'[<"]([^<>"]*)[>"]', arguments)
        places = [place for one in named if (place := self._place(one)) is not None]
        if not places:
            return
        node, path = places[0]
        if ".db" in path:
            yield from self._of_database(node, path, call, arguments)
        elif call == "openat":
            yield from self._opened(node, path, arguments)
        elif call == "fsync":
            yield from self._synced(node, path)
        elif call == "mkdir" and path:
            self._grown.add((node, path.rpartition("/")[0]))
        elif call == "write":
            yield node, Call("write", path, result)
        elif call in {"rename", "renameat2"}:
            yield node, Call("rename", path, 0, places[-1][1])
        elif call == "unlink":
            yield node, Call("unlink", path)
        elif call == "syncfs":
            yield node, Call("sync_all", "")

    def _opened(self, node: str, path: str, arguments: str) -> Iterator[tuple[str, Call]]:
        new = "O_TRUNC" in arguments or (node, path) not in self._known
        if "O_CREAT" in arguments and new:
            self._known.add((node, path))
            yield node, Call("create", path)

    def _synced(self, node: str, path: str) -> Iterator[tuple[str, Call]]:
        if not (self._root / node / path).is_dir():
            yield node, Call("sync", path)
        elif (node, path) in self._grown:  # the simulated disk makes no folders
            self._grown.discard((node, path))
        else:
            yield node, Call("sync_dir", path)

    def _of_database(
        self, node: str, path: str, call: str, arguments: str
    ) -> Iterator[tuple[str, Call]]:
        key = node, path.removesuffix("-wal")
        if call == "pwrite64" and path.endswith("-wal"):
            *_, size, offset = arguments.split(", ")
            alone = (int(size), int(offset)) == (WAL_HEADER, 0)
            self._unsynced[key] += 0 if alone else int(size)
        elif call in {"fsync", "fdatasync"} and path.endswith("-wal") and self._unsynced[key]:
            self._unsynced[key] = 0
            yield node, Call("commit", key[1])
        elif call == "unlink" and path.endswith(".db"):
            yield node, Call("unlink", path)

    def _place(self, path: str) -> tuple[str, str] | None:
        if not path.startswith(f"{self._root}/"):
            return None
        node, _, rest = path.removeprefix(f"{self._root}/").partition("/")
        return node, rest


def of_kernel(trace: str, root: Path) -> Iterator[tuple[str, Call]]:
    """Read what strace wrote."""
    kernel = Kernel(root)
    for line in whole(trace):
        match = LINE.match(line)
        if match is None:
            continue
        marked = re.search(r'"step: (\w+)', match["arguments"])
        if match["call"] == "write" and marked:
            for node in ("pbx1", "pbx2"):
                yield node, Call("step", marked[1])
            continue
        yield from kernel.operations(match["call"], match["arguments"], int(match["result"]))


def whole(trace: str) -> Iterator[str]:
    """Join calls that another thread's call has interrupted."""
    begun: dict[str, str] = {}
    for line in trace.splitlines():
        thread = line.partition(" ")[0]
        if line.endswith("<unfinished ...>"):
            begun[thread] = line.removesuffix("<unfinished ...>")
        elif RESUMED.search(line):
            yield begun.pop(thread) + RESUMED.sub("", line.partition(" ")[2]).strip()
        else:
            yield line
