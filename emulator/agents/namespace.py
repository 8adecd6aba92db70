"""Network namespaces of stations, and the ports that they have to the LAN."""

from __future__ import annotations

import contextlib
import ctypes
import os
import subprocess
from collections.abc import Iterator

CLONE_NEWNET = 0x40000000  # linux/sched.h


class NetworkNamespace:
    """A network namespace that lives as long as its file descriptor (namespaces(7)).

    Threads and processes that are started inside of `entered` stay there, as do sockets
    that are opened there.
    """

    def __init__(self) -> None:
        home = _own()
        try:
            _call("unshare", CLONE_NEWNET)
            self._handle = _own()
        finally:
            _call("setns", home, CLONE_NEWNET)
            os.close(home)

    @property
    def path(self) -> str:
        """Return how other programs name it."""
        return f"/proc/{os.getpid()}/fd/{self._handle}"

    @contextlib.contextmanager
    def entered(self) -> Iterator[None]:
        """Let the calling thread stand in this namespace."""
        home = _own()
        try:
            _call("setns", self._handle, CLONE_NEWNET)
            yield
        finally:
            _call("setns", home, CLONE_NEWNET)
            os.close(home)


def run_ip(*lines: str) -> None:
    """Run iproute2 commands in one batch, in the calling thread's namespace.

    Raises:
        OSError: one of them failed; with iproute2's words.
    """
    batch = "\n".join(lines).encode()
    done = subprocess.run(["ip", "-batch", "-"], input=batch, capture_output=True, check=False)
    if done.returncode:
        raise OSError(f"ip: {done.stderr.decode(errors='replace').strip()}")


def _own() -> int:
    return os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)


def _call(name: str, *arguments: int) -> None:
    """Call the C library; Python has these two from 3.12 on."""
    library = ctypes.CDLL(None, use_errno=True)
    if getattr(library, name)(*arguments):
        error = ctypes.get_errno()
        raise OSError(error, f"{name}: {os.strerror(error)}")
