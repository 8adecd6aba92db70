"""The store loses no line that was written, and believes none that is torn."""

from __future__ import annotations

from pathlib import Path

from scenarios.seeded.store import Line, Store


def line(seed: int, verdict: str = "passed") -> Line:
    return Line(
        commit="abc",
        scenario="drill-calm",
        seed=seed,
        plan="p",
        verdict=verdict,
        failures=(("one-holder", "held by # and #"),),
        evidence=("held by pbx1 and pbx2",),
        trace_hash="t",
        reached=("a rare state",),
    )


def test_what_was_written_is_read_again(tmp_path: Path) -> None:
    store = Store(tmp_path / "deep" / "store.jsonl")
    assert list(store.lines()) == []

    store.append(line(1))
    store.append(line(2))

    assert list(Store(tmp_path / "deep" / "store.jsonl").lines()) == [line(1), line(2)]


def test_a_torn_line_counts_as_not_written_and_spoils_no_later_one(tmp_path: Path) -> None:
    path = tmp_path / "store.jsonl"
    store = Store(path)
    store.append(line(1))
    store.append(line(2))
    whole = path.read_bytes()

    for length in range(len(whole) // 2 + 1, len(whole) - 1):
        path.write_bytes(whole[:length])
        store.append(line(3))
        assert list(store.lines()) == [line(1), line(3)]


def test_a_drill_counts_once_however_often_it_was_written(tmp_path: Path) -> None:
    store = Store(tmp_path / "store.jsonl")
    store.append(line(1))
    store.append(line(1, "failed"))

    assert list(store.lines()) == [line(1)]
