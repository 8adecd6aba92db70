"""Nights of a pair in network namespaces: real sshd, real disks; beside scp on the same wire."""

from __future__ import annotations

import json
import os
import shlex
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmarks.table import Figure, Row
from emulator.hosted import HostedLab, HostedMaker
from scenarios.blueprint import Ground, blueprint
from scenarios.drill import Pair
from scenarios.hosting import host, lab_registry
from scenarios.models.lab import LabPlan, Schedule
from scenarios.setup import initialise
from scenarios.units import Interval

MB = 1_000_000
BLOB_SIZE = 400_000  # a voice message of 50 s
NIGHT_BLOBS = 2500  # 1 GB
WHOLE_SIZE = 4_000 * MB  # at which memory is read
HUGE_BLOBS = 2
ROUNDS = 3
RUN_LIMIT_S = 600.0
LOOK_S = 0.05

# Runs on the active: adds, or replaces, files of its content, as voice messages come in.
FILL = """
import hashlib, json, os, sqlite3, sys
state, name, size, first, last = sys.argv[1], sys.argv[2], *map(int, sys.argv[3:])
facts = json.loads(sqlite3.connect(f"{state}/identity.db").execute(
    "SELECT body FROM facts").fetchone()[0])
content = sqlite3.connect(f"{state}/content/{facts['content']}.db")
for number in range(first, last):
    part, seen, left = f"{state}/blobs/bench.part", hashlib.sha256(), size
    with open(part, "wb") as file:
        while left:
            data = os.urandom(min(left, 1 << 20))
            left -= len(data)
            seen.update(data)
            file.write(data)
    sha256 = seen.hexdigest()
    os.makedirs(f"{state}/blobs/{sha256[:2]}", exist_ok=True)
    os.rename(part, f"{state}/blobs/{sha256[:2]}/{sha256}")
    body = {"path": f"{name}/{number}", "mode": "0640", "size": size, "sha256": sha256}
    content.execute("INSERT OR REPLACE INTO entity VALUES ('files', ?, ?)",
        (f"{name}-{number}", json.dumps(body)))
content.commit()
"""
# Prints the highest resident memory of each process of the node's appliance so far, in kB.
MEMORY = """
for one in $(grep -ls emulator.appliance /proc/[0-9]*/cmdline); do
  grep VmHWM $(dirname $one)/status 2>/dev/null  # one that has ended meanwhile has none
done
true
"""


@dataclass(frozen=True)
class Night:
    """One run, as it was measured.

    Attributes:
        whole_s: from its start to its success.
        wire: what left the active's port, in bytes, headers and answers included.
    """

    whole_s: float
    wire: int


@dataclass(frozen=True)
class Bench:
    """A pair that is up."""

    lab: HostedLab
    state: str
    password: str

    def fill(self, name: str, size: int, numbers: range) -> None:
        """Put random files into the active's content."""
        first, last = str(numbers.start), str(numbers.stop)
        self.do("pbx1", ["python3", "-c", FILL, self.state, name, str(size), first, last])

    def night(self) -> Night:
        """Run once."""
        node = self.lab.appliance("pbx1")
        before = self._sent()
        self.do("pbx1", ["sync"])  # what was written before is nobody's time
        started_s = time.monotonic()
        run = node.ctl(["redundancy", "run"])["run"]
        while time.monotonic() - started_s < RUN_LIMIT_S:
            found = [one for one in node.ctl(["redundancy", "status"])["runs"] if one["run"] == run]
            if found and found[0]["outcome"] == "succeeded":
                return Night(time.monotonic() - started_s, self._sent() - before)
            if found and found[0]["outcome"] != "running":
                raise RuntimeError(f"run {run}: {found[0]}")
            time.sleep(LOOK_S)
        raise RuntimeError(f"run {run} did not end")

    def scp(self) -> float:
        """Copy all files by scp, into a folder beside the standby's disk; seconds."""
        answer, copy = f"{self.state}/answer", f"{self.state}/../copy"
        script = f"#!/bin/sh\necho {shlex.quote(self.password)}\n"
        self.do("pbx1", ["sh", "-c", f"cat > {answer} && chmod 700 {answer}"], script.encode())
        target = self.lab.appliance("pbx2").address
        argv = ["env", f"SSH_ASKPASS={answer}", "SSH_ASKPASS_REQUIRE=force", "setsid", "-w"]
        argv += ["scp", "-O", "-q", "-r", "-o", "StrictHostKeyChecking=no"]
        argv += ["-o", "UserKnownHostsFile=/dev/null", f"{self.state}/blobs"]
        self.do("pbx1", ["sync"])  # what was written before is nobody's time
        started_s = time.monotonic()
        self.do("pbx1", [*argv, f"root@{target}:{copy}"])
        took_s = time.monotonic() - started_s
        self.do("pbx2", ["rm", "-r", copy])
        self.do("pbx1", ["rm", answer])
        return took_s

    def tar(self) -> float:
        """Pack all files with tar, durably, where a backup is written to; seconds."""
        self.do("pbx1", ["sync"])  # what was written before is nobody's time
        started_s = time.monotonic()
        self.do("pbx1", ["sh", "-c", f"cd {self.state} && tar cf packed blobs && sync packed"])
        took_s = time.monotonic() - started_s
        self.do("pbx1", ["rm", f"{self.state}/packed"])
        return took_s

    def backup(self) -> float:
        """Write a full backup; seconds."""
        self.do("pbx1", ["sync"])
        started_s = time.monotonic()
        self.lab.appliance("pbx1").ctl(["backup", "create", "--operation", "bench"])
        return time.monotonic() - started_s

    def memory(self, node: str) -> float:
        """Return the highest resident memory of an appliance so far, in MB."""
        lines = self.do(node, ["sh", "-c", MEMORY]).splitlines()
        return max(int(line.split()[1]) for line in lines) * 1024 / MB

    def do(self, node: str, argv: list[str], stdin: bytes = b"") -> str:
        """Run a program on a node."""
        status, out, errors = self.lab.execute(node, argv, stdin)
        if status:
            raise RuntimeError(f"{argv[:4]} on {node}: {errors.decode()[-400:]}")
        return out.decode()

    def _sent(self) -> int:
        row = json.loads(self.do("pbx1", ["ip", "-j", "-s", "link", "show", "eth0"]))[0]
        return int(row["stats64"]["tx"]["bytes"])


