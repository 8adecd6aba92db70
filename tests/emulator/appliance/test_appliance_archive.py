"""Backups as files: whole, reproducible, and refused when hostile (I2)."""

from __future__ import annotations

import hashlib
import io
import json
import struct
import tracemalloc
import zipfile
from pathlib import Path

import pytest

from emulator.appliance.archive_reader import Archive, Sealed
from emulator.appliance.refusal import Refusal


@pytest.fixture
def sound(bench) -> bytes:
    rig = bench.boot("pbx1")
    made = rig.run("backup", "create", "--operation", "op")
    return Path(made["path"]).read_bytes()


class Shelf:
    """A blob store that keeps nothing."""

    def put(self, _sha256: str, _size: int, source) -> None:
        source.read()


def read(data: bytes) -> list:
    archive = Archive(io.BytesIO(data), len(data))
    entities = archive.entities()
    archive.supply(Shelf(), lambda: None)
    return entities


def refusal(data: bytes) -> str:
    with pytest.raises(Refusal) as caught:
        read(data)
    return caught.value.code


def outcome(data: bytes) -> list | str:
    """Return what is read, or the code of the refusal."""
    try:
        return read(data)
    except Refusal as refused:
        return refused.code


def entries(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def pack(content: dict[str, bytes], **options: int) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in content.items():
            info = zipfile.ZipInfo(name)
            stored = name.startswith("blobs/")
            info.compress_type = zipfile.ZIP_STORED if stored else zipfile.ZIP_DEFLATED
            info.external_attr = options.get(name, 0o600) << 16
            archive.writestr(info, data)
    return buffer.getvalue()


def with_manifest(data: bytes, **changes: object) -> bytes:
    content = entries(data)
    content["manifest.json"] = json.dumps(
        {**json.loads(content["manifest.json"]), **changes}
    ).encode()
    return pack(content)


def test_backup_reads_back_and_repacking_it_is_no_damage(sound):
    assert len(read(sound)) == len(read(pack(entries(sound))))


def test_manifest_comes_first_and_files_are_stored_plain(sound):
    with zipfile.ZipFile(io.BytesIO(sound)) as archive:
        infos = archive.infolist()
    assert infos[0].filename == "manifest.json"
    blobs = [one for one in infos if one.filename.startswith("blobs/")]
    assert blobs
    assert all(one.compress_type == zipfile.ZIP_STORED for one in blobs)
    assert all(one.external_attr >> 16 == 0o600 for one in infos)


def test_same_state_gives_the_same_bytes(bench):
    made = []
    for _ in range(2):
        rig = bench.boot("pbx1")
        made.append(Path(rig.run("backup", "create", "--operation", "op")["path"]).read_bytes())
        rig.appliance.shutdown()
        for file in sorted(bench.root.glob("pbx1/**/*"), reverse=True):
            file.rmdir() if file.is_dir() else file.unlink()
        (bench.root / "pbx1").rmdir()
    assert made[0] == made[1]


@pytest.mark.parametrize(
    "data",
    [b"", b"x", b"PK\x05\x06", b"\x80\x04\x95cos\nsystem\n", b"\x00" * 5000, b"PK" * 5000],
)
def test_what_is_no_archive_is_refused(data):
    assert refusal(data) == "not-a-backup"


def test_every_truncation_is_refused(sound):
    for length in range(0, len(sound), max(1, len(sound) // 150)):
        assert refusal(sound[:length]) == "not-a-backup"


def test_no_flipped_bit_goes_unnoticed_where_it_matters(sound):
    before = read(sound)
    for position in range(0, len(sound), max(1, len(sound) // 300)):
        data = bytearray(sound)
        data[position] ^= 0x40
        assert outcome(bytes(data)) in ("not-a-backup", "checksum", before)


@pytest.mark.parametrize(
    "name",
    [
        "../../etc/shadow",
        "/etc/shadow",
        "entities/../x.json",
        "entities/classes.json",
        "x",
        "blobs/x",
    ],
)
def test_entries_that_have_no_place_are_refused_listed_or_not(sound, name):
    content = {**entries(sound), name: b"[]"}
    assert refusal(pack(content)) == "not-a-backup"
    manifest = json.loads(content["manifest.json"])
    digest = "4f53cda18c2baa0c0354bb5f9a3ecbe5ed12ab4d8e11ba873c2f11161202b945"
    manifest["entries"][name] = {"size": 2, "sha256": digest}
    content["manifest.json"] = json.dumps(manifest).encode()
    assert refusal(pack(content)) == "not-a-backup"


def test_symbolic_link_is_refused(sound):
    data = pack(entries(sound), **{"entities/users.json": 0o120777})
    assert refusal(data) == "not-a-backup"


def test_entry_that_is_there_twice_is_refused(sound):
    buffer = io.BytesIO(pack(entries(sound)))
    with zipfile.ZipFile(buffer, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("entities/users.json", b"[]")
    assert refusal(buffer.getvalue()) == "not-a-backup"


def test_zip_bomb_is_refused_without_unpacking_it(sound):
    data = pack({**entries(sound), "entities/users.json": b" " * 60_000_000})
    assert len(data) < 1_000_000
    tracemalloc.start()
    try:
        assert refusal(data) == "not-a-backup"
        assert tracemalloc.get_traced_memory()[1] < 20_000_000
    finally:
        tracemalloc.stop()


def test_directory_of_absurd_size_is_refused_before_it_is_read(sound):
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 65535, 65535, 2**31, 0, 0)
    assert refusal(sound + end) == "not-a-backup"


@pytest.mark.parametrize(
    "changes",
    [
        {"format": 2},
        {"format": {"py/object": "os.system"}},
        {"epoch": -1},
        {"epoch": 10**30},
        {"generation": "1"},
        {"entries": []},
        {"entries": {}},
        {"network": None},
        {"network": {"address": "evil", "prefix": 24, "gateway": ""}},
        {"taken_at": "yesterday"},
        {"name": "x" * 10_000},
    ],
)
def test_malformed_manifest_is_refused(sound, changes):
    assert refusal(with_manifest(sound, **changes)) == "not-a-backup"


def test_deeply_nested_manifest_is_refused(sound):
    content = {**entries(sound), "manifest.json": b"[" * 200_000 + b"]" * 200_000}
    assert refusal(pack(content)) == "not-a-backup"


def change_users(sound: bytes, change) -> bytes:
    content = entries(sound)
    rows = json.loads(content["entities/users.json"])
    change(rows)
    data = json.dumps(rows).encode()
    manifest = json.loads(content["manifest.json"])
    manifest["entries"]["entities/users.json"] = {
        "size": len(data),
        "sha256": hashlib.sha256(data).hexdigest(),
    }
    content |= {"manifest.json": json.dumps(manifest).encode(), "entities/users.json": data}
    return pack(content)


@pytest.mark.parametrize(
    "change",
    [
        lambda rows: rows.append(rows[0]),
        lambda rows: rows[0].update(id="../x"),
        lambda rows: rows[0].update(id=7),
        lambda rows: rows[0].pop("body"),
        lambda rows: rows[0]["body"].update(name="a\r\nBcc: all@example.com"),
        lambda rows: rows[0]["body"].update(email="a@b.c,d@e.f"),
        lambda rows: rows[0]["body"].update(permissions="administrator"),
        lambda rows: rows[0]["body"].update(permissions=[["administrator"]]),
        lambda rows: rows[0]["body"].update(password=5),
        lambda rows: rows[0]["body"].update(password=f"scrypt:9999999:8:1$ab${'0' * 128}"),
        lambda rows: rows[0]["body"].update(name="x" * 501),
        lambda rows: rows[0]["body"].update(name="\ud800"),
    ],
)
def test_malformed_users_are_refused_though_every_checksum_fits(sound, change):
    assert refusal(change_users(sound, change)) == "not-a-backup"


def test_consistent_change_is_read(sound):
    changed = change_users(sound, lambda rows: rows[0]["body"].update(name="Someone Else"))
    assert "Someone Else" in [one.body.get("name") for one in read(changed)]


def test_file_that_no_entity_names_is_refused(sound):
    content = entries(sound)
    data = b"stowaway"
    digest = hashlib.sha256(data).hexdigest()
    manifest = json.loads(content["manifest.json"])
    manifest["entries"][f"blobs/{digest}"] = {"size": len(data), "sha256": digest}
    content |= {"manifest.json": json.dumps(manifest).encode(), f"blobs/{digest}": data}
    assert refusal(pack(content)) == "not-a-backup"


def test_hostile_upload_changes_nothing_and_leaves_nothing(bench, sound):
    standby = bench.boot("pbx2")
    before = standby.run("content", "digest")
    lockout = change_users(sound, lambda rows: rows[0]["body"].update(permissions=[]))
    for data in (b"no archive", pack({**entries(sound), "../x": b""}), lockout):
        argv = ["initialise", "--size", str(len(data))]
        assert standby.refusal(*argv, stdin=data) == "not-a-backup"
    assert standby.run("content", "digest") == before
    assert standby.box.disk.list("incoming") == []
    assert standby.run("status")["origin"] is None


@pytest.fixture
def seal(bench) -> bytes:
    made = bench.boot("pbx1").run("snapshot", "create", "--operation", "op")
    return Path(made["path"]).read_bytes()


def test_seal_says_all_that_the_archive_says_and_brings_no_file(bench):
    rig = bench.boot("pbx1")
    made = rig.run("snapshot", "create", "--operation", "s")
    data = Path(made["path"]).read_bytes()
    sealed = Sealed(io.BytesIO(data), len(data))
    whole = Path(rig.run("backup", "create", "--operation", "b")["path"]).read_bytes()
    archive = Archive(io.BytesIO(whole), len(whole))
    assert sealed.entities() == archive.entities()
    assert sealed.blobs() == archive.blobs() != {}
    assert not any(name.startswith("blobs/") for name in entries(data))


def test_seal_with_a_file_in_it_and_archive_without_one_are_no_backups(seal, sound):
    assert refusal(seal) == "not-a-backup"
    with pytest.raises(Refusal) as caught:
        Sealed(io.BytesIO(sound), len(sound))
    assert caught.value.code == "not-a-backup"
