"""Processes by label: the environment variables that every process of a lab inherits."""

from __future__ import annotations

import contextlib
import os
import select
import signal
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

LAB = "STANDBY_LAB"
NODE = "STANDBY_NODE"
FOLDER = "STANDBY_FOLDER"
DEATH_LIMIT_MS = 10_000


@dataclass(frozen=True)
class LabProcess:
    """A process of a lab.

    Attributes:
        pid: as the host sees it.
        lab, node, folder: its labels; the folder is where its lab is registered.
        init: it is the first process of a PID namespace of its own.
    """

    pid: int
    lab: str
    node: str
    folder: str
    init: bool


def labelled() -> list[LabProcess]:
    """Return the processes of all labs that this user may look at."""
    found = (_labels(int(one.name)) for one in Path("/proc").iterdir() if one.name.isdecimal())
    return [one for one in found if one is not None]


def lives(pid: int) -> bool:
    """Say whether a process of a lab, known by its id, has not ended."""
    return _labels(pid) is not None


def _labels(pid: int) -> LabProcess | None:
    folder = Path("/proc") / str(pid)
    try:
        pairs = (folder / "environ").read_bytes().split(b"\0")
        environment = dict(
            pair.decode().split("=", 1) for pair in pairs if pair.startswith(b"STANDBY_")
        )
        if not {LAB, NODE, FOLDER} <= environment.keys():
            return None
        status = (folder / "status").read_text()
    except (OSError, UnicodeDecodeError):
        return None  # it ended meanwhile, or belongs to somebody else
    names = next((line for line in status.splitlines() if line.startswith("NSpid:")), "")
    pids = names.split()[1:]
    inner = len(pids) > 1 and pids[-1] == "1"
    return LabProcess(pid, environment[LAB], environment[NODE], environment[FOLDER], inner)


def kill(pids: Iterable[int]) -> None:
    """Kill processes by SIGKILL and wait until they are dead.

    The death of a PID namespace's first process is the death of all in it.
    """
    handles = []
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            handle = os.pidfd_open(pid)
            signal.pidfd_send_signal(handle, signal.SIGKILL)
            handles.append(handle)
    for handle in handles:
        waiter = select.poll()
        waiter.register(handle, select.POLLIN)
        waiter.poll(DEATH_LIMIT_MS)
        os.close(handle)


def stop(init: int) -> None:
    """Stop every process in the PID namespace of a first process by SIGSTOP.

    The first process itself is stopped too: the signal comes from outside its namespace. One
    that forks meanwhile is seen in the next look.
    """
    stopped: set[int] = set()
    while fresh := [pid for pid in _inhabitants(init) if pid not in stopped]:
        for pid in fresh:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGSTOP)
            stopped.add(pid)


def go_on(init: int) -> None:
    """Let every process in the PID namespace of a first process go on."""
    for pid in _inhabitants(init):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)


def _inhabitants(init: int) -> list[int]:
    home = _namespace(init)
    pids = (int(one.name) for one in Path("/proc").iterdir() if one.name.isdecimal())
    return [pid for pid in pids if home and _namespace(pid) == home]


def _namespace(pid: int) -> str:
    try:
        return str(Path(f"/proc/{pid}/ns/pid").readlink())
    except OSError:
        return ""  # it ended meanwhile
