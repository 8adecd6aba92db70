"""Reading ahead: the pieces in order, trouble in its turn, and nobody who reads on."""

from __future__ import annotations

import threading

import pytest

from redundancy.adapters.read_ahead import PIECES_MAX, ReadAhead

LIMIT_S = 10.0


def test_pieces_come_in_order_while_the_next_are_read_already():
    read: list[int] = []
    full = threading.Event()

    def take(size: int) -> bytes:
        read.append(size)
        if len(read) == PIECES_MAX:
            full.set()
        return bytes([len(read)]) * size

    with ReadAhead(take, iter([1] * 50)).reading() as ahead:
        assert full.wait(LIMIT_S), "nobody has asked for a piece yet"
        pieces = [ahead.next() for _ in range(50)]

    assert pieces == [bytes([number]) for number in range(1, 51)]


def test_trouble_is_raised_after_the_pieces_before_it():
    def take(size: int) -> bytes:
        if size == 3:
            raise OSError("the disk")
        return b"x" * size

    with ReadAhead(take, iter([1, 2, 3, 4])).reading() as ahead:
        assert [ahead.next(), ahead.next()] == [b"x", b"xx"]
        with pytest.raises(OSError, match="the disk"):
            ahead.next()


def test_the_early_end_is_told_and_nothing_is_read_after_it():
    pieces = [b"last", b"", b"never"]
    read: list[bytes] = []

    def take(_size: int) -> bytes:
        read.append(pieces[len(read)])
        return read[-1]

    with ReadAhead(take, iter([4, 4, 4])).reading() as ahead:
        assert [ahead.next(), ahead.next()] == [b"last", b""]

    assert read == [b"last", b""]


def test_whoever_stops_early_leaves_no_reader_and_no_more_than_the_bound_in_memory():
    read: list[int] = []

    def take(size: int) -> bytes:
        read.append(size)
        return b"x"

    ahead = ReadAhead(take, iter([1] * 1000))
    with ahead.reading():
        ahead.next()

    assert "read-ahead" not in {one.name for one in threading.enumerate()}
    # what was taken, what waited, one in hand, and one that found room at the end
    assert len(read) <= PIECES_MAX + 3
