"""Making and keeping backups."""

from __future__ import annotations

import stat
import threading
from pathlib import Path

import pytest


@pytest.fixture
def rig(bench):
    return bench.boot("pbx1")


def test_same_operation_returns_the_same_backup(rig):
    first = rig.run("backup", "create", "--operation", "op")
    assert rig.run("backup", "create", "--operation", "op") == first
    assert rig.run("backup", "create", "--operation", "other")["generation"] == 2


@pytest.mark.covers("D15")
def test_backup_is_readable_by_its_owner_only(rig):
    path = Path(rig.run("backup", "create", "--operation", "op")["path"])
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.covers("D3", "O3")
def test_held_backup_outlives_rotation_until_it_is_released(rig):
    held = rig.run("backup", "create", "--operation", "held")["file"]
    rig.run("backup", "hold", held)
    for number in range(7):
        rig.run("backup", "create", "--operation", f"op{number}")
    files = rig.box.disk.list("backups")
    assert held in files
    assert len(files) == 6
    rig.run("backup", "release", held)
    assert held not in rig.box.disk.list("backups")
    assert rig.refusal("backup", "hold", held) == "no-such-file"


def test_second_backup_is_refused_while_one_is_written(bench):
    rig = bench.boot("pbx1")
    disk = rig.box.disk
    begun, go_on = threading.Event(), threading.Event()

    class SlowDisk:
        def __getattr__(self, name):
            return getattr(disk, name)

        def create(self, path, mode=0o600):
            if path.startswith("backups/"):
                begun.set()
                assert go_on.wait(10)
            return disk.create(path, mode)

    rig.box.disk = SlowDisk()
    writer = threading.Thread(target=rig.run, args=("backup", "create", "--operation", "one"))
    writer.start()
    assert begun.wait(10)
    assert rig.run("status")["busy"]["backup"]
    assert rig.refusal("backup", "create", "--operation", "two") == "busy"
    go_on.set()
    writer.join(10)
    assert [one["generation"] for one in rig.run("backup", "list")["backups"]] == [1]


def test_unfinished_backup_is_gone_after_a_reboot_and_nothing_is_held(bench):
    rig = bench.boot("pbx1")
    kept = rig.run("backup", "create", "--operation", "op")["file"]
    rig.run("backup", "hold", kept)
    file = rig.box.disk.create("backups/pbx1-000009.sar.part")
    file.write(b"torn")
    file.close()
    rig.appliance.shutdown()
    again = bench.boot("pbx1")
    assert again.box.disk.list("backups") == [kept]
    assert [one["held"] for one in again.run("backup", "list")["backups"]] == [False]


def test_backup_that_vanished_is_forgotten(bench):
    rig = bench.boot("pbx1")
    made = rig.run("backup", "create", "--operation", "op")
    Path(made["path"]).unlink()
    rig.appliance.shutdown()
    again = bench.boot("pbx1")
    assert again.run("backup", "list") == {"backups": []}
    assert again.run("backup", "create", "--operation", "op")["generation"] == 2
