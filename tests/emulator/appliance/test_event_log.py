"""The log: three files of 10 MB at most, levels that hold the graver ones, a page and a ZIP."""

from __future__ import annotations

import io
import json
import zipfile

import pytest

from emulator.appliance import event_log
from emulator.appliance.event_log import EventLog
from emulator.appliance.linux.disk import LinuxDisk


@pytest.fixture
def rig(bench):
    return bench.boot("pbx1")


@pytest.fixture
def admin(rig, visiting):
    return visiting(rig)


def line(event, source="appliance", cause="", **detail):
    served = "2026-03-01T08:00:00+00:00"
    row = {"served": served, "source": source, "event": event, "cause": cause, "detail": detail}
    return json.dumps(row).encode() + b"\n"


def log(rig, *lines):
    made = EventLog(rig.box.disk)
    for one in lines:
        made.write(one)


def test_three_files_of_ten_megabytes_are_kept_and_the_newest_line_is_in_the_first(tmp_path):
    disk = LinuxDisk(tmp_path)
    made = EventLog(disk)
    piece = b"x" * 999_999 + b"\n"
    for _ in range(45):
        made.write(piece)
    made.write(line("newest"))
    sizes = [disk.size(file) for file in event_log.FILES]
    assert max(sizes) <= event_log.LARGEST
    assert sizes[1:] == [10_000_000, 10_000_000]
    assert sorted(disk.list("log")) == sorted(one.partition("/")[2] for one in event_log.FILES)
    assert [row["event"] for row in event_log.rows(disk, event_log.NEWEST)] == ["newest"]


def test_log_goes_on_where_an_earlier_life_left_it(tmp_path):
    disk = LinuxDisk(tmp_path)
    EventLog(disk).write(line("first"))
    EventLog(disk).write(line("second"))
    assert [row["event"] for row in event_log.rows(disk, event_log.NEWEST)] == ["first", "second"]


@pytest.mark.covers("R19")
def test_level_shows_itself_and_all_graver_ones(rig, admin):
    log(
        rig,
        line("import.failed", file="a.sar"),
        line("login", cause="refused", by="1001"),
        line("changed", cause="users add", kind="users", id="4711"),
        line("added", source="address", address="198.18.7.10"),
        b"torn by a power c",
    )
    shown = {}
    for level in event_log.LEVELS:
        text = admin.get(f"/admin/advanced/log?level={level}").text
        shown[level] = [
            event
            for event in ("import.failed", "login", "changed", "address added")
            if f" {event} " in text
        ]
    assert shown == {
        "error": ["import.failed"],
        "warning": ["import.failed", "login"],
        "info": ["import.failed", "login", "changed"],
        "debug": ["import.failed", "login", "changed", "address added"],
    }


def test_line_names_the_event_the_object_and_the_result(rig, admin):
    log(rig, line("changed", cause="users add", kind="users", id="<b>\n4711"))
    text = admin.get("/admin/advanced/log").text
    expected = "2026-03-01 09:00:00 INFO    appliance changed [users add] kind=users id="
    assert f"{expected}&lt;b&gt; 4711" in text


def test_zip_holds_all_files_down_to_the_level(rig, admin):
    log(rig, line("import.failed", file="a.sar"), line("changed", cause="x"))
    rig.box.disk.rename(event_log.NEWEST, event_log.FILES[1])
    log(rig, line("restore.failed", file="b.sar"))
    answer = admin.get("/admin/advanced/log/zip?level=error")
    assert answer.headers["content-type"] == "application/zip"
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        texts = {name: archive.read(name).decode() for name in archive.namelist()}
    assert texts.keys() == {"appliance.log", "appliance.1.log"}
    assert "restore.failed" in texts["appliance.log"]
    assert "import.failed" in texts["appliance.1.log"]
    assert "changed" not in texts["appliance.1.log"]


def test_log_is_in_no_backup(rig):
    log(rig, line("changed", cause="remember me"))
    made = rig.run("backup", "create", "--operation", "b")
    with zipfile.ZipFile(rig.path(f"backups/{made['file']}")) as archive:
        assert not [name for name in archive.namelist() if "log" in name]
        assert b"remember me" not in b"".join(archive.read(name) for name in archive.namelist())
