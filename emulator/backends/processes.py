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
