"""An ordinary user's ranges of ids (subuid(5))."""

from __future__ import annotations

from pathlib import Path

import pytest

from emulator.backends.rootless import largest_range

TABLE = "anna:100000:65536\nanna:300000:1000\n# a remark\n4001:400000:70000\nbroken:1\nzoe:1:x\n"


@pytest.mark.parametrize(
    ("name", "uid", "count"),
    [("anna", 4000, 65536), ("bob", 4001, 70000), ("eve", 4002, 0), ("zoe", 4003, 0)],
)
def test_the_largest_range_of_a_user_counts_by_name_or_number(
    tmp_path: Path, name: str, uid: int, count: int
) -> None:
    (tmp_path / "subuid").write_text(TABLE)
    assert largest_range(tmp_path / "subuid", name, uid) == count


def test_without_a_table_there_is_no_range(tmp_path: Path) -> None:
    assert largest_range(tmp_path / "subuid", "anna", 4000) == 0
