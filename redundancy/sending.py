"""Sends what a standby lacks of a snapshot, and says how far it is.

The standby is asked first, by the seal, which files are missing. Then the seal and those
files go over in one stream: latency costs two round trips, however many files there are. A
file that an earlier attempt has begun goes on where it ended, if what is there is its
beginning. The source cannot change meanwhile: a snapshot's files are named by their hash.
"""

from __future__ import annotations

import hashlib
import struct
from collections import deque
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import BinaryIO, cast

from redundancy.client import Appliance
from redundancy.contract import MissingBlob, Snapshot, Token
from redundancy.errors import ConnectionLost, Damaged, DefiniteError, IndefiniteError
from redundancy.ports import Payload, Stopwatch, Store

FRAME = struct.Struct(">32sQ")
PIECE_SIZE = 256 * 1024
WINDOW_S = 10.0  # over which the rate is measured
SAMPLE_S = 0.5

Pieces = Generator[bytes, None, None]


@dataclass(frozen=True)
class Transfer:
    """How far a transfer is, for people: telemetry, not state.

    Attributes:
        sent, size: in bytes, of what is sent, which is less than what the backup holds.
        rate: bytes a second over the last 10 s; None at the start.
        remaining_s: at this rate, in seconds; None while nothing moves.
    """

    sent: int
    size: int
    rate: float | None
    remaining_s: float | None


@dataclass
class Progress:
    """Counts the bytes of one transfer.

    Args:
        size: of the transfer, in bytes.
        stopwatch: measures the rate.
        report: told at the start, at the end, and every 10 s between.
    """

    size: int
    stopwatch: Stopwatch
    report: Callable[[Transfer], None]
    _samples: deque[tuple[float, int]] = field(default_factory=deque)
    _reported_s: float = float("-inf")

    def moved(self, sent: int) -> None:
        """Tell how many bytes have been handed over so far."""
        now_s = self.stopwatch.now_s()
        samples = self._samples
        if not samples or sent == self.size or now_s - samples[-1][0] >= SAMPLE_S:
            samples.append((now_s, sent))
            while now_s - samples[0][0] > WINDOW_S and len(samples) > 2:  # noqa: PLR2004 - two make a rate
                samples.popleft()
        if now_s - self._reported_s >= WINDOW_S or sent == self.size:
            self._reported_s = now_s
            self.report(self.transfer())

    def transfer(self) -> Transfer:
        """Return how far it is; a rate falls while nothing moves."""
        samples = tuple(self._samples) or ((self.stopwatch.now_s(), 0),)
        (first_s, first), (_, sent) = samples[0], samples[-1]
        elapsed_s = self.stopwatch.now_s() - first_s
        rate = (sent - first) / elapsed_s if elapsed_s > 0 and sent > first else None
        remaining_s = (self.size - sent) / rate if rate else None
        return Transfer(sent, self.size, rate, remaining_s)


@dataclass(frozen=True)
class Sending:
    """One transfer of a snapshot to a standby.

    Attributes:
        store: opens the seal and the files.
        standby: takes them.
        stall_limit_s: the longest time without progress (D12).
        progress: makes the counter, once the size is known.
    """

    store: Store
    standby: Appliance
    stall_limit_s: float
    progress: Callable[[int], Progress]

    def send(self, token: Token, snapshot: Snapshot) -> None:
        """Bring across what is missing.

        Raises:
            DefiniteError: it did not arrive whole. A cut is definite at any time: nothing
                acts on what was received before an import, and the next attempt fences it.
        """
        try:
            with self._open(snapshot.path) as seal:
                offered = self.standby.offer(token, snapshot, seal, self.stall_limit_s)
            missing = [self._resumed(snapshot, one) for one in offered.missing]
            size = snapshot.size + sum(FRAME.size + one.size - one.offset for one in missing)
            with closing(Parcel(self._pieces(snapshot, missing))) as parcel:
                moved = self.progress(size).moved
                payload = Payload(cast("BinaryIO", parcel), size, self.stall_limit_s, moved)
                self.standby.receive(token, snapshot, payload)
        except IndefiniteError as error:
            raise ConnectionLost(error.message, remedy=error.remedy) from error

    def _resumed(self, snapshot: Snapshot, missing: MissingBlob) -> MissingBlob:
        """Go on with what was begun, if it is the beginning of our file; else begin anew."""
        if not 0 < missing.offset < missing.size:
            return missing.model_copy(update={"offset": 0})
        seen, left = hashlib.sha256(), missing.offset
        with self._open(_path(snapshot, missing)) as file:
            while left and (piece := _read(file, min(PIECE_SIZE, left))):
                seen.update(piece)
                left -= len(piece)
        same = not left and seen.hexdigest() == missing.begun_sha256
        return missing if same else missing.model_copy(update={"offset": 0})

    def _pieces(self, snapshot: Snapshot, missing: Sequence[MissingBlob]) -> Pieces:
        yield from self._seal(snapshot.path)
        for one in missing:
            yield FRAME.pack(bytes.fromhex(one.sha256), one.offset)
            yield from self._blob(_path(snapshot, one), one)

    def _seal(self, path: str) -> Pieces:
        with self._open(path) as file:
            while piece := _read(file, PIECE_SIZE):
                yield piece

    def _blob(self, path: str, blob: MissingBlob) -> Pieces:
        """Read a file from an offset on; its last piece goes only if the whole is sound (T12)."""
        seen, held, position = hashlib.sha256(), b"", 0
        with self._open(path) as file:
            while piece := _read(file, PIECE_SIZE):
                seen.update(piece)
                start = max(0, blob.offset - position)
                position += len(piece)
                if held:
                    yield held
                held = piece[start:]
        if seen.hexdigest() != blob.sha256:
            raise Damaged(
                f"the stored file {blob.sha256} of this appliance is damaged",
                remedy="make a backup by hand: it names the objects that the file belongs to",
            )
        if held:
            yield held

    def _open(self, path: str) -> BinaryIO:
        try:
            return self.store.open(path)
        except OSError as error:
            raise _unreadable(error) from error


class Parcel:
    """Pieces of any size as a stream that gives as much as it is asked for."""

    def __init__(self, pieces: Pieces) -> None:
        self._pieces = pieces
        self._left = memoryview(b"")

    def read(self, size: int) -> bytes:
        """Read so many bytes, fewer only at the end."""
        found = bytearray()
        while len(found) < size:
            if not self._left:
                piece = next(self._pieces, b"")
                if not piece:
                    break
                self._left = memoryview(piece)
            wanted = size - len(found)
            found += self._left[:wanted]
            self._left = self._left[wanted:]
        return bytes(found)

    def close(self) -> None:
        """Close the file that is being read."""
        self._pieces.close()


def _path(snapshot: Snapshot, blob: MissingBlob) -> str:
    return f"{snapshot.blobs}/{blob.sha256[:2]}/{blob.sha256}"


def _read(file: BinaryIO, size: int) -> bytes:
    try:
        return file.read(size)
    except OSError as error:
        raise _unreadable(error) from error


def _unreadable(error: OSError) -> DefiniteError:
    return DefiniteError(
        f"the backup cannot be read on this appliance: {error}",
        remedy="look at this appliance's disk",
    )
