"""An ordinary user's labs: root of namespaces of their own (user_namespaces(7)).

A program starts again as root of a user namespace that owns a network and a mount namespace:
there it may do all that `netns` needs, and nothing outside. There are two recipes. With the
setuid helpers of the package `uidmap` and a range in /etc/subuid, all ids exist inside. Without
them there is one id only, so whatever asks for another must not: every account of a node is
root's (`emulator.backends.netns`), and setgroups(2), which the kernel refuses there and sshd
insists on, is answered with success by a seccomp filter without being done.
"""

from __future__ import annotations

import ctypes
import os
import platform
import pwd
import shutil
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from emulator.backends.processes import labelled
from emulator.lab import LabError

ANCHOR = "lan-anchor"  # the process that keeps a lab's part of the host (`emulator.backends.netns`)
ENTERED = "STANDBY_ENTERED"  # in the environment of what is started inside
HELPERS = ("newuidmap", "newgidmap")
TABLES = (Path("/etc/subuid"), Path("/etc/subgid"))
FIELDS = 3  # name:first:count
IDS_MIN = 65536  # so many ids a whole system has
# seccomp(2): of each architecture its audit number, and the number of setgroups(2)
SETGROUPS = {"x86_64": (0xC000003E, 116), "aarch64": (0xC00000B7, 159)}
INSTRUCTION = struct.Struct("HBBI")  # struct sock_filter
LOAD, JUMP_IF_EQUAL, RETURN = 0x20, 0x15, 0x06
NUMBER_OFFSET, ARCHITECTURE_OFFSET = 0, 4  # in struct seccomp_data
ALLOW, ANSWER_SUCCESS = 0x7FFF0000, 0x00050000  # SECCOMP_RET_ALLOW, SECCOMP_RET_ERRNO with 0
PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 38, 22, 2
# Inside, /sys is to show the namespace's own interfaces.
ENTRY = 'ip link set lo up && mount -t sysfs sysfs /sys && exec "$@"'


class NotRoot(LabError):  # noqa: N818 - says what is the matter
    """What was wished for needs to be root of namespaces.

    Attributes:
        lab: the lab whose namespaces those are; None: new ones.
    """

    def __init__(self, lab: str | None = None) -> None:
        super().__init__(
            "the backend netns needs a user who is root, if only in namespaces of his own",
            remedy="start the program inside of such: standby-lab unshare -- PROGRAM",
        )
        self.lab = lab


def is_root() -> bool:
    """Tell whether this process is root, be it of its own namespace only."""
    return os.geteuid() == 0


def was_entered() -> bool:
    """Tell whether this process is root of namespaces that `enter` has made."""
    return ENTERED in os.environ


def is_alone() -> bool:
    """Tell whether the user namespace that this process is in has one single id."""
    rows = Path("/proc/self/uid_map").read_text().splitlines()
    return sum(int(row.split()[2]) for row in rows) == 1


def enter(argv: Sequence[str], folder: Path, lab: str | None = None) -> NoReturn:
    """Replace this process by a program that is root of namespaces.

    Args:
        argv: the program and its arguments.
        folder: where this user's labs are registered.
        lab: enter the namespaces of this lab; None: make new ones.

    Raises:
        LabError: the lab has none that this user may enter, or the tools are missing.
    """
    entry = [*_new(), "sh", "-c", ENTRY, "sh"] if lab is None else _existing(folder, lab)
    try:
        if not _has_ids():
            _answer_setgroups()
        os.environ[ENTERED] = "1"
        os.execvp(entry[0], [*entry, *argv])  # noqa: S606 - no shell reads these arguments
    except OSError as error:
        raise LabError(
            f"{argv[0]} cannot be started in namespaces: {error}",
            remedy="standby-lab doctor says what is missing",
        ) from error


def _new() -> list[str]:
    ids = ["--map-auto"] if _has_ids() else []
    return ["unshare", "--user", "--map-root-user", *ids, "--net", "--mount", "--"]


def _existing(folder: Path, lab: str) -> list[str]:
    anchors = (
        one.pid
        for one in labelled()
        if (one.lab, one.node, one.folder) == (lab, ANCHOR, str(folder))
    )
    anchor = next(anchors, None)
    if anchor is None:
        raise LabError(
            f"nothing of {lab} runs any more under this user",
            remedy=f"remove what is left of it: standby-lab down {lab}",
        )
    spaces = ["--user", "--preserve-credentials", "--net", "--mount"]
    return ["nsenter", "-t", str(anchor), *spaces, "--"]


def _has_ids() -> bool:
    """Tell whether this user has a range of ids, and the helpers that may map it."""
    try:
        user = pwd.getpwuid(os.getuid())
    except KeyError:
        return False  # the helpers ask for the name
    helped = all(shutil.which(name) for name in HELPERS)
    return helped and all(
        largest_range(table, user.pw_name, user.pw_uid) >= IDS_MIN for table in TABLES
    )


def largest_range(table: Path, name: str, uid: int) -> int:
    """Return how many ids a table gives a user in one piece, by name or number (subuid(5))."""
    try:
        rows = [row.split(":") for row in table.read_text().splitlines()]
    except OSError:
        return 0
    own = [row[2] for row in rows if len(row) == FIELDS and row[0] in (name, str(uid))]
    return max((int(count) for count in own if count.isdecimal()), default=0)


def _answer_setgroups() -> None:
    """Have setgroups(2) succeed without effect, in this process and all that it becomes.

    Raises:
        OSError: the kernel takes no filter.
    """
    known = SETGROUPS.get(platform.machine())
    if known is None:
        raise OSError(f"the number of setgroups(2) on {platform.machine()} is not known here")
    architecture, number = known
    program = b"".join(
        INSTRUCTION.pack(*one)
        for one in (
            (LOAD, 0, 0, ARCHITECTURE_OFFSET),
            (JUMP_IF_EQUAL, 0, 3, architecture),
            (LOAD, 0, 0, NUMBER_OFFSET),
            (JUMP_IF_EQUAL, 0, 1, number),
            (RETURN, 0, 0, ANSWER_SUCCESS),
            (RETURN, 0, 0, ALLOW),
        )
    )
    code = ctypes.create_string_buffer(program, len(program))
    fprog = struct.pack("HxxxxxxP", len(program) // INSTRUCTION.size, ctypes.addressof(code))
    library = ctypes.CDLL(None, use_errno=True)
    for order in (
        (PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0),
        (PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.create_string_buffer(fprog, len(fprog)), 0, 0),
    ):
        if library.prctl(*order):
            error = ctypes.get_errno()
            raise OSError(error, f"prctl: {os.strerror(error)}")
