"""SSH into the appliance: OpenSSH with a configuration and host keys of its own."""

from __future__ import annotations

import base64
import contextlib
import ctypes
import os
import signal
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path

from emulator.ports import Stopwatch

PROGRAM = "/usr/sbin/sshd"
USUAL_PORT = 22
LISTEN_LIMIT_S = 10.0
RETRY_S = 0.01
HASH_ROUNDS = 1000  # sha512-crypt; a lab's password lives as long as the lab

CONFIGURATION = """\
Port {port}
AddressFamily inet
HostKey {key}
PidFile none
UsePAM no
PermitRootLogin yes
PasswordAuthentication yes
KbdInteractiveAuthentication no
PubkeyAuthentication no
HostbasedAuthentication no
GSSAPIAuthentication no
UseDNS no
AllowTcpForwarding no
X11Forwarding no
PrintMotd no
PrintLastLog no
LoginGraceTime 30
MaxStartups 20:50:100
ClientAliveInterval 5
ClientAliveCountMax 3
SetEnv PATH={run}/bin:/usr/sbin:/usr/bin:/sbin:/bin APPLIANCE_CONTROL={run}/control.sock
"""


class OpenSsh:
    """Runs sshd for as long as the appliance runs.

    Args:
        state: the state directory; host keys are made there once and are in no backup (D7).
        run: where volatile files are made; `appliancectl` stands in its folder `bin`.
        entropy: of the password's salt.
    """

    def __init__(
        self,
        state: Path,
        run: Path,
        entropy: Callable[[int], bytes],
        shadow: Path = Path("/etc/shadow"),
    ) -> None:
        self._keys = state / "ssh"
        self._log = state / "log" / "sshd.log"
        self._run = run
        self._entropy = entropy
        self._shadow = shadow
        self._port = USUAL_PORT
        self._process: subprocess.Popen[bytes] | None = None

    def listen_at(self, port: int) -> None:
        """Take connections at a port from the next start on (D19)."""
        self._port = port

    def serve(self, password: str) -> None:
        """Start to answer, unless it does already; the password counts from now on."""
        salt = base64.b64encode(self._entropy(9), altchars=b"./").decode()
        set_root_password(self._shadow, crypt(password, f"$6$rounds={HASH_ROUNDS}${salt}"))
        if self._process is not None and self._process.poll() is None:
            return
        key = self._host_key()
        Path("/run/sshd").mkdir(mode=0o755, parents=True, exist_ok=True)
        configuration = self._run / "sshd_config"
        configuration.write_text(CONFIGURATION.format(port=self._port, key=key, run=self._run))
        self._log.parent.mkdir(mode=0o700, exist_ok=True)
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [PROGRAM, "-D", "-e", "-f", str(configuration)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
            )

    def await_listening(self, stopwatch: Stopwatch) -> None:
        """Wait until connections are taken.

        Raises:
            OSError: sshd has ended, or does not listen in time; its log says why.
        """
        deadline_s = stopwatch.now_s() + LISTEN_LIMIT_S
        while True:
            with (
                contextlib.suppress(OSError),
                socket.create_connection(("127.0.0.1", self._port), 1.0),
            ):
                return
            ended = self._process is None or self._process.poll() is not None
            if ended or stopwatch.now_s() > deadline_s:
                raise OSError(f"sshd does not answer; see {self._log}")
            stopwatch.sleep(RETRY_S)

    def stop(self) -> None:
        """Stop answering and end the sessions."""
        if self._process is None:
            return
        sessions = children(self._process.pid)
        self._process.terminate()
        for pid in sessions:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
        self._process.wait()

    def sever(self, client: int) -> None:
        """Kill the session that a process of a client runs in; its connection is reset.

        A session that dies with bytes unread makes the kernel answer with a TCP reset.

        Args:
            client: the process that speaks to the appliance's control socket.
        """
        if self._process is None:
            return
        listener = self._process.pid
        session = client
        while session > 1 and (above := parent(session)) != listener:
            session = above
        if session > 1 and session != client:
            os.kill(session, signal.SIGKILL)

    def _host_key(self) -> Path:
        key = self._keys / "ssh_host_ed25519_key"
        if not key.exists():
            self._keys.mkdir(mode=0o700, parents=True, exist_ok=True)
            fresh = self._keys / "fresh"
            fresh.unlink(missing_ok=True)
            argv = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(fresh)]
            subprocess.run(argv, check=True, stdin=subprocess.DEVNULL)
            fresh.with_suffix(".pub").replace(key.with_suffix(".pub"))
            fresh.replace(key)
        return key


def set_root_password(shadow: Path, hashed: str) -> None:
    """Write root's hash in place: in a lab the file is a mount, which a rename cannot replace."""
    lines = shadow.read_text().splitlines() if shadow.exists() else []
    others = [line for line in lines if not line.startswith("root:")]
    text = "".join(f"{line}\n" for line in (f"root:{hashed}:19000:0:99999:7:::", *others))
    descriptor = os.open(shadow, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(text.encode())
        file.truncate()
        file.flush()
        os.fsync(file.fileno())


def crypt(password: str, setting: str) -> str:
    """Hash a password as login programs do (crypt(3)); Python's own binding is going away.

    Raises:
        OSError: the C library does not know the method.
    """
    function = ctypes.CDLL("libcrypt.so.1").crypt
    function.restype = ctypes.c_char_p
    hashed: bytes | None = function(password.encode(), setting.encode())
    if hashed is None or hashed.startswith(b"*"):
        raise OSError("crypt(3) does not know sha512")
    return hashed.decode()


def parent(pid: int) -> int:
    """Return a process's parent, 0 if there is no such process."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return 0
    return int(fields.rpartition(")")[2].split()[1])


def children(pid: int) -> list[int]:
    """Return the processes whose parent is `pid`."""
    processes = (int(one.name) for one in Path("/proc").iterdir() if one.name.isdecimal())
    return [one for one in processes if parent(one) == pid]
