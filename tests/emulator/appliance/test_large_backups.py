"""Backups beyond what a plain ZIP can number: ZIP64, in the one form that appliances write."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from emulator.appliance import archive
from emulator.appliance.archive_reader import MAX_ENTRIES, Archive
from emulator.appliance.records import NetworkSettings
from emulator.appliance.refusal import Refusal

END = struct.Struct("<4s4H2LH")
LOCATOR = struct.Struct("<4sLQL")
END64 = struct.Struct("<4sQ2H2L4Q")
MANY = 66_000  # a plain ZIP counts to 65,535


@pytest.fixture(scope="module")
def many() -> bytes:
    """A backup of many files of one byte."""
    file = io.BytesIO()
    entries = {f"blobs/{one:064x}": archive.Part(1, f"{one:064x}") for one in range(MANY)}
    manifest = archive.Manifest(
        format=1,
        name="pbx1",
        version="8.1.2.5",
        epoch=1,
        holder="holder",
        generation=1,
        taken_at="2026-03-02T08:00:00+00:00",
        network=NetworkSettings("static", "198.18.7.10", 24, "", ()),
        licences=(),
        contents=("core", "calls", "announcements"),
        entries=entries,
    )
    archive.write(file, manifest, {}, OneByteEach())
    return file.getvalue()


class OneByteEach:
    """A store in which every file is the same byte."""

    def pieces(self, _sha256: str) -> Iterator[bytes]:
        yield b"x"


@pytest.fixture
def sound(bench) -> bytes:
    rig = bench.boot("pbx1")
    return Path(rig.run("backup", "create", "--operation", "op")["path"]).read_bytes()


def look(data: bytes) -> Archive:
    return Archive(io.BytesIO(data), len(data))


def rewritten(data: bytes, change: Callable[[list], None] = lambda _ends: None) -> bytes:
    """Write the end of a plain ZIP as ZIP64's; `change` may spoil record, locator and end."""
    *_, entries, length, offset, _ = END.unpack(data[-END.size :])
    at = offset + length
    ends = [
        [b"PK\x06\x06", END64.size - 12, 45, 45, 0, 0, entries, entries, length, offset],
        [b"PK\x06\x07", 0, at, 1],
        list(END.unpack(data[-END.size :])),
    ]
    change(ends)
    forms = (END64, LOCATOR, END)
    tail = b"".join(form.pack(*end) for form, end in zip(forms, ends, strict=True))
    return data[:at] + tail


def test_more_files_than_a_plain_zip_can_number_are_written_and_read(many):
    assert many[-END.size - LOCATOR.size :].startswith(b"PK\x06\x07")
    assert look(many).blobs() == {f"{one:064x}": 1 for one in range(MANY)}


def test_a_large_end_says_the_same_as_a_plain_one(sound):
    assert look(rewritten(sound)).entities() == look(sound).entities()


@pytest.mark.covers("I2")
@pytest.mark.parametrize(
    ("end", "field", "value"),
    [
        (0, 0, b"PK\x06\x05"),
        (0, 1, 2**40),
        (0, 4, 1),
        (0, 5, 1),
        (0, 6, 1),
        (0, 7, MAX_ENTRIES + 1),
        (0, 7, 2**60),
        (0, 8, 2**60),
        (0, 9, 0),
        (0, 9, 2**63),
        (1, 1, 1),
        (1, 2, 0),
        (1, 3, 2),
        (2, 3, 1),
        (2, 4, 1),
        (2, 5, 0),
        (2, 6, 0),
    ],
)
def test_ends_that_contradict_each_other_are_refused(sound, end, field, value):
    def spoil(ends: list) -> None:
        ends[end][field] = value

    with pytest.raises(Refusal) as caught:
        look(rewritten(sound, spoil))
    assert caught.value.code == "not-a-backup"


@pytest.mark.covers("I2")
def test_an_end_of_absurd_numbers_is_refused_though_both_agree(sound):
    def spoil(ends: list) -> None:
        ends[0][6:] = [2**40, 2**40, 2**50, 0]
        ends[2][3:7] = [0xFFFF, 0xFFFF, 0xFFFFFFFF, 0]

    with pytest.raises(Refusal, match="too many entries"):
        look(rewritten(sound, spoil))