@contextmanager
def pair() -> Iterator[Bench]:
    """Give a pair on the real clock; nothing of it stays."""
    hosting, registry = host("netns", lambda _line, _done: None), lab_registry()
    plan = LabPlan(
        users=20, phones=1, schedule=Schedule(every=Interval(1, "day"), first_in=_DAY / 2)
    )
    name = f"bench-{os.getpid()}"
    ground = Ground(name, str(registry.free_subnet(hosting)), 1, None)
    drawn = blueprint(ground, plan, os.urandom)
    with tempfile.TemporaryDirectory() as workdir:
        lab = HostedMaker(hosting, registry).make(drawn.spec, Path(workdir))
        try:
            initialise(Pair(lab, plan, datetime.now(UTC), drawn.access), "pbx2", lambda _line: None)
            state = str(registry.labs_folder / name / "nodes" / "pbx1" / "state")
            yield Bench(lab, state, drawn.access["pbx2"].root_password)
        finally:
            lab.down()


def rows() -> Iterator[Row]:
    """Measure first, unchanged and changed nights, backups, and memory."""
    copies, nights, packs, backups = [], [], [], []
    for _ in range(ROUNDS):
        with pair() as bench:
            bench.fill("message", BLOB_SIZE, range(NIGHT_BLOBS))
            copies.append(bench.scp())
            nights.append(bench.night())
            packs.append(bench.tar())
            backups.append(bench.backup())
    scp = Figure("scp -r of the same files", tuple(copies))
    took = Figure("first transfer, the whole run", tuple(one.whole_s for one in nights))
    yield Row(took, scp, limit_ratio=1 / 0.7)
    tar = Figure("tar of the same files, and sync", tuple(packs))
    yield Row(Figure("full backup of 1 GB", tuple(backups)), tar, limit_ratio=2)
    with pair() as bench:
        bench.fill("message", BLOB_SIZE, range(NIGHT_BLOBS))
        sent = Figure("first transfer, on the wire", (bench.night().wire / MB,), "MB")
        unchanged = Figure("unchanged night, on the wire", (bench.night().wire / MB,), "MB")
        yield Row(unchanged, sent, limit_ratio=0.01)
        bench.fill("message", BLOB_SIZE, range(NIGHT_BLOBS // 100))
        changed = Figure("night with 1 % changed, on the wire", (bench.night().wire / MB,), "MB")
        yield Row(changed, sent, limit_ratio=0.03)
        bench.fill("huge", WHOLE_SIZE // HUGE_BLOBS, range(HUGE_BLOBS))
        whole = Figure("sent in a night of two huge files", (bench.night().wire / MB,), "MB")
        for node, side in (("pbx1", "active"), ("pbx2", "standby")):
            memory = Figure(f"highest resident memory, {side}", (bench.memory(node),), "MB")
            yield Row(memory, whole, limit=100)


_DAY = timedelta(days=1)
