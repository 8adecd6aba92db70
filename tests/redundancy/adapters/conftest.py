"""A real sshd on loopback, with throw-away keys and a password that only it knows."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from far_appliance import SCRIPT
from loopback import NAMESPACE, PASSWORD, Sshd, await_listening, configure, free_port

from redundancy.ports import StandbyAccess


@pytest.fixture(scope="session")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The contract's program, as a file of its own folder."""
    path = tmp_path_factory.mktemp("far") / "appliancectl"
    path.write_text(f"#!{sys.executable}\n{SCRIPT}")
    path.chmod(0o755)
    return path


@pytest.fixture(scope="session")
def sshd(program: Path, pytestconfig: pytest.Config) -> Iterator[Sshd]:
    """A running sshd; skipped where there is none, or no right to isolate it; not so in CI."""
    if os.geteuid() != 0 or not shutil.which("sshd", path="/usr/sbin") or not _may_unshare():
        lack = "needs openssh-server and root (apt-get install openssh-server)"
        policy = pytestconfig.pluginmanager.get_plugin("marker-policy")
        if policy is not None and policy.ci:
            pytest.fail(f"must run in CI: {lack}", pytrace=False)
        pytest.skip(lack)
    folder, port = program.parent, free_port()
    configure(folder, folder, "127.0.0.1", port)
    process = subprocess.Popen(
        ["unshare", "--mount", "sh", "-c", NAMESPACE, "sshd", str(folder)],
        stderr=subprocess.PIPE,
    )
    try:
        await_listening(process)
        yield Sshd(StandbyAccess("root", PASSWORD, "127.0.0.1", port), folder)
    finally:
        process.terminate()
        process.wait()
        if process.stderr:
            process.stderr.close()


def _may_unshare() -> bool:
    return subprocess.run(["unshare", "--mount", "true"], check=False).returncode == 0
