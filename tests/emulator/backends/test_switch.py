"""The switch by itself, in a network namespace of the test's own."""

from __future__ import annotations

import subprocess
import threading
from pathlib import Path

import pytest

from emulator.agents.namespace import NetworkNamespace, run_ip
from emulator.agents.switch import Switch


def is_up(cable: str) -> bool:
    shown = subprocess.run(["ip", "-o", "link", "show", cable], capture_output=True, check=True)
    return b",UP" in shown.stdout or b"<UP" in shown.stdout


@pytest.mark.netns
def test_cable_goes_dark_with_the_process_that_it_was_laid_to():
    box = subprocess.Popen(
        ["unshare", "--net", "sh", "-c", "echo up; exec sleep 60"], stdout=subprocess.PIPE
    )
    assert box.stdout is not None
    box.stdout.readline()
    # A container engine keeps the namespace of a dead container for a while.
    with Path(f"/proc/{box.pid}/ns/net").open(), NetworkNamespace().entered():
        run_ip("link add lan type bridge", "link set lan up")
        Switch("lan").plug("cable", box.pid)
        assert is_up("cable")

        box.kill()
        box.communicate()

        pause = threading.Event()
        for _ in range(200):
            if not is_up("cable"):
                break
            pause.wait(0.01)
        assert not is_up("cable")
