"""Databases that are damaged, of a newer format, or locked: said clearly, and nothing is lost."""

from __future__ import annotations

import contextlib
import io
import os
import signal
import sqlite3
from datetime import timedelta
from pathlib import Path

import pytest

from emulator.appliance.appliance import Appliance
from emulator.appliance.databases import FORMAT, OutOfOrder
from emulator.appliance.linux.disk import LinuxDisk
from emulator.appliance.web.rescue import RescuePage
from emulator.ports import DatabaseLockedError

IDENTITY, MAIL, CONTENT = "identity.db", "mail.db", "content/000001.db"
ALL = [IDENTITY, MAIL, CONTENT]


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def scramble(path: Path) -> None:
    path.write_bytes(b"no database " * 500)


def gut(path: Path) -> None:
    """Overwrite everything behind the first page."""
    data = path.read_bytes()
    path.write_bytes(data[:4096] + b"\xff" * (len(data) - 4096))


def drop_table(path: Path) -> None:
    with contextlib.closing(sqlite3.connect(path)) as database:
        tables = database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        for (name,) in tables:
            if not name.startswith("sqlite_"):
                database.execute(f"DROP TABLE {name}")
        database.execute("CREATE TABLE other (id)")
        database.commit()


def raise_format(path: Path) -> None:
    with contextlib.closing(sqlite3.connect(path)) as database:
        database.execute(f"PRAGMA user_version = {FORMAT + 1}")


DAMAGES = [truncate, scramble, gut, drop_table]


@pytest.fixture
def off(bench):
    """An appliance with some state that was shut down; a backup of it."""
    rig = bench.boot("pbx1")
    made = rig.run("backup", "create", "--operation", "b")
    rig.run("mail", "enqueue", stdin=b'[{"message_id": "<1@x>", "recipient": "a@b.c",'
            b' "subject": "s", "body": "b"}]')  # fmt: skip
    rig.box.calendar.await_quiet()
    digest = rig.run("content", "digest")
    parts = rig.appliance.parts
    rig.appliance.shutdown()
    for thread in rig.box.threads:
        thread.join(10)
    for database in (parts.identity, parts.content, parts.mail):  # the program has ended
        database.close()
    return rig, made["file"], digest


def refused(bench, disk=None):
    with pytest.raises(OutOfOrder) as caught:
        bench.boot("pbx1", disk)
    return caught.value


@pytest.mark.parametrize("damage", DAMAGES)
def test_an_appliance_without_its_identity_stays_off_and_touches_nothing(bench, off, damage):
    rig, _, _ = off
    damage(rig.path(IDENTITY))
    before = rig.path(IDENTITY).read_bytes()
    trouble = refused(bench)
    assert trouble.code == "damaged"
    assert IDENTITY in trouble.message
    assert rig.path(IDENTITY).read_bytes() == before


def test_an_identity_that_is_empty_is_no_first_boot(bench, off):
    rig, _, _ = off
    rig.path(IDENTITY).write_bytes(b"")
    assert refused(bench).code == "damaged"


@pytest.mark.covers("D15")
@pytest.mark.parametrize("left", [None, b"", b"short", b"k" * 33, b"k" * 32])
def test_an_appliance_whose_key_is_gone_or_wrong_says_so_and_makes_no_other(bench, off, left):
    rig, _, _ = off
    key = rig.path("secrets.key")
    right = key.read_bytes()
    if left is None:
        key.unlink()
    else:
        key.write_bytes(left)
    before = rig.path(IDENTITY).read_bytes()
    trouble = refused(bench)
    assert (trouble.code, "secrets.key" in trouble.message) == ("secrets", True)
    assert "copy" in trouble.remedy
    assert (key.read_bytes() if key.exists() else None) == left
    assert rig.path(IDENTITY).read_bytes() == before
    key.write_bytes(right)
    assert bench.boot("pbx1").run("content", "digest") == off[2]


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_content_is_kept_aside_whole_and_a_backup_brings_it_back(bench, off, damage):
    rig, backup, digest = off
    damage(rig.path(CONTENT))
    before = rig.path(CONTENT).read_bytes()
    blobs = sorted(one.name for one in rig.path("blobs").rglob("*") if one.is_file())
    again = bench.boot("pbx1")
    (kept,) = again.run("status")["kept_aside"]
    assert kept.endswith("000001.db")
    assert rig.path(f"damaged/{kept}").read_bytes() == before
    assert sorted(one.name for one in rig.path("blobs").rglob("*") if one.is_file()) == blobs
    assert [cause for cause, _ in again.box.happened("database.set-aside")] == [CONTENT]
    assert again.refusal("backup", "create", "--operation", "x") == "no-administrator"
    assert again.refusal("snapshot", "create", "--operation", "x") == "no-administrator"
    again.run("restore", "--file", backup)
    assert again.run("content", "digest") == digest
    assert rig.path(f"damaged/{kept}").read_bytes() == before
    again.run("damaged", "remove", kept)
    assert again.run("status")["kept_aside"] == []
    assert again.refusal("damaged", "remove", "../identity.db") == "no-such-file"


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_mail_queue_is_kept_aside_and_a_new_one_begun(bench, off, damage):
    rig, _, digest = off
    damage(rig.path(MAIL))
    before = rig.path(MAIL).read_bytes()
    again = bench.boot("pbx1")
    assert again.run("mail", "list") == {"mails": []}
    (kept,) = again.run("status")["kept_aside"]
    assert rig.path(f"damaged/{kept}").read_bytes() == before
    assert again.run("content", "digest") == digest


