"""The first process of a node: starts its program, and clears the node for another life.

Orders come on standard input, a line each:

    start {"size": N, "program": ["emulator.appliance", …]}   then N bytes of a tar file
    clear

`start` unpacks the tar file in the state folder and runs the program in a child of this
interpreter, which has loaded meanwhile what the program will need. `clear` kills all that runs
and takes away what it has left; `cleared` is the answer. With `--relay`, every other line goes to
the program's socket, and what comes from there to standard output; `hung up` says that the
program has closed it. The end of the program is the end of the node.
"""

from __future__ import annotations

import argparse
import ctypes
import importlib
import json
import os
import runpy
import selectors
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

START, CLEAR, CLEARED, HUNG_UP = b"start ", b"clear\n", b"cleared\n", b"hung up\n"
PIECE = 65536
CONNECT_RETRY_S = 0.005
SET_CHILD_SUBREAPER = 36  # prctl(2)
FIRST_USABLE = 3  # the descriptors below are standard input, output and errors


class Start(NamedTuple):
    """An order to run a program.

    Attributes:
        program: a Python module and its arguments.
        files: a tar file for the state folder.
    """

    program: Sequence[str]
    files: bytes


@dataclass(frozen=True)
class Untouched:
    """What a node is like before its first program begins.

    Attributes:
        state: the state folder, which is empty.
        found: what lies in each folder for volatile things.
        contents: of the files that programs change, where there are any.
    """

    state: Path
    found: dict[Path, frozenset[Path]]
    contents: dict[Path, bytes | None]

    @classmethod
    def take(cls, state: Path, folders: Sequence[Path], files: Sequence[Path]) -> Untouched:
        """Note what is there."""
        return cls(
            state,
            {folder: _entries(folder) for folder in folders},
            {file: file.read_bytes() if file.exists() else None for file in files},
        )

    def bring_back(self) -> None:
        """Take away what has been added since, and write back what was changed."""
        for one in list(self.state.iterdir()):
            _remove(one)
        for folder, known in self.found.items():
            for one in _entries(folder) - known:
                _remove(one)
        for file, content in self.contents.items():
            if content is None:
                file.unlink(missing_ok=True)
            elif file.read_bytes() != content:
                file.write_bytes(content)


