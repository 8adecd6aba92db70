"""Receiving a generation from the active (D2, D12, T1, T10 to T12).

The stream of a receive is the seal, then frames: 32 bytes SHA-256 of a blob, 8 bytes offset
(big-endian), and the blob from there to its end. Each blob is verified when its last byte
has come and stays from then on, so an attempt that is cut repeats nothing but the rest of
one blob, and of a large one not even its beginning.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import re
import struct
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, BinaryIO, cast

from emulator.appliance.archive_reader import Sealed, not_a_backup
from emulator.appliance.arrivals import Arrivals, begun
from emulator.appliance.fence import Gate, Session
from emulator.appliance.records import Incoming, Token
from emulator.appliance.references import WANTED, Sweeper
from emulator.appliance.refusal import Refusal, Usage, translate
from emulator.appliance.reports import report
from emulator.appliance.store import Store
from emulator.ports import Machine, WritableFile

PIECE = 128 * 1024
SEAL_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}\.seal")
MAX_SEAL = 32 * 2**20
MAX_TRANSFER = 2**42
FRAME = struct.Struct(">32sQ")
RESUMED_MIN = 2**20  # less of a blob is not worth a comparison

Tap = Callable[[BinaryIO, int], BinaryIO]


def store(machine: Machine, path: str, stream: BinaryIO, size: int, session: Session) -> str:
    """Write exactly `size` bytes of a stream to a file, synced; their SHA-256.

    Raises:
        Refusal: `connection-lost` when the stream ends early, `fenced`.
        OSError: the disk is full; the stream broke.
    """
    file = machine.disk.create(path)
    try:
        seen = _copy(Inflow(stream, size, session), file)
        file.sync()
    except (OSError, ValueError, Refusal):
        with contextlib.suppress(FileNotFoundError):
            machine.disk.unlink(path)
        session.check()  # that the stream was closed is not the cause then
        raise
    finally:
        file.close()
    return seen


class Inflow:
    """An announced number of bytes of a stream, for one session.

    Attributes:
        left: how many are still to come.
    """

    def __init__(self, stream: BinaryIO, size: int, session: Session) -> None:
        self._stream = stream
        self._size = size
        self._session = session
        self.left = size

    def read(self, size: int) -> bytes:
        """Read what is there, at least one byte.

        Raises:
            Refusal: `connection-lost` when the stream ends early, `fenced`.
        """
        piece = self._stream.read(min(size, PIECE, self.left))
        self._session.check()
        if not piece:
            arrived = self._size - self.left
            raise Refusal(
                "connection-lost", f"{arrived} of {self._size} bytes had arrived when it ended"
            )
        self.left -= len(piece)
        return piece

    def take(self, size: int) -> bytes:
        """Read exactly so many bytes.

        Raises:
            Refusal: as `read`; `not-a-backup` when fewer were announced.
        """
        if size > self.left:
            raise not_a_backup("the transfer ends within a frame")
        data = bytearray()
        while len(data) < size:
            data += self.read(size - len(data))
        return bytes(data)


def _copy(inflow: Inflow, file: WritableFile) -> str:
    seen = hashlib.sha256()
    while inflow.left:
        piece = inflow.read(PIECE)
        seen.update(piece)
        file.write(piece)
    return seen.hexdigest()


class Intake:
    """Takes in what an active sends.

    Args:
        sweeper: frees the disk when it is full.
        tap: what a stream of a known size is read through.
    """

    def __init__(
        self, machine: Machine, store: Store, gate: Gate, sweeper: Sweeper, tap: Tap
    ) -> None:
        self._machine = machine
        self._identity = store.identity
        self._blobs = store.blobs
        self._gate = gate
        self._sweeper = sweeper
        self._tap = tap

    def offer(self, token: Token, size: int, sha256: str, stream: BinaryIO) -> Mapping[str, Any]:
        """Say which blobs of a seal are missing here, in the order of the seal.

        Raises:
            Refusal: `usage`, `fenced`, `epoch`, `not-standby`, `busy`, `connection-lost`,
                `checksum`, `not-a-backup`.
        """
        _check_sizes(size, size)
        with self._gate.session(token, "receiving", stream) as session:
            try:
                seal = _sealed(Inflow(stream, size, session).take(size), sha256)
            except (OSError, ValueError, Refusal) as error:
                raise _cause(error, session) from error
            return {"missing": self._missing(seal)}

    def _lacking(self, seal: Sealed) -> list[tuple[str, int]]:
        return [one for one in seal.blobs().items() if not self._blobs.holds(*one)]

    def _missing(self, seal: Sealed) -> list[Mapping[str, Any]]:
        """Describe what is lacking; a blob that came whole and was not named yet is kept."""
        found: list[Mapping[str, Any]] = []
        arrivals = Arrivals(self._machine.disk)
        for sha256, size in self._lacking(seal):
            offset, seen = begun(self._machine.disk, sha256)
            if offset and seen == sha256:
                arrivals.whole(sha256)
                continue
            if not RESUMED_MIN <= offset < size:
                offset, seen = 0, ""
            row = {"sha256": sha256, "size": size, "offset": offset, "begun_sha256": seen}
            found.append(row)
        arrivals.finish()
        return found

    def receive(
        self, token: Token, incoming: Incoming, seal_size: int, stream: BinaryIO
    ) -> Mapping[str, Any]:
        """Keep a seal and the blobs that come with it, each when it is whole and unchanged.

        Raises:
            Refusal: `usage`, `fenced`, `epoch`, `not-standby`, `busy`, `connection-lost`,
                `checksum`, `not-a-backup`, `incomplete`, `disk-full`.
        """
        if not SEAL_NAME.fullmatch(incoming.file):
            raise Usage(f"{incoming.file[:60]!r} is no name of a seal", "send NAME.seal")
        _check_sizes(seal_size, incoming.size)
        what = {"token": str(token), "file": incoming.file, "size": incoming.size}
        tapped = self._tap(stream, incoming.size)
        with self._gate.session(token, "receiving", tapped) as session:
            report(self._machine, "receive.started", **what, sha256=incoming.sha256)
            try:
                self._receive(session, incoming, seal_size, Inflow(tapped, incoming.size, session))
            except (OSError, ValueError, Refusal) as error:
                refusal = _cause(error, session)
                if refusal.code == "disk-full":
                    self._sweeper.forsake(session)
                report(self._machine, "receive.failed", refusal.code, **what)
                raise refusal from error
        report(self._machine, "receive.finished", **what, sha256=incoming.sha256)
        return {"file": incoming.file, "size": incoming.size, "sha256": incoming.sha256}

    def _receive(
        self, session: Session, incoming: Incoming, seal_size: int, inflow: Inflow
    ) -> None:
        data = inflow.take(seal_size)
        seal = _sealed(data, incoming.sha256)
        with self._gate.committing(session):
            self._want(data)
        arrivals = Arrivals(self._machine.disk)
        try:
            self._take(seal.blobs(), inflow, arrivals)
        finally:
            arrivals.finish()  # of a cut attempt too: what was verified need not come again
        with self._gate.committing(session):
            if self._lacking(seal):
                raise Refusal("incomplete", "not all of it has arrived", "send the rest")
            self._identity.change(lambda facts: replace(facts, received=incoming))

    def _want(self, seal: bytes) -> None:
        """Have the seal on the disk before any blob: it keeps them from being swept."""
        disk = self._machine.disk
        file = disk.create(f"{WANTED}.part")
        try:
            file.write(seal)
            file.sync()
        finally:
            file.close()
        disk.rename(f"{WANTED}.part", WANTED)
        disk.sync_dir(WANTED.rpartition("/")[0])

    @staticmethod
    def _take(sizes: Mapping[str, int], inflow: Inflow, arrivals: Arrivals) -> None:
        while inflow.left:
            digest, offset = FRAME.unpack(inflow.take(FRAME.size))
            sha256 = digest.hex()
            size = sizes.get(sha256)
            if size is None or not 0 <= offset <= size or size - offset > inflow.left:
                raise not_a_backup("a frame that does not fit the seal")
            arrivals.take(sha256, size, offset, cast("BinaryIO", inflow))


def _check_sizes(seal_size: int, size: int) -> None:
    if not 0 < seal_size <= MAX_SEAL or not seal_size <= size <= MAX_TRANSFER:
        raise Usage(
            f"a transfer of {size} bytes with a seal of {seal_size} cannot be",
            f"at most {MAX_TRANSFER} bytes, of which the seal at most {MAX_SEAL}",
        )


def _sealed(data: bytes, sha256: str) -> Sealed:
    seen = hashlib.sha256(data).hexdigest()
    if seen != sha256:
        raise Refusal(
            "checksum",
            f"the seal arrived with the SHA-256 {seen[:12]}…, announced was {sha256[:12]}…",
            "send it again",
        )
    return Sealed(io.BytesIO(data), len(data))


def _cause(error: Exception, session: Session) -> Refusal:
    """Return why a session failed: that its stream was closed by a newer one comes first."""
    try:
        session.check()
    except Refusal as fenced:
        return fenced
    return translate(error)