@pytest.mark.parametrize("database", ALL)
def test_a_newer_format_is_refused_and_left_as_it_is(bench, off, database):
    rig, _, _ = off
    raise_format(rig.path(database))
    before = rig.path(database).read_bytes()
    trouble = refused(bench)
    assert trouble.code == "newer-format"
    assert f"{database} is of format {FORMAT + 1}" in trouble.message
    assert "start the version again" in trouble.remedy
    assert rig.path(database).read_bytes() == before
    assert rig.box.disk.list("damaged") == []


@pytest.mark.parametrize("database", ALL)
def test_a_locked_database_is_waited_for_and_then_named_with_who_has_it(bench, off, database):
    rig, _, _ = off
    holder = sqlite3.connect(rig.path(database), isolation_level=None)
    holder.execute("PRAGMA locking_mode = EXCLUSIVE")
    holder.execute("BEGIN EXCLUSIVE")
    folder = LinuxDisk(bench.root / "pbx1", lock_limit_s=0.2)
    trouble = refused(bench, folder)
    holder.close()
    assert trouble.code == "locked"
    assert database.rpartition("/")[2] in trouble.message
    assert "0.2 s" in trouble.message
    assert bench.boot("pbx1").run("status")["kept_aside"] == []


def test_who_has_a_database_is_named_by_program_and_process(tmp_path):
    path = tmp_path / "a.db"
    LinuxDisk(tmp_path).database("a.db").close()
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        held = sqlite3.connect(path, isolation_level=None)
        held.execute("BEGIN EXCLUSIVE")
        os.write(writer, b"x")
        signal.pause()
    os.read(reader, 1)
    try:
        with pytest.raises(DatabaseLockedError, match=rf"\(process {child}\)"), \
                LinuxDisk(tmp_path, lock_limit_s=0.1).database("a.db").transaction():  # fmt: skip
            pass
    finally:
        os.kill(child, 9)
        os.waitpid(child, 0)


@pytest.mark.parametrize("database", ALL)
def test_an_appliance_out_of_order_says_why_to_every_command_and_can_be_shut_down(off, database):
    rig, _, _ = off
    raise_format(rig.path(database))
    ended = []
    box = type(rig.box)(rig.box.disk)
    appliance = Appliance(
        box,
        power_off=lambda: ended.append("off"),
        restart=lambda: None,
        load=lambda _appliance: pytest.fail("no module may start"),
    )
    with pytest.raises(OutOfOrder):
        appliance.boot()
    for command in (["status"], ["backup", "create", "--operation", "x"]):
        answer = appliance.dispatch(command, io.BytesIO())
        assert answer["error"]["code"] == "newer-format"
        assert database in answer["error"]["message"]
    assert [cause for cause, _ in box.happened("boot.refused")] == ["newer-format"]
    reachable = database != IDENTITY
    assert bool(box.network.applied) is reachable
    assert bool(box.remote_shell.password) is reachable
    assert appliance.dispatch(["shutdown"], io.BytesIO())["ok"]
    assert ended == ["off"]


def test_the_page_of_an_appliance_out_of_order_says_why_harmlessly():
    page = RescuePage(OutOfOrder("damaged", "the database <b> is damaged", "call"))
    told = {}
    body = b"".join(page({}, lambda status, headers: told.update(status=status, headers=headers)))
    assert told["status"].startswith("503")
    assert b"the database &lt;b&gt; is damaged" in body
    assert io.BytesIO(body).read(15) == b"<!doctype html>"


