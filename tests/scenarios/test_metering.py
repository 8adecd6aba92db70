"""How far the copy of a large file is."""

from __future__ import annotations

import io
import shutil

from scenarios.metering import Metered


def test_a_copy_tells_the_fraction_after_each_piece():
    told: list[float] = []
    source = Metered(io.BytesIO(bytes(100)), 100, told.append)
    target = io.BytesIO()
    shutil.copyfileobj(source, target, 25)
    assert told[:4] == [0.25, 0.5, 0.75, 1.0]
    assert len(target.getvalue()) == 100


def test_a_file_that_is_written_can_be_read_again_from_its_begin():
    told: list[float] = []
    file = Metered(io.BytesIO(), 6, told.append)
    file.write(b"abc")
    file.write(b"def")
    file.seek(0)
    assert told == [0.5, 1.0]
    assert file.read() == b"abcdef"


def test_an_empty_file_is_done_at_once():
    told: list[float] = []
    Metered(io.BytesIO(), 0, told.append).read()
    assert told == [1.0]
