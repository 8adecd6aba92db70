"""The switch by itself, in a network namespace of the test's own."""

from __future__ import annotations

import contextlib
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from emulator.agents.namespace import NetworkNamespace, run_ip
from emulator.agents.switch import Switch


def is_up(cable: str) -> bool:
    shown = subprocess.run(["ip", "-o", "link", "show", cable], capture_output=True, check=True)
    return b",UP" in shown.stdout or b"<UP" in shown.stdout


@contextlib.contextmanager
def plugged_in() -> Iterator[tuple[subprocess.Popen[bytes], Switch]]:
    """Lay a cable to a box of its own namespace; inside the switch's namespace."""
    script = "ip link set lo up; echo up; read go; ip link set eth0 up; echo go; exec sleep 60"
    argv = ["unshare", "--net", "sh", "-c", script]
    with (
        subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as box,
        NetworkNamespace().entered(),
    ):
        assert box.stdin is not None
        assert box.stdout is not None
        box.stdout.readline()
        # A container engine keeps the namespace of a dead container for a while.
        with Path(f"/proc/{box.pid}/ns/net").open():
            run_ip("link add lan type bridge", "link set lan up")
            switch = Switch("lan")
            switch.plug("cable", box.pid)
            box.stdin.write(b"go\n")
            box.stdin.flush()
            box.stdout.readline()
            yield box, switch
            box.kill()


@pytest.mark.netns
def test_a_detached_cable_keeps_its_carrier_but_leads_nowhere():
    with plugged_in() as (box, switch):
        switch.detach("cable")

        inside = ["nsenter", f"--net=/proc/{box.pid}/ns/net"]
        seen = subprocess.check_output([*inside, "ip", "link", "show", "eth0"])
        assert b"LOWER_UP" in seen
        assert b"master" not in subprocess.check_output(["ip", "link", "show", "cable"])


@pytest.mark.netns
def test_detaching_a_cable_that_is_gone_already_is_no_error():
    with plugged_in() as (_, switch):
        run_ip("link del cable")

        switch.detach("cable")


@pytest.mark.netns
def test_cable_goes_dark_with_the_process_that_it_was_laid_to():
    with plugged_in() as (box, _):
        assert is_up("cable")

        box.kill()
        box.wait()

        pause = threading.Event()
        for _ in range(200):
            if not is_up("cable"):
                break
            pause.wait(0.01)
        assert not is_up("cable")
