"""Blobs on their way in: verified one by one, made durable many at a time.

One barrier for some megabytes costs what a sync for every file would cost a hundred times.
A name without `.part` still is always whole and durable: names follow the barrier.
"""

from __future__ import annotations

import contextlib
import hashlib
from typing import BinaryIO

from emulator.appliance.content import PIECE, Blobs, copy, part_of
from emulator.appliance.refusal import Refusal
from emulator.ports import Disk

BATCH_SIZE = 64 * 2**20


def begun(disk: Disk, sha256: str) -> tuple[int, str]:
    """Return how much of a blob an interrupted transfer has left, and its SHA-256.

    Nothing vouches for these bytes: whoever goes on from there compares first.
    """
    size, seen = _read(disk, sha256)
    return size, seen.hexdigest()


def _read(disk: Disk, sha256: str) -> tuple[int, hashlib._Hash]:
    seen, size = hashlib.sha256(), 0
    with contextlib.suppress(FileNotFoundError), disk.open(part_of(sha256)) as file:
        while piece := file.read(PIECE):
            seen.update(piece)
            size += len(piece)
    return size, seen


class Arrivals:
    """The blobs of one transfer."""

    def __init__(self, disk: Disk) -> None:
        self._disk = disk
        self._whole: list[str] = []
        self._size = 0  # of these, in bytes
        self._named = False  # since the last barrier

    def take(self, sha256: str, size: int, offset: int, source: BinaryIO) -> None:
        """Take in the rest of a blob; what has come stays when the source breaks.

        Args:
            sha256: of the whole blob.
            size: of the whole blob, in bytes.
            offset: where the source begins; 0, or the size of what `begun` found.
            source: gives the rest.

        Raises:
            Refusal: `checksum`; `incomplete` when what was begun is not there any more.
        """
        part = part_of(sha256)
        seen = self._resumed(sha256, offset) if offset else hashlib.sha256()
        file = self._disk.append(part) if offset else self._disk.create(part)
        try:
            copy(source, file, size - offset, seen)
        finally:
            file.close()
        if seen.hexdigest() != sha256:
            self._disk.unlink(part)
            raise Refusal("checksum", f"the file {sha256[:12]}… arrived damaged", "send it again")
        self.whole(sha256)
        self._size += size - offset
        if self._size >= BATCH_SIZE:
            self.settle()

    def whole(self, sha256: str) -> None:
        """Count a blob whose every byte has been verified."""
        self._whole.append(sha256)

    def settle(self) -> None:
        """Make what is whole durable, and only then name it; the names last until `finish`."""
        if not self._whole:
            return
        self._disk.sync_all()
        for sha256 in self._whole:
            self._disk.rename(part_of(sha256), Blobs.path(sha256))
        self._whole.clear()
        self._size, self._named = 0, True

    def finish(self) -> None:
        """Make everything durable, names too: it may be referred to."""
        self.settle()
        if self._named:
            self._disk.sync_all()
            self._named = False

    def _resumed(self, sha256: str, offset: int) -> hashlib._Hash:
        size, seen = _read(self._disk, sha256)
        if size != offset:
            raise Refusal(
                "incomplete", f"of the file {sha256[:12]}… other bytes are here", "send it again"
            )
        return seen
