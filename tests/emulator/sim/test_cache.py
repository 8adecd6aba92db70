"""A simulated disk that tears, keeps, lies, or is exchanged for an older copy of itself."""

import pytest

from emulator.sim.disk import MountedDisk, SimDisk
from emulator.sim.life import Life


def begun(platter):
    """A file that was synced, and then more of it that was not."""
    disk = MountedDisk(Life("pbx1"), platter)
    file = disk.create("x")
    file.write(b"old.")
    file.sync()
    disk.sync_dir("")
    file.write(b"12345678")
    disk.create("y").write(b"new")
    return disk


def left(platter):
    platter.power_cut(platter.cache.survivor(platter.pending()))
    return {path: bytes(platter.inode(path).cached) for path in platter.paths()}


@pytest.mark.parametrize(
    ("manner", "expected"),
    [
        ("well", {"x": b"old."}),
        ("torn", {"x": b"old.1234", "y": b"n"}),
        ("kept", {"x": b"old.12345678", "y": b"new"}),
    ],
)
def test_what_a_power_cut_leaves_is_as_the_cache_has_it(manner, expected):
    platter = SimDisk()
    platter.cache.behave(manner)
    begun(platter)
    assert left(platter) == expected


def test_a_lying_disk_keeps_nothing_that_it_said_was_durable():
    platter = SimDisk()
    disk = begun(platter)
    platter.cache.behave("lying")
    file = disk.append("x")
    file.write(b"promised")
    file.sync()
    disk.sync_dir("")
    disk.sync_all()
    assert left(platter) == {"x": b"old."}
    assert platter.cache.behave("well") == 3


def test_what_a_lying_disk_was_told_survives_when_it_is_healed_in_time():
    platter = SimDisk()
    platter.cache.behave("lying")
    begun(platter)
    platter.flush()
    platter.cache.behave("well")
    assert left(platter) == {"x": b"old.12345678", "y": b"new"}


def test_a_copy_of_a_disk_stays_as_it_was_and_can_be_put_in_twice():
    platter = SimDisk()
    disk = begun(platter)
    copy = platter.copy()
    for _ in range(2):
        disk.create("x").write(b"later")
        disk.sync_all()
        disk.unlink("x")
        disk.sync_dir("")
        platter.become(copy)
        assert left(platter) == {"x": b"old."}
