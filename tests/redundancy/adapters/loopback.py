"""What the tests know of the sshd on loopback."""

from __future__ import annotations

import os
import re
import select
import socket
import subprocess
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from redundancy.ports import StandbyAccess

PASSWORD = "throw away, it's só"

# A private /etc/shadow gives root the test's password; the machine's own is not touched.
NAMESPACE = """
mount --bind "$1/shadow" /etc/shadow && mount -t tmpfs tmpfs /run && mkdir /run/sshd &&
exec /usr/sbin/sshd -D -e -f "$1/sshd_config"
"""


@dataclass(frozen=True)
class Sshd:
    """The far side.

    Attributes:
        access: how to log in.
        folder: where `appliancectl` and the keys are.
    """

    access: StandbyAccess
    folder: Path

    def key(self, kind: str) -> str:
        """Return a host key as it is pinned."""
        name, body, *_ = (self.folder / f"{kind}.pub").read_text().split()
        return f"{name} {body}"

    def through(self, port: int) -> StandbyAccess:
        """Return the access through a relay."""
        return replace(self.access, port=port)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def configure(folder: Path, programs: Path, address: str, port: int) -> None:
    """Write keys, password and configuration of an sshd; `programs` comes first in its PATH."""
    for kind in ("ed25519", "ecdsa", "rsa"):
        subprocess.run(
            ["ssh-keygen", "-q", "-t", kind, "-N", "", "-f", str(folder / kind)], check=True
        )
    (folder / "sshd_config").write_text(_configuration(folder, programs, address, port))
    (folder / "shadow").write_text(_shadow())


def _configuration(folder: Path, programs: Path, address: str, port: int) -> str:
    keys = "".join(f"HostKey {folder / kind}\n" for kind in ("ed25519", "ecdsa", "rsa"))
    return (
        f"ListenAddress {address}\nPort {port}\n{keys}PidFile none\nUsePAM no\n"
        "PermitRootLogin yes\nPasswordAuthentication yes\nPubkeyAuthentication no\n"
        "Subsystem sftp internal-sftp\n"
        f"MaxStartups 100\nMaxAuthTries 2\nSetEnv PATH={programs}:/usr/bin:/bin\n"
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


def await_listening(process: subprocess.Popen[bytes]) -> None:
    assert process.stderr is not None
    heard = b""
    while b"listening on" not in heard:
        ready, _, _ = select.select([process.stderr], [], [], 20)
        part = os.read(process.stderr.fileno(), 4096) if ready else b""
        if not part:
            pytest.fail(f"sshd did not start: {heard.decode()}")
        heard += part