class Refractory:
    """A database whose every use fails, until it is told to work again."""

    def __init__(self, database, error):
        self.error = error
        self._database = database

    def read(self, sql, values=()):
        if self.error is not None:
            raise self.error
        return self._database.read(sql, values)

    def transaction(self):
        if self.error is not None:
            raise self.error
        return self._database.transaction()

    def close(self):
        self._database.close()


class Spoilable:
    """A disk whose databases can be made to fail while they are open."""

    def __init__(self, disk):
        self._disk = disk
        self.opened = {}

    def __getattr__(self, name):
        return getattr(self._disk, name)

    def database(self, path):
        self.opened[path] = Refractory(self._disk.database(path), None)
        return self.opened[path]

    def fail(self, path, error):
        self.opened[path].error = error


def corrupt() -> sqlite3.DatabaseError:
    error = sqlite3.DatabaseError("database disk image is malformed")
    error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
    return error


TROUBLES = [
    (DatabaseLockedError("x.db", ["sqlite3 (process 7)"], 5.0), "locked"),
    (OSError(5, "Input/output error"), "disk-error"),
    (corrupt(), "damaged"),
]


def minutes_later(rig, minutes=1):
    rig.box.calendar.set(rig.box.calendar.now() + timedelta(minutes=minutes))
    rig.box.calendar.await_quiet()


@pytest.mark.covers("T12", "M1")
@pytest.mark.parametrize(("error", "code"), TROUBLES)
def test_a_mail_queue_that_fails_while_running_is_told_once_and_goes_on_later(bench, error, code):
    disk = Spoilable(bench.disk("pbx1"))
    rig = bench.boot("pbx1", disk)
    rig.run("mail", "enqueue", stdin=b'[{"message_id": "<1@x>", "recipient": "a@b.c",'
            b' "subject": "s", "body": "b"}]')  # fmt: skip
    rig.box.calendar.await_quiet()
    assert len(rig.box.mails) == 1
    disk.fail(MAIL, error)
    assert rig.refusal("mail", "list") == code
    rig.appliance.parts.mail._bell.ring()
    rig.box.calendar.await_quiet()
    for _ in range(3):
        minutes_later(rig)
    told = [(cause, detail["service"]) for cause, detail in rig.box.happened("trouble")]
    assert told == [(code, "mail")]
    assert rig.run("status")["health"]["services"]["mail"] is True
    disk.fail(MAIL, None)
    rig.run("mail", "enqueue", stdin=b'[{"message_id": "<2@x>", "recipient": "a@b.c",'
            b' "subject": "s", "body": "b"}]')  # fmt: skip
    rig.box.calendar.await_quiet()
    assert len(rig.box.mails) == 2


@pytest.mark.covers("T12", "O1")
@pytest.mark.parametrize(("error", "code"), TROUBLES)
def test_a_job_that_meets_a_failing_database_is_run_when_it_works_again(bench, error, code):
    disk = Spoilable(bench.disk("pbx1"))
    rig = bench.boot("pbx1", disk)
    rig.run("jobs", "add", "--name", "nightly", "--unit", "manual")
    rig.box.calendar.await_quiet()
    disk.fail(CONTENT, error)
    rig.appliance.parts.jobs._ordered.append("nightly")
    rig.appliance.parts.jobs._bell.ring()
    rig.box.calendar.await_quiet()
    minutes_later(rig)
    assert (code, "jobs") in [
        (cause, detail["service"]) for cause, detail in rig.box.happened("trouble")
    ]
    disk.fail(CONTENT, None)
    minutes_later(rig, 2)
    assert [one["job"] for one in rig.run("backup", "list")["backups"]] == ["nightly"]


def test_status_says_how_the_box_is(bench):
    rig = bench.boot("pbx1")
    minutes_later(rig, 3)
    health = rig.run("status")["health"]
    assert set(health["services"]) == {"sshd", "web", "sip", "mail", "jobs", "module"}
    assert all(health["services"].values())
    assert health["uptime_s"] == 180
    disk = health["disk"]
    assert disk["used"] + disk["free"] == disk["size"] > 0
    assert health["versions"] == {
        "appliance": rig.run("status")["version"], "store_format": FORMAT, "module": "7.7",
    }  # fmt: skip
    rig.box.listening = {22}
    rig.appliance.parts.module.stop()
    services = rig.run("status")["health"]["services"]
    assert [name for name, runs in services.items() if not runs] == ["web", "module"]
