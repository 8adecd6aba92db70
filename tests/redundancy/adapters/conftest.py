"""A real sshd on loopback, with throw-away keys and a password that only it knows."""

from __future__ import annotations

import os
import re
import select
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from far_appliance import SCRIPT
from loopback import Sshd, free_port

from redundancy.ports import StandbyAccess

PASSWORD = "throw away, it's só"

# A private /etc/shadow gives root the test's password; the machine's own is not touched.
NAMESPACE = """
mount --bind "$1/shadow" /etc/shadow && mount -t tmpfs tmpfs /run && mkdir /run/sshd &&
exec /usr/sbin/sshd -D -e -f "$1/sshd_config"
"""


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
    for kind in ("ed25519", "ecdsa", "rsa"):
        subprocess.run(
            ["ssh-keygen", "-q", "-t", kind, "-N", "", "-f", str(folder / kind)], check=True
        )
    (folder / "sshd_config").write_text(_configuration(folder, port))
    (folder / "shadow").write_text(_shadow())
    process = subprocess.Popen(
        ["unshare", "--mount", "sh", "-c", NAMESPACE, "sshd", str(folder)],
        stderr=subprocess.PIPE,
    )
    try:
        _await_listening(process)
        yield Sshd(StandbyAccess("root", PASSWORD, "127.0.0.1", port), folder)
    finally:
        process.terminate()
        process.wait()
        if process.stderr:
            process.stderr.close()


def _may_unshare() -> bool:
    return subprocess.run(["unshare", "--mount", "true"], check=False).returncode == 0


def _configuration(folder: Path, port: int) -> str:
    keys = "".join(f"HostKey {folder / kind}\n" for kind in ("ed25519", "ecdsa", "rsa"))
    return (
        f"ListenAddress 127.0.0.1\nPort {port}\n{keys}PidFile none\nUsePAM no\n"
        "PermitRootLogin yes\nPasswordAuthentication yes\nPubkeyAuthentication no\n"
        "Subsystem sftp internal-sftp\n"
        f"MaxStartups 100\nMaxAuthTries 2\nSetEnv PATH={folder}:/usr/bin:/bin\n"
    )


def _shadow() -> str:
    salted = subprocess.run(
        ["openssl", "passwd", "-6", "-stdin"],
        input=PASSWORD.encode(),
        capture_output=True,
        check=True,
    )
    own = Path("/etc/shadow").read_text()
    return re.sub(
        r"^root:[^:]*:", f"root:{salted.stdout.decode().strip()}:", own, flags=re.MULTILINE
    )


def _await_listening(process: subprocess.Popen[bytes]) -> None:
    assert process.stderr is not None
    heard = b""
    while b"listening on" not in heard:
        ready, _, _ = select.select([process.stderr], [], [], 20)
        part = os.read(process.stderr.fileno(), 4096) if ready else b""
        if not part:
            pytest.fail(f"sshd did not start: {heard.decode()}")
        heard += part
