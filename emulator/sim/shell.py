"""SSH of a simulated machine: who answers, and a command's bytes on their way to it."""

from __future__ import annotations

import base64
import json
import struct
from collections.abc import Callable, Sequence
from typing import BinaryIO, cast

from emulator.ports import Disk, Stopwatch
from emulator.sim.life import Life
from emulator.sim.site import Dispatch, Line, Site
from emulator.sim.world import Gate, World

HOST_KEY = "ssh/ssh_host_ed25519_key.pub"
KEY_KIND = b"ssh-ed25519"
KEY_BYTES = 32
USUAL_PORT = 22
CLIENT_ALIVE_S = 15.0  # how long sshd does not notice a dead peer (ClientAliveInterval, CountMax)


class Session:
    """One command over SSH: its standard input, read as a file, and its answer.

    Attributes:
        changed: opens whenever anything below changes.
        answer: the envelope that the far side printed, None until it has.
        lost: the connection is broken.
    """

    def __init__(self, world: World, line: Line) -> None:
        self.line = line
        self.changed = Gate(world)
        self.answer: bytes | None = None
        self.lost = False
        self._given_up = False  # by the near end, which says so when the line carries again
        self._buffer = bytearray()
        self._ended = False
        self._closed = False

    @property
    def unread(self) -> int:
        """How many bytes wait for their reader; none when it has given up."""
        return 0 if self._closed or self.lost else len(self._buffer)

    def put(self, data: bytes) -> None:
        """Send bytes to the command's standard input."""
        self.line.near_life.check()
        self._buffer += data
        self.changed.open()

    def end(self) -> None:
        """Send the end of the standard input; the dead send nothing."""
        self.line.near_life.check()
        if not self.line.carries():
            self._given_up = True
            return
        self._ended = True
        self.changed.open()

    def break_off(self) -> None:
        """Break the connection; both ends notice at once."""
        self.lost = True
        self.changed.open()

    def read(self, size: int = -1) -> bytes:
        """Read, on the far side, what is there, at least one byte; b"" at the end.

        Raises:
            ConnectionAbortedError: it was closed, as fencing does.
        """
        while True:
            if self._closed:
                raise ConnectionAbortedError("the stream was closed")
            if self.lost:
                return b""  # behind sshd's pipe a broken connection is the end of the file
            if self._buffer:
                return self._take(len(self._buffer) if size < 0 else size)
            if self._ended:
                return b""
            if not self.changed.wait("bytes over SSH", CLIENT_ALIVE_S):
                self.lost = self._given_up or not self.line.carries()

    def _take(self, size: int) -> bytes:
        data = bytes(self._buffer[:size])
        del self._buffer[:size]
        self.changed.open()
        return data

    def close(self) -> None:
        """Close the standard input, on the far side."""
        self._closed = True
        self._buffer.clear()
        self.changed.open()


class SimShell:
    """SSH into one life of a machine (`emulator.ports.RemoteShell`).

    Attributes:
        life: whose it is.
        dispatch: carries out a command of the contract; None: the appliance is booting.
        serving: whether connections are taken.
        port: where they are.
    """

    def __init__(self, site: Site, life: Life, disk: Disk, entropy: Callable[[int], bytes]) -> None:
        self.dispatch: Dispatch | None = None
        self.life = life
        self._site = site
        self._disk = disk
        self._entropy = entropy
        self._password = ""
        self.serving = False
        self.port = USUAL_PORT
        self._sessions: list[Session] = []

    def serve(self, password: str) -> None:
        """Start (or go on) to answer; makes this machine's host key on the first start."""
        self.life.check()
        self._password = password
        self.serving = True
        folder, _, name = HOST_KEY.partition("/")
        if name not in self._disk.list(folder):
            file = self._disk.create(HOST_KEY)
            file.write(_public_key(self._entropy(KEY_BYTES)))
            file.sync()
            file.close()
            self._disk.sync_dir(folder)

    def listen_at(self, port: int) -> None:
        """Take connections at a port from now on (D19)."""
        self.port = port

    def await_listening(self, stopwatch: Stopwatch) -> None:
        """Return at once: it listens as soon as it serves."""
        del stopwatch
        self.life.check()

    def stop(self) -> None:
        """Stop answering and end the sessions."""
        self.life.check()
        self.serving = False
        self.break_sessions()

    def break_sessions(self) -> None:
        """Break the connections; both ends notice at once."""
        for session in self._sessions:
            session.break_off()

    @property
    def answers(self) -> bool:
        """Whether a connection to port 22 is taken."""
        return self.life.alive and self.serving

    def host_key(self) -> str:
        """Return the key that is shown to whoever connects."""
        return self._disk.open(HOST_KEY).read().decode()

    def accepts(self, user: str, password: str) -> bool:
        """Whether somebody may log in."""
        return user == "root" and password == self._password

    def run(self, session: Session, argv: Sequence[str]) -> None:
        """Start a command in a task of this machine."""
        self._sessions.append(session)
        self._site.world.start(
            self.life, f"ssh {' '.join(argv[:2])}", lambda: self._run(session, argv)
        )

    def _run(self, session: Session, argv: Sequence[str]) -> None:
        if self.dispatch is None:
            session.break_off()  # there is no appliancectl to talk to yet
        else:
            answer = json.dumps(self.dispatch(argv, cast("BinaryIO", session))).encode()
            session.answer = None if session.lost else answer
        self._sessions.remove(session)
        session.changed.open()


def _public_key(secret: bytes) -> bytes:
    """Return a public key in OpenSSH's form (RFC 8709, section 4)."""
    parts = (struct.pack(">I", len(part)) + part for part in (KEY_KIND, secret))
    return KEY_KIND + b" " + base64.b64encode(b"".join(parts))
