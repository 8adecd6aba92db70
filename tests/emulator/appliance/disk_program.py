"""A program that does the same things on a real disk or on a simulated one.

`disk_program.py FOLDER` works in a folder, for strace to watch; `disk_program.py --simulated`
prints the simulated disks' own logs as JSON lines instead. Both say which step comes next.
"""

from __future__ import annotations

import json
import os
import struct
import sys
from collections.abc import Callable
from pathlib import Path

from conftest import Rig, deterministic, started
from fake_box import START, Box

from emulator import factory
from emulator.appliance.linux.disk import LinuxDisk
from emulator.company import Company
from emulator.ports import Disk
from emulator.sim.disk import MountedDisk, Operation, SimDisk
from emulator.sim.life import Life

SUBNET = "198.18.7.0/24"
NETWORK = ("--address", "198.18.7.10", "--prefix", "24", "--gateway", "198.18.7.1")
MARK = "step: "


class QuietBox(Box):
    """A machine without threads: of these steps none needs one."""

    def start(self, name: str, body: Callable[[], None]) -> None:
        """Leave it."""


def main(mark: Callable[[str], None], disks: dict[str, Disk]) -> None:
    """Back up, snapshot, receive, import, take over."""
    company = Company(users=6)
    settings = factory.pair(1, "test", SUBNET, START, deterministic, company)
    for name, disk in disks.items():
        sounds = settings.sounds if name == "pbx1" else {}
        for path, pieces in factory.parcel(getattr(settings, name), sounds):
            file = disk.create(path)
            file.write(b"".join(pieces))
            file.close()
    mark("boot")
    active, standby = (started(QuietBox(one)) for one in disks.values())
    mark("epoch")
    active.run("epoch", "open", "--operation", "first", "--epoch", "1")
    mark("backup")
    active.run("backup", "create", "--operation", "full")
    mark("snapshot")
    made = active.run("snapshot", "create", "--operation", "run-1")
    mark("receive")
    seal = read(active, made["path"])
    sha256, token = made["sha256"], "1.1.1"
    asked = ["offer", token, "--size", str(len(seal)), "--sha256", sha256]
    data = seal
    for one in standby.run(*asked, stdin=seal)["missing"]:
        data += struct.pack(">32sQ", bytes.fromhex(one["sha256"]), 0)
        data += read(active, f"{made['blobs']}/{one['sha256'][:2]}/{one['sha256']}")
    sizes = ["--seal-size", str(len(seal)), "--size", str(len(data))]
    sent = ["receive", token, "--file", made["file"], *sizes, "--sha256", sha256]
    standby.run(*sent, stdin=data)
    mark("import")
    standby.run("import", token, "--file", made["file"])
    mark("release")
    active.run("snapshot", "release", made["file"])
    mark("takeover")
    standby.run("takeover", "--operation", "s1", "--epoch", "2", *NETWORK)
    standby.run("settle", "--operation", "s1")
    mark("end")


def read(rig: Rig, location: str) -> bytes:
    """Read a file of an appliance by what it calls its location."""
    root = rig.box.disk.location("").rstrip("/")
    with rig.box.disk.open(location.removeprefix(f"{root}/")) as file:
        return file.read()


def simulated() -> None:
    """Work on simulated disks, and print what each of them was asked to do."""
    platters = {name: SimDisk() for name in ("pbx1", "pbx2")}

    def mark(step: str) -> None:
        for platter in platters.values():
            platter.log.append(Operation("step", step))

    mounted = {name: MountedDisk(Life(name), one) for name, one in platters.items()}
    main(mark, mounted)
    for name, platter in platters.items():
        for one in platter.log:
            sys.stdout.write(json.dumps([name, one.call, one.path, one.size, one.target]) + "\n")


def real(folder: Path) -> None:
    """Work on the disk of this computer; the marks go where strace sees them."""
    disks = {name: LinuxDisk(folder / name) for name in ("pbx1", "pbx2")}
    main(lambda step: (os.write(2, f"{MARK}{step}\n".encode()), None)[1], disks)


if __name__ == "__main__":
    if sys.argv[1] == "--simulated":
        simulated()
    else:
        real(Path(sys.argv[1]).resolve())