class NodeInit:
    """Takes orders, passes on what is not for it, and reaps what programs leave behind.

    Args:
        untouched: what clearing brings back.
        relayed: the socket of the programs, whose peer standard input and output are; None: they
            are for orders alone.
        later: modules that only the programs after the first one find loaded.
    """

    def __init__(
        self, untouched: Untouched, relayed: Path | None, later: Sequence[str] = ()
    ) -> None:
        self._untouched = untouched
        self._relayed = relayed
        self._later = later
        self._program = 0  # its process; 0: none was started
        self._peer: socket.socket | None = None
        self._awaited = False  # the program's socket, which it makes while it boots
        self._listening = True  # standard input has not ended
        self._heard = b""  # of a line that is not whole yet
        self._held = b""  # for the program, until it can be reached
        self._selector = selectors.DefaultSelector()
        self._selector.register(0, selectors.EVENT_READ)
        self._deaths, told = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._selector.register(self._deaths, selectors.EVENT_READ)
        signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
        signal.set_wakeup_fd(told)

    def serve(self) -> Start:
        """Carry out orders until the program ends.

        Returns:
            Only in the process that is to become the program: what it is.
        """
        for order in self._orders():
            if order is None:
                self._clear()
            elif self._fork():
                return order
        raise AssertionError("orders end with the process")

    def _orders(self) -> Iterator[Start | None]:
        """Yield orders, None for `clear`; do everything else meanwhile."""
        while True:
            for key, _ in self._selector.select(CONNECT_RETRY_S if self._awaited else None):
                if key.fd == 0:
                    yield from self._hear()
                elif key.fd == self._deaths:
                    self._reap()
                else:
                    self._pass_back()
            if self._awaited:
                self._connect()

    def _hear(self) -> Iterator[Start | None]:
        """Read standard input; its end is passed on, and the end of a node without a program."""
        piece = os.read(0, PIECE)
        if not piece:
            self._listening = False
            self._selector.unregister(0)
            if not self._program:
                sys.exit(1)
            if self._peer is not None:
                self._peer.shutdown(socket.SHUT_WR)
            return
        self._heard += piece
        while b"\n" in self._heard:
            line, _, self._heard = self._heard.partition(b"\n")
            if line.startswith(START):
                yield self._start(json.loads(line[len(START) :]))
            elif line + b"\n" == CLEAR:
                yield None
            else:
                self._held += line + b"\n"
        self._pass_on()

    def _start(self, order: dict[str, object]) -> Start:
        size = int(str(order["size"]))
        parts = [self._heard[:size]]
        self._heard = self._heard[size:]
        missing = size - len(parts[0])
        while missing:
            piece = os.read(0, min(PIECE, missing))
            if not piece:
                sys.exit(1)
            parts.append(piece)
            missing -= len(piece)
        program = order["program"]
        assert isinstance(program, list)  # noqa: S101 - `emulator.backends.console` writes it
        return Start(program, b"".join(parts))

    def _fork(self) -> bool:
        """Make the program's process; True in that process, which has nothing of this one's."""
        pid = os.fork()
        if pid:
            self._program = pid
            self._awaited = self._relayed is not None
            return False
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        self._selector.close()
        null = os.open("/dev/null", os.O_RDONLY)
        os.dup2(null, 0)
        os.dup2(2, 1)
        os.closerange(FIRST_USABLE, os.sysconf("SC_OPEN_MAX"))
        return True

    def _connect(self) -> None:
        """Reach the program, once it listens."""
        peer = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            peer.connect(str(self._relayed))
        except OSError:
            peer.close()
            return
        self._awaited = False
        self._peer = peer
        self._selector.register(peer, selectors.EVENT_READ)
        self._pass_on()
        if not self._listening:
            peer.shutdown(socket.SHUT_WR)

    def _pass_on(self) -> None:
        if self._peer is not None and self._held:
            with suppress(OSError):  # it has ended; that is told when its end is read
                self._peer.sendall(self._held)
            self._held = b""

    def _pass_back(self) -> None:
        """Pass on what the program says, or that it has hung up."""
        if self._peer is None:
            return
        piece = b""
        with suppress(OSError):
            piece = self._peer.recv(PIECE)
        if piece:
            _say(piece)
            return
        self._hang_up()
        _say(HUNG_UP)

    def _hang_up(self) -> None:
        if self._peer is not None:
            self._selector.unregister(self._peer)
            self._peer.close()
            self._peer = None

    def _reap(self) -> None:
        """Take leave of whoever has ended; with the program, end."""
        with suppress(BlockingIOError):
            os.read(self._deaths, PIECE)
        with suppress(ChildProcessError):
            while (ended := os.waitpid(-1, os.WNOHANG))[0]:
                if ended[0] == self._program:
                    while self._peer is not None:  # its last words
                        self._pass_back()
                    sys.exit(os.waitstatus_to_exitcode(ended[1]) & 0xFF)

    def _clear(self) -> None:
        self._program, self._awaited, self._held = 0, False, b""
        # Orphans come to this process, so whoever is left is its child sooner or later.
        while children := _children():
            for pid in children:
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
        self._hang_up()
        self._untouched.bring_back()
        with suppress(OSError):  # a log that is no file cannot be emptied
            os.ftruncate(2, 0)
        _say(CLEARED)
        for module in self._later:
            importlib.import_module(module)


def _say(words: bytes) -> None:
    while words:
        words = words[os.write(1, words) :]


def _children() -> list[int]:
    """Return the children of this process, which has one thread."""
    pid = os.getpid()
    return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _entries(folder: Path) -> frozenset[Path]:
    return frozenset(folder.iterdir()) if folder.is_dir() else frozenset()


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _become(program: Sequence[str]) -> None:
    """Run a module as `python -m` would, also if it later puts a new image of itself here."""
    module, *arguments = program
    sys.argv = [module, *arguments]
    sys.orig_argv = [sys.executable, "-m", module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


def main() -> None:
    """Serve the node; in the program's process, be the program."""
    parser = argparse.ArgumentParser(description="the first process of a node")
    parser.add_argument("--state", required=True, type=Path)
    parser.add_argument("--volatile", action="append", default=[], type=Path)
    parser.add_argument("--changed", action="append", default=[], type=Path)
    parser.add_argument("--relay", type=Path)
    parser.add_argument("--module", action="append", default=[], help="a program needs it to boot")
    parser.add_argument("--later", action="append", default=[], help="a program needs it later on")
    options = parser.parse_args()
    if os.getpid() != 1:  # the namespace's first process gets orphans anyway
        ctypes.CDLL(None).prctl(SET_CHILD_SUBREAPER, 1)
    untouched = Untouched.take(options.state, options.volatile, options.changed)
    init = NodeInit(untouched, options.relay, options.later)
    for module in options.module:
        importlib.import_module(module)
    start = init.serve()
    if start.files:
        argv = ["tar", "-x", "-C", str(options.state)]
        subprocess.run(argv, input=start.files, check=True)
    _become(start.program)


if __name__ == "__main__":
    main()
