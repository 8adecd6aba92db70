"""A line that falls silent in a real namespace: packets are dropped, TCP stays open (D12, T4)."""

from __future__ import annotations

import io
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from threading import Timer

import pytest
from loopback import NAMESPACE, PASSWORD, await_listening, configure

from redundancy.adapters.ssh import SshTransport
from redundancy.errors import Stalled
from redundancy.ports import Payload, StandbyAccess

pytestmark = pytest.mark.netns
FAR, NEAR, PORT = "198.18.255.2", "198.18.255.1", 2222
SIZE = 64 * 1024 * 1024
STALL_LIMIT_S = 1.5


class Line:
    """A veth to a namespace of its own, in which sshd listens."""

    def __init__(self, name: str) -> None:
        self.name = name

    def inside(self, *argv: str, stdin: str = "") -> None:
        full = ["ip", "netns", "exec", self.name, *argv]
        subprocess.run(full, check=True, input=stdin.encode())

    def drop(self) -> None:
        """Drop whatever comes, silently."""
        chain = "type filter hook input priority 0; policy drop;"
        rules = f"table inet lab {{\n chain input {{ {chain} }}\n}}\n"
        self.inside("nft", "-f", "-", stdin=rules)

    def heal(self) -> None:
        self.inside("nft", "flush", "ruleset")


@pytest.fixture
def line(program: Path, tmp_path: Path) -> Iterator[Line]:
    name = f"stall{os.getpid()}"
    inside = f"ip -n {name}"
    commands = f"""
        ip netns add {name}
        ip link add {name} type veth peer name far netns {name}
        ip addr add {NEAR}/30 dev {name}
        ip link set {name} up
        {inside} addr add {FAR}/30 dev far
        {inside} link set far up
        {inside} link set lo up
    """
    made = Line(name)
    sshd: subprocess.Popen[bytes] | None = None
    try:
        for one in commands.strip().splitlines():
            subprocess.run(one.split(), check=True)
        configure(tmp_path, program.parent, FAR, PORT)
        argv = ["ip", "netns", "exec", name, "unshare", "--mount"]
        sshd = subprocess.Popen(
            [*argv, "sh", "-c", NAMESPACE, "sshd", str(tmp_path)], stderr=subprocess.PIPE
        )
        await_listening(sshd)
        yield made
    finally:
        if sshd is not None:
            sshd.kill()
            sshd.wait()
            if sshd.stderr:
                sshd.stderr.close()
        subprocess.run(["ip", "link", "del", name], check=False)
        subprocess.run(["ip", "netns", "del", name], check=False)


def transfer(line: Line, silent_after: int, *, heals: bool) -> None:
    """Send a payload; the line falls silent after so many bytes were handed over."""
    channel = SshTransport().connect(StandbyAccess("root", PASSWORD, FAR, PORT))
    done: list[str] = []

    def progress(sent: int) -> None:
        if sent >= silent_after and not done:
            line.drop()
            done.append("dropped")
            if heals:
                Timer(STALL_LIMIT_S / 3, line.heal).start()

    try:
        payload = Payload(io.BytesIO(bytes(SIZE)), SIZE, STALL_LIMIT_S, progress)
        assert channel.call(["digest"], payload)["size"] == SIZE
    finally:
        channel.close()


def test_a_line_that_drops_everything_is_cut_by_the_limit_on_progress(line: Line) -> None:
    with pytest.raises(Stalled, match=r"made no progress for 1\.5 s"):
        transfer(line, silent_after=SIZE // 2, heals=False)


def test_a_line_that_comes_back_within_the_limit_only_delays(line: Line) -> None:
    transfer(line, silent_after=SIZE // 2, heals=True)
