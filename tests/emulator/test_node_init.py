"""The first process of a node: orders, relaying, and clearing away what programs leave."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import tarfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from emulator.backends.console import Console
from emulator.node_init import Untouched

LIMIT_S = 20.0
ECHO = """
import socket, sys, os, subprocess, threading
listener = socket.socket(socket.AF_UNIX); listener.bind(sys.argv[1]); listener.listen()
peer, _ = listener.accept()
for line in peer.makefile("rb"):
    if line == b"end\\n": sys.exit(3)
    if line == b"leave\\n":
        left = subprocess.Popen(["sleep", "1000"], start_new_session=True).pid
        with open(sys.argv[2] + "/left", "w") as file: file.write(str(left))
        with open(sys.argv[3], "w") as file: file.write("changed")
    peer.sendall(line.upper())
"""


class Node:
    """A first process in a process of its own, on folders of the host."""

    def __init__(self, folder: Path) -> None:
        self.state, self.run = folder / "state", folder / "run"
        self.changed, self.socket = folder / "shadow", folder / "socket"
        for one in (self.state, self.run):
            one.mkdir()
        self.changed.write_text("as it was")
        (folder / "echo_program.py").write_text(ECHO)
        argv = [sys.executable, "-m", "emulator.node_init", "--state", str(self.state)]
        argv += ["--volatile", str(self.run), "--changed", str(self.changed)]
        argv += ["--relay", str(self.socket)]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        self.process = subprocess.Popen(argv, **pipes, env={"PYTHONPATH": f"{folder}:."})
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self._stdin = self.process.stdin
        self.console = Console(self._send, self.process.stdout, first=True)

    @property
    def program(self) -> list[str]:
        return ["echo_program", str(self.socket), str(self.run), str(self.changed)]

    def _send(self, data: bytes) -> None:
        self._stdin.write(data)
        self._stdin.flush()

    def hang_up(self) -> None:
        self._stdin.close()

    def start(self, files: bytes = b"") -> None:
        self.console.start(self.program, files)
        pipe = self.console.take_pipe()
        assert pipe is not None
        self.pipe, self.said = pipe, iter(pipe.lines())

    def ask(self, line: bytes) -> bytes:
        self.pipe.send(line)
        return next(self.said)


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    made = Node(tmp_path)
    yield made
    made.process.kill()
    made.process.wait()


def packed(**files: str) -> bytes:
    whole = io.BytesIO()
    with tarfile.open(fileobj=whole, mode="w") as archive:
        for name, text in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(text)
            archive.addfile(entry, io.BytesIO(text.encode()))
    return whole.getvalue()


def test_files_are_there_before_the_program_and_lines_reach_it_and_come_back(node: Node):
    node.start(packed(factory="settings"))

    assert node.ask(b"hello\n") == b"HELLO\n"
    assert (node.state / "factory").read_text() == "settings"


def test_what_is_said_before_the_program_listens_is_not_lost(node: Node):
    node.start()
    lines = [f"line {number}\n".encode() for number in range(500)]
    for line in lines:
        node.pipe.send(line)

    assert [next(node.said) for _ in lines] == [line.upper() for line in lines]


def test_the_end_of_the_program_is_the_end_of_the_node_with_its_status(node: Node):
    node.start()
    node.pipe.send(b"end\n")

    assert node.process.wait(LIMIT_S) == 3
    assert list(node.said) == []
    assert not node.console.clear(LIMIT_S)


def test_clearing_leaves_nothing_of_a_program_and_the_next_one_hears_nothing_of_it(node: Node):
    node.start(packed(factory="settings"))
    node.ask(b"leave\n")
    left = Path("/proc") / (node.run / "left").read_text()
    assert left.exists()
    earlier = node.pipe

    assert node.console.clear(LIMIT_S)

    assert not left.exists()
    assert [list(one.iterdir()) for one in (node.state, node.run)] == [[], []]
    assert node.changed.read_text() == "as it was"
    with pytest.raises(BrokenPipeError):
        earlier.send(b"too late\n")
    node.socket.unlink()
    node.start(packed(factory="others"))
    assert node.ask(b"anew\n") == b"ANEW\n"
    assert (node.state / "factory").read_text() == "others"


def test_a_node_that_has_run_a_program_of_another_process_cannot_be_cleared():
    sent: list[bytes] = []
    console = Console(sent.append, iter(()), first=False)

    assert not console.clear(LIMIT_S)
    assert sent == []


def test_a_node_without_orders_ends_and_one_with_a_program_goes_on(node: Node, tmp_path: Path):
    node.hang_up()
    assert node.process.wait(LIMIT_S) == 1

    (tmp_path / "other").mkdir()
    other = Node(tmp_path / "other")
    other.start()
    assert other.ask(b"x\n") == b"X\n"
    other.hang_up()  # which the program is told, as the end of its connection
    assert other.process.wait(LIMIT_S) == 0


def test_a_program_finds_what_it_needs_loaded_and_says_who_it_is(tmp_path: Path):
    state = tmp_path / "state"
    state.mkdir()
    (tmp_path / "told.py").write_text(
        "import json, sys\n"
        "print(json.dumps([sys.argv, sys.orig_argv[1:], 'colorsys' in sys.modules, __name__]))"
    )
    argv = [sys.executable, "-m", "emulator.node_init", "--state", str(state)]
    process = subprocess.Popen(
        [*argv, "--module", "colorsys"],
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={"PYTHONPATH": f"{tmp_path}:."},
    )
    order = json.dumps({"size": 0, "program": ["told", "--loud"]}).encode()
    _, said = process.communicate(b"start " + order + b"\n", LIMIT_S)

    arguments, original, loaded, name = json.loads(said)
    assert arguments[1:] == ["--loud"]
    assert original == ["-m", "told", "--loud"]
    assert loaded
    assert name == "__main__"


def test_what_was_there_stays_and_what_came_later_goes(tmp_path: Path):
    state, run, file = tmp_path / "state", tmp_path / "run", tmp_path / "file"
    (run / "kept").mkdir(parents=True)
    state.mkdir()
    untouched = Untouched.take(state, [run, run / "kept", run / "folder"], [file])
    (run / "kept" / "new").write_text("x")
    (run / "folder").mkdir()
    (run / "folder" / "inner").write_text("x")
    (run / "link").symlink_to(tmp_path)
    (state / "a").mkdir()
    file.write_text("made")

    untouched.bring_back()

    assert sorted(run.rglob("*")) == [run / "kept"]
    assert list(state.iterdir()) == []
    assert not file.exists()
    assert tmp_path.exists()


def test_clearing_gives_up_on_a_node_that_does_not_answer():
    silent = threading.Event()

    def lines() -> Iterator[bytes]:
        silent.wait(LIMIT_S)
        yield from ()

    console = Console(lambda _data: None, lines(), first=True)
    console.start(["program"])

    assert not console.clear(0.01)
    assert not console.blank
    silent.set()
