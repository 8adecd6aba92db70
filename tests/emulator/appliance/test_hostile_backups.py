"""A corpus of hostile backups against the importer: bounded time, memory and disk (I2)."""

from __future__ import annotations

import hashlib
import io
import json
import struct
import time
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from emulator.appliance.archive_reader import MAX_ENTRIES, Archive
from emulator.appliance.refusal import Refusal

TIME_LIMIT_S = 2.0  # of this process's own work: the machine may be busy with others
MEMORY_LIMIT = 40 * 2**20
DISK_LIMIT = 8 * 2**20  # beyond the upload itself
REFUSED = {"not-a-backup", "checksum", "version", "epoch", "partial", "licence", "usage"}


def entries(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def pack(content: dict[str, bytes], modes: dict[str, int] | None = None) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in content.items():
            info = zipfile.ZipInfo(name)
            stored = name.startswith("blobs/")
            info.compress_type = zipfile.ZIP_STORED if stored else zipfile.ZIP_DEFLATED
            info.external_attr = (modes or {}).get(name, 0o600) << 16
            archive.writestr(info, data)
    return buffer.getvalue()


def sealed(content: dict[str, bytes], **manifest: object) -> bytes:
    """Pack entries with a manifest whose sizes and checksums all fit."""
    described = json.loads(content["manifest.json"])
    described["entries"] = {
        name: {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        for name, data in content.items()
        if name != "manifest.json"
    }
    text = json.dumps({**described, **manifest}).encode()
    return pack({**content, "manifest.json": text})


def with_users(sound: bytes, text: bytes) -> bytes:
    return sealed({**entries(sound), "entities/users.json": text})


def body(sound: bytes, field: str, value: str) -> bytes:
    """Put raw JSON into a field of the first user."""
    rows = json.loads(entries(sound)["entities/users.json"])
    rows[0]["body"][field] = "@@"
    return with_users(sound, json.dumps(rows).replace('"@@"', value).encode())


def bomb(sound: bytes) -> bytes:
    return pack({**entries(sound), "entities/users.json": b" " * 60_000_000})


def honest_bomb(sound: bytes) -> bytes:
    """A document whose size is announced, checksummed, and too well packed."""
    return with_users(sound, b"[" + b" " * 60_000_000 + b"]")


def nested_bomb(sound: bytes) -> bytes:
    inner = pack({"a": b"\0" * 10_000_000})
    for _ in range(3):
        inner = pack({"a": inner, "b": inner})
    return pack({**entries(sound), "inner.zip": inner})


def overlapping(sound: bytes) -> bytes:
    """Every entry of the directory points to the same bytes."""
    end = struct.unpack("<4s4H2LH", sound[-22:])
    directory = bytearray(sound[end[6] : end[6] + end[5]])
    position = 0
    while position < len(directory):
        name, extra, comment = struct.unpack_from("<3H", directory, position + 28)
        struct.pack_into("<L", directory, position + 42, 0)
        position += 46 + name + extra + comment
    return sound[: end[6]] + bytes(directory) + sound[-22:]


def lying_sizes(sound: bytes) -> bytes:
    """The directory claims 4 GiB for each entry."""
    end = struct.unpack("<4s4H2LH", sound[-22:])
    directory = bytearray(sound[end[6] : end[6] + end[5]])
    struct.pack_into("<2L", directory, 20, 0xFFFFFFFE, 0xFFFFFFFE)
    return sound[: end[6]] + bytes(directory) + sound[-22:]


def zip64(sound: bytes) -> bytes:
    """ZIP64 records that claim another directory."""
    record = struct.pack("<4sQ2H2L4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, 2**40, 2**40, 2**50, 0)
    locator = struct.pack("<4sLQL", b"PK\x06\x07", 0, len(sound) - 22, 1)
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 65535, 65535, 2**32 - 1, 2**32 - 1, 0)
    return sound[:-22] + record + locator + end


def encrypted(sound: bytes) -> bytes:
    data = bytearray(sound)
    end = struct.unpack("<4s4H2LH", sound[-22:])
    for position in (6, end[6] + 8):
        data[position] |= 1
    return bytes(data)


def too_many(sound: bytes) -> bytes:
    """A directory that lists one entry again and again, as far as its counts agree."""
    count, (*_, length, offset, _comment) = MAX_ENTRIES + 1, struct.unpack("<4s4H2LH", sound[-22:])
    name, extra, comment = struct.unpack_from("<3H", sound, offset + 28)
    directory = sound[offset : offset + 46 + name + extra + comment] * count
    length, at = len(directory), offset + len(directory)
    record = struct.pack(
        "<4sQ2H2L4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, count, count, length, offset
    )
    locator = struct.pack("<4sLQL", b"PK\x06\x07", 0, at, 1)
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 65535, 65535, length, offset, 0)
    return sound[:offset] + directory + record + locator + end


def twice(sound: bytes) -> bytes:
    name = b"entities/users.json"
    other = b"entities/phone.json"
    content = {**entries(sound), other.decode(): b"[]"}
    return pack(content).replace(other, name)


def other_file(sound: bytes) -> bytes:
    """A file of the right size and CRC whose bytes are not those of its name."""
    content = entries(sound)
    name = next(one for one in content if one.startswith("blobs/"))
    return pack({**content, name: bytes(len(content[name]))})


CORPUS: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda _sound: b"",
    "text": lambda _sound: b"this is no backup\n" * 500,
    "pickle": lambda _sound: b"\x80\x04\x95\x1e\x00cos\nsystem\n(S'id'\ntR." * 50,
    "gzip": lambda _sound: b"\x1f\x8b\x08" + b"\0" * 5000,
    "an ordinary zip": lambda _sound: pack({"readme.txt": b"hello"}),
    "first half": lambda sound: sound[: len(sound) // 2],
    "last half": lambda sound: sound[len(sound) // 2 :],
    "something before": lambda sound: b"#!/bin/sh\n" + sound,
    "something behind": lambda sound: sound + b"\0" * 100,
    "path upwards": lambda sound: sealed({**entries(sound), "../../etc/shadow": b"x"}),
    "absolute path": lambda sound: sealed({**entries(sound), "/etc/shadow": b"x"}),
    "backslashes": lambda sound: sealed({**entries(sound), "..\\..\\x": b"x"}),
    "symbolic link": lambda sound: pack(entries(sound), {"entities/users.json": 0o120777}),
    "device": lambda sound: pack(entries(sound), {"entities/users.json": 0o020666}),
    "folder": lambda sound: pack({**entries(sound), "entities/": b""}),
    "bomb": bomb,
    "honest bomb": honest_bomb,
    "nested bomb": nested_bomb,
    "nested backup": lambda sound: sealed({**entries(sound), "backup.sar": sound}),
    "overlapping entries": overlapping,
    "lying sizes": lying_sizes,
    "zip64": zip64,
    "encrypted": encrypted,
    "too many entries": too_many,
    "an entry twice": twice,
    "manifest missing": lambda sound: pack(
        {name: data for name, data in entries(sound).items() if name != "manifest.json"}
    ),
    "manifest too large": lambda sound: pack(
        {**entries(sound), "manifest.json": b"{" * 21_000_000}
    ),
    "manifest no object": lambda sound: pack({**entries(sound), "manifest.json": b"[]"}),
    "future format": lambda sound: sealed(entries(sound), format=2),
    "unknown contents": lambda sound: sealed(entries(sound), contents=["everything"]),
    "left out but there": lambda sound: sealed(entries(sound), contents=["calls"]),
    "absurd epoch": lambda sound: sealed(entries(sound), epoch=10**40),
    "unknown kind": lambda sound: sealed({**entries(sound), "entities/classes.json": b"[]"}),
    "wrong checksums": lambda sound: pack({**entries(sound), "entities/users.json": b"[]"}),
    "wrong file": other_file,
    "depth": lambda sound: with_users(sound, b"[" * 100_000 + b"]" * 100_000),
    "depth in a field": lambda sound: body(sound, "x", "[" * 900 + "]" * 900),
    "NaN": lambda sound: body(sound, "x", "NaN"),
    "infinity": lambda sound: body(sound, "x", "-Infinity"),
    "endless digits": lambda sound: body(sound, "x", "9" * 2_000_000),
    "half a surrogate": lambda sound: body(sound, "name", '"\\ud800"'),
    "a long name": lambda sound: body(sound, "name", json.dumps("x" * 5_000_000)),
    "a line break": lambda sound: body(sound, "name", '"a\\r\\nBcc: b@c.d"'),
    "a costly password": lambda sound: body(
        sound, "password", json.dumps(f"scrypt:9999999:8:1$ab${'0' * 128}")
    ),
    "no UTF-8": lambda sound: with_users(sound, b'[{"id": "\xff"}]'),
    "nobody to log in": lambda sound: body(sound, "permissions", "[]"),
}


def stored(rig) -> int:
    root = Path(rig.box.disk.location(""))
    return sum(one.stat().st_size for one in root.rglob("*") if one.is_file())


@pytest.fixture
def sound(bench) -> bytes:
    rig = bench.boot("pbx1")
    return Path(rig.run("backup", "create", "--operation", "op")["path"]).read_bytes()


def restore(rig, data: bytes, *flags: str) -> str:
    """Try to restore; the code of the refusal, "" for none."""
    answer = rig.answer("restore", "--size", str(len(data)), *flags, stdin=data)
    return "" if answer["ok"] else str(answer["error"]["code"])


def test_the_backup_that_the_corpus_is_made_of_is_sound(bench, sound):
    assert restore(bench.boot("pbx2"), sealed(entries(sound)), "--keep-licences") == ""


@pytest.mark.covers("I2")
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_every_hostile_backup_is_refused_within_time_memory_and_disk(bench, sound):
    rig = bench.boot("pbx2")
    before, digest = stored(rig), rig.run("content", "digest")
    wrong = {}
    for name, make in CORPUS.items():
        data = make(sound)
        for flags in ((), ("--look",)):
            began_s = time.process_time()
            tracemalloc.start()
            code = restore(rig, data, *flags)
            peak = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
            took_s = time.process_time() - began_s
            left = rig.box.disk.list("incoming")
            grown = stored(rig) - before
            if (
                code not in REFUSED
                or took_s > TIME_LIMIT_S
                or peak > MEMORY_LIMIT
                or left
                or grown > DISK_LIMIT
            ):
                wrong[name, *flags] = (code, round(took_s, 2), peak, left, grown)
    assert wrong == {}
    assert rig.run("content", "digest") == digest
    assert rig.box.happened("defect") == []


class Shelf:
    """A blob store that keeps nothing."""

    def put(self, _sha256: str, _size: int, source) -> None:
        source.read()


def outcome(data: bytes) -> object:
    """Return what is read, or the code of the refusal; anything else is a defect."""
    try:
        archive = Archive(io.BytesIO(data), len(data))
        entities = archive.entities()
        archive.verify()
        archive.supply(Shelf(), lambda: None)
    except Refusal as refused:
        return refused.code
    return entities


@st.composite
def mutations(draw):
    """Overwrites, deletions and repetitions, most of them small."""
    kind = draw(st.sampled_from(["overwrite", "delete", "repeat", "swap"]))
    where = draw(st.floats(0, 1))
    other = draw(st.floats(0, 1))
    length = draw(st.one_of(st.integers(1, 8), st.integers(1, 4096)))
    return kind, where, other, length, draw(st.binary(min_size=1, max_size=64))


def mutate(data: bytes, mutation) -> bytes:
    kind, where, other, length, filling = mutation
    start, there = int(where * len(data)), int(other * len(data))
    if kind == "overwrite":
        return data[:start] + filling + data[start + len(filling) :]
    if kind == "delete":
        return data[:start] + data[start + length :]
    if kind == "repeat":
        return data[:start] + data[there : there + length] + data[start:]
    return data[:start] + data[there : there + length] + data[start + length :]


@pytest.mark.covers("I2")
@settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(mutations(), min_size=1, max_size=4))
def test_whatever_bytes_change_a_backup_is_refused_or_read_as_it_was(sound, changes):
    data = sound
    for change in changes:
        data = mutate(data, change)
    assert outcome(data) in ("not-a-backup", "checksum", outcome(sound))
