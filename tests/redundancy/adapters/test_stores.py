"""One contract for the store on disk and the one in memory."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from redundancy.adapters.store import FileStore
from redundancy.fakes import MemoryStore
from redundancy.ports import Store

NAME = "journal.jsonl"


@pytest.fixture(params=["disk", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    return FileStore(tmp_path / "module") if request.param == "disk" else MemoryStore()


def tear(store: Store, tmp_path: Path, remains: bytes) -> None:
    if isinstance(store, MemoryStore):
        store.tear(NAME, remains.decode())
    else:
        with (tmp_path / "module" / NAME).open("ab") as file:
            file.write(remains)


def test_unknown_file_has_no_lines(store: Store) -> None:
    assert store.lines(NAME) == []


def test_lines_come_back_in_order(store: Store) -> None:
    for line in ("one", "", "zwölf \u2028 and \r"):
        store.append(NAME, line)
    assert store.lines(NAME) == ["one", "", "zwölf \u2028 and \r"]


def test_files_are_apart(store: Store) -> None:
    store.append("a", "1")
    store.append("b", "2")
    assert (store.lines("a"), store.lines("b")) == (["1"], ["2"])


def test_torn_last_line_is_left_out(store: Store, tmp_path: Path) -> None:
    store.append(NAME, "whole")
    tear(store, tmp_path, b"to")
    assert store.lines(NAME) == ["whole"]


def test_torn_last_line_is_repaired_by_the_next_append(store: Store, tmp_path: Path) -> None:
    store.append(NAME, "whole")
    tear(store, tmp_path, b"to")
    store.append(NAME, "next")
    assert store.lines(NAME) == ["whole", "next"]


def test_torn_first_line_is_repaired(store: Store, tmp_path: Path) -> None:
    store.append("other", "makes the folder")
    tear(store, tmp_path, b"to")
    store.append(NAME, "first")
    assert store.lines(NAME) == ["first"]


def test_a_line_break_is_refused(store: Store) -> None:
    with pytest.raises(ValueError, match="one line"):
        store.append(NAME, "two\nlines")
    assert store.lines(NAME) == []


def test_missing_file_is_reported_as_such(store: Store) -> None:
    with pytest.raises(FileNotFoundError):
        store.open("/nowhere/backup.sar")


def test_named_file_is_opened_for_reading(tmp_path: Path) -> None:
    path = tmp_path / "backup.sar"
    path.write_bytes(b"abc")
    memory = MemoryStore()
    memory.files[str(path)] = b"abc"
    for store in (FileStore(tmp_path), memory):
        with store.open(str(path)) as stream:
            assert stream.read() == b"abc"


def test_torn_character_does_not_spoil_the_whole_lines(tmp_path: Path) -> None:
    store = FileStore(tmp_path / "module")
    store.append(NAME, "whole")
    tear(store, tmp_path, "ü".encode()[:1])
    assert store.lines(NAME) == ["whole"]


def test_file_and_folder_are_synced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[str] = []
    real = os.fsync

    def observe(descriptor: int) -> None:
        synced.append(Path(f"/proc/self/fd/{descriptor}").readlink().name)
        real(descriptor)

    monkeypatch.setattr(os, "fsync", observe)
    store = FileStore(tmp_path / "module")
    store.append(NAME, "one")
    store.append(NAME, "two")
    assert synced == [tmp_path.name, NAME, "module", NAME]


def test_full_disk_leaves_the_file_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = FileStore(tmp_path)
    store.append(NAME, "one")
    real = os.pwrite

    def half(descriptor: int, data: bytes, offset: int) -> int:
        if len(data) < 5:
            raise OSError(28, "No space left on device")
        return real(descriptor, data[: len(data) // 2], offset)

    monkeypatch.setattr(os, "pwrite", half)
    with pytest.raises(OSError, match="No space left"):
        store.append(NAME, "a longer line that does not fit")
    assert (tmp_path / NAME).read_bytes() == b"one\n"


def test_files_are_private(tmp_path: Path) -> None:
    FileStore(tmp_path / "module").append(NAME, "one")
    assert (tmp_path / "module").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "module" / NAME).stat().st_mode & 0o777 == 0o600
