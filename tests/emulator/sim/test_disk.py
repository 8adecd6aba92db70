"""The simulated disk: what a power cut and what SIGKILL leave."""

import pytest

from emulator.sim.disk import STATE_DIR, MountedDisk, SimDisk
from emulator.sim.life import Life, PowerLost


@pytest.fixture
def platter():
    return SimDisk()


@pytest.fixture
def life():
    return Life("pbx1")


@pytest.fixture
def disk(platter, life):
    return MountedDisk(life, platter)


def write(disk, path, data, *, sync=True, sync_dir=True):
    file = disk.create(path)
    file.write(data)
    if sync:
        file.sync()
    file.close()
    if sync_dir:
        disk.sync_dir(path.rpartition("/")[0])


def test_power_cut_keeps_what_was_synced_with_its_name(disk, platter):
    write(disk, "backups/a.sar", b"whole")
    platter.power_cut()
    assert disk.open("backups/a.sar").read() == b"whole"


def test_power_cut_loses_a_name_whose_folder_was_not_synced(disk, platter):
    write(disk, "backups/a.sar", b"whole", sync_dir=False)
    platter.power_cut()
    assert disk.list("backups") == []


def test_power_cut_empties_a_file_whose_bytes_were_not_synced(disk, platter):
    write(disk, "backups/a.sar", b"whole", sync=False)
    platter.power_cut()
    assert disk.size("backups/a.sar") == 0


def test_power_cut_brings_back_the_synced_bytes_of_a_truncated_file(disk, platter):
    write(disk, "log/x", b"old")
    disk.create("log/x").write(b"new")
    platter.power_cut()
    assert disk.open("log/x").read() == b"old"


def test_power_cut_keeps_the_synced_part_of_a_log(disk, platter):
    log = disk.append("log/events")
    log.write(b"one\n")
    log.sync()
    disk.sync_dir("log")
    log.write(b"two\n")
    platter.power_cut()
    assert disk.open("log/events").read() == b"one\n"


def test_power_cut_undoes_a_rename_that_was_not_synced(disk, platter):
    write(disk, "content/now", b"old")
    write(disk, "content/next", b"new")
    disk.rename("content/next", "content/now")
    platter.power_cut()
    assert disk.open("content/now").read() == b"old"
    assert disk.list("content") == ["next", "now"]


def test_sigkill_keeps_the_page_cache(disk, platter, life):
    write(disk, "backups/a.sar", b"whole", sync=False, sync_dir=False)
    life.alive = False
    again = MountedDisk(Life("pbx1"), platter)
    assert again.open("backups/a.sar").read() == b"whole"


def test_the_disk_of_a_dead_node_refuses_to_act(disk, life):
    file = disk.create("incoming/a.part")
    life.alive = False
    for act in (
        lambda: file.write(b"late"),
        file.sync,
        lambda: disk.unlink("incoming/a.part"),
        lambda: disk.create("x"),
        lambda: disk.sync_dir("incoming"),
    ):
        with pytest.raises(PowerLost):
            act()
    file.close()


def test_every_call_is_logged_as_the_kernel_would_see_it(disk, platter):
    write(disk, "a/x", b"123")
    disk.rename("a/x", "a/y")
    disk.unlink("a/y")
    assert [(one.call, one.path, one.size, one.target) for one in platter.log] == [
        ("create", "a/x", 0, ""),
        ("write", "a/x", 3, ""),
        ("sync", "a/x", 0, ""),
        ("sync_dir", "a", 0, ""),
        ("rename", "a/x", 0, "a/y"),
        ("unlink", "a/y", 0, ""),
    ]


def test_a_missing_file_is_not_found(disk):
    for act in (disk.open, disk.size, disk.unlink):
        with pytest.raises(FileNotFoundError):
            act("backups/none.sar")
    assert disk.list("backups") == []


def test_paths_outside_of_the_state_directory_are_refused(disk):
    for path in ("../x", "/etc/passwd", "a/../../x", ""):
        with pytest.raises(ValueError, match="below the state directory"):
            disk.create(path)


def test_a_location_is_absolute(disk):
    assert disk.location("backups/a.sar") == f"{STATE_DIR}/backups/a.sar"


def test_a_committed_transaction_outlives_a_power_cut(disk, platter):
    database = disk.database("identity.db")
    for value in (1, 2):
        with database.transaction() as connection:
            connection.execute("CREATE TABLE IF NOT EXISTS t (a)")
            connection.execute("INSERT INTO t VALUES (?)", (value,))
    platter.power_cut()
    again = MountedDisk(Life("pbx1"), platter).database("identity.db")
    with again.transaction() as connection:
        connection.execute("INSERT INTO t VALUES (3)")
    platter.power_cut()
    last = MountedDisk(Life("pbx1"), platter).database("identity.db")
    assert [row["a"] for row in last.read("SELECT a FROM t ORDER BY a")] == [1, 2, 3]


def test_a_transaction_that_fails_changes_nothing(disk):
    database = disk.database("identity.db")
    with database.transaction() as connection:
        connection.execute("CREATE TABLE t (a)")
    with pytest.raises(RuntimeError), database.transaction() as connection:  # noqa: PT012 - the body is what fails
        connection.execute("INSERT INTO t VALUES (1)")
        raise RuntimeError
    assert database.read("SELECT a FROM t") == []


def test_a_transaction_during_which_the_power_fails_never_happened(disk, platter, life):
    database = disk.database("identity.db")
    with database.transaction() as connection:
        connection.execute("CREATE TABLE t (a)")
    with pytest.raises(PowerLost), database.transaction() as connection:  # noqa: PT012 - as above
        connection.execute("INSERT INTO t VALUES (1)")
        life.alive = False
    platter.power_cut()
    assert MountedDisk(Life("pbx1"), platter).database("identity.db").read("SELECT a FROM t") == []


def test_a_transaction_that_changes_nothing_does_not_write(disk, platter):
    database = disk.database("identity.db")
    with database.transaction() as connection:
        connection.execute("CREATE TABLE t (a)")
    before = len(platter.log)
    with database.transaction() as connection:
        connection.execute("UPDATE t SET a = 1")
    assert len(platter.log) == before


def test_two_users_of_a_database_see_the_same(disk):
    first, second = disk.database("x.db"), disk.database("x.db")
    with first.transaction() as connection:
        connection.execute("CREATE TABLE t (a)")
    first.close()
    first.close()
    assert second.read("SELECT * FROM t") == []
    second.close()
    assert disk.database("x.db").read("SELECT * FROM t") == []
