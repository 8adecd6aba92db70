"""What a power cut may leave: every combination, the telling ones first."""

from emulator.sim.disk import MountedDisk, SimDisk
from emulator.sim.life import Life
from emulator.sim.survivors import LEAST, Part, Survivor, survivors

NAME = (Part.NOTHING, Part.ALL)
FILE = (Part.NOTHING, Part.HALF, Part.ALL)


def after(survivor, work):
    """Return what programs find on a disk after some work and a power cut."""
    platter = SimDisk()
    work(MountedDisk(Life("pbx1"), platter))
    platter.power_cut(survivor)
    return {path: bytes(platter.inode(path).cached) for path in platter.paths()}


def rename_without_any_sync(disk):
    disk.create("a/new.part").write(b"12345678")
    disk.rename("a/new.part", "a/new")


def test_nothing_pending_leaves_one_world():
    found = survivors((), 64)
    assert (found.examined, found.possible) == ((LEAST,), 1)


def test_every_combination_is_listed_once_where_the_bound_allows_it():
    found = survivors((NAME, NAME, FILE), 64)
    assert found.possible == 12
    assert len(set(found.examined)) == len(found.examined) == 12


def test_the_least_and_the_most_come_first_then_what_a_disk_in_order_leaves():
    kept = [one.kept for one in survivors((NAME, NAME, NAME), 4).examined]
    nothing, whole = Part.NOTHING, Part.ALL
    assert kept == [
        (nothing, nothing, nothing),
        (whole, whole, whole),
        (whole, nothing, nothing),
        (whole, whole, nothing),
    ]


def test_beyond_the_bound_it_is_said_how_many_there_are():
    found = survivors((NAME,) * 10, 16)
    assert len(found.examined) == 16
    assert found.possible == 1024


def test_a_disk_may_keep_everything_that_was_never_synced():
    kept = Survivor((Part.ALL, Part.ALL, Part.ALL))
    assert after(kept, rename_without_any_sync) == {"a/new": b"12345678"}


def test_a_disk_may_keep_the_name_and_lose_the_bytes():
    kept = Survivor((Part.ALL, Part.ALL, Part.NOTHING))
    assert after(kept, rename_without_any_sync) == {"a/new": b""}


def test_a_disk_may_tear_the_bytes():
    kept = Survivor((Part.ALL, Part.NOTHING, Part.HALF))
    assert after(kept, rename_without_any_sync) == {"a/new.part": b"1234"}


def test_a_disk_may_keep_a_truncation_without_the_bytes_that_followed():
    def overwrite(disk):
        file = disk.create("x")
        file.write(b"old")
        file.sync()
        disk.sync_dir("")
        disk.create("x").write(b"new!")

    assert after(Survivor((Part.HALF,)), overwrite) == {"x": b"ne"}
    assert after(LEAST, overwrite) == {"x": b"old"}


def test_what_a_folder_synced_is_in_every_world():
    def synced(disk):
        file = disk.create("a/x.part")
        file.write(b"1")
        file.sync()
        disk.rename("a/x.part", "a/x")
        disk.sync_dir("a")

    platter = SimDisk()
    synced(MountedDisk(Life("pbx1"), platter))
    assert platter.pending() == ()
    assert after(LEAST, synced) == {"a/x": b"1"}


def test_nothing_is_told_apart_in_a_file_that_nobody_reads():
    platter = SimDisk()
    disk = MountedDisk(Life("pbx1"), platter)
    disk.append("log/events.jsonl").write(b"line\n")
    assert survivors(platter.pending(frozenset({"log/events.jsonl"})), 64).possible == 1
    assert survivors(platter.pending(), 64).possible == 6


def test_two_survivors_with_the_same_image_are_the_same_world():
    platter = SimDisk()
    disk = MountedDisk(Life("pbx1"), platter)
    disk.create("x").write(b"1234")
    nameless, torn = Survivor((Part.NOTHING, Part.ALL)), Survivor((Part.ALL, Part.HALF))
    assert platter.image(nameless) == platter.image(LEAST)
    assert platter.image(torn) != platter.image(LEAST)


class Witness:
    """Notes each operation, and which files there are then."""

    def __init__(self, platter):
        self.platter = platter
        self.seen = []

    def before(self, operation, data):
        self.seen.append(("before", str(operation), data, self.platter.paths()))

    def after(self, operation):
        self.seen.append(("after", str(operation), b"", self.platter.paths()))


def test_an_onlooker_sees_each_operation_before_and_after_it():
    platter = SimDisk()
    witness = platter.onlooker = Witness(platter)
    disk = MountedDisk(Life("pbx1"), platter)
    disk.create("x").write(b"12")
    disk.sync_all()
    assert witness.seen == [
        ("before", "create x", b"", []),
        ("after", "create x", b"", ["x"]),
        ("before", "write x 2 bytes", b"12", ["x"]),
        ("after", "write x 2 bytes", b"", ["x"]),
        ("before", "sync_all .", b"", ["x"]),
        ("after", "sync_all .", b"", ["x"]),
    ]


def test_after_a_sync_of_all_nothing_is_pending():
    platter = SimDisk()
    disk = MountedDisk(Life("pbx1"), platter)
    rename_without_any_sync(disk)

    disk.sync_all()

    assert platter.pending() == ()
    platter.power_cut()
    assert bytes(platter.inode("a/new").cached) == b"12345678"
