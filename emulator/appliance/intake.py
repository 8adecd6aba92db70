"""Receiving a backup from the active (D2, D12, T1, T10 to T12)."""

from __future__ import annotations

import contextlib
import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, BinaryIO

from emulator.appliance.archive_reader import MAX_ARCHIVE
from emulator.appliance.fence import INCOMING, Gate, Session
from emulator.appliance.identity import Identity
from emulator.appliance.records import Facts, Incoming, Token
from emulator.appliance.refusal import Refusal, Usage, translate
from emulator.appliance.reports import report
from emulator.ports import Machine, WritableFile

PIECE = 128 * 1024
FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}\.sar")

Tap = Callable[[BinaryIO, int], BinaryIO]


def store(machine: Machine, path: str, stream: BinaryIO, size: int, session: Session) -> str:
    """Write exactly `size` bytes of a stream to a file, synced; their SHA-256.

    Raises:
        Refusal: `connection-lost` when the stream ends early, `fenced`.
        OSError: the disk is full; the stream broke.
    """
    file = machine.disk.create(path)
    try:
        seen = _copy(stream, file, size, session)
        file.sync()
    except (OSError, ValueError, Refusal):
        with contextlib.suppress(FileNotFoundError):  # a newer token may have removed it
            machine.disk.unlink(path)
        session.check()  # that the stream was closed is not the cause then
        raise
    finally:
        file.close()
    return seen


def _copy(stream: BinaryIO, file: WritableFile, size: int, session: Session) -> str:
    seen = hashlib.sha256()
    left = size
    while left:
        piece = stream.read(min(PIECE, left))
        session.check()
        if not piece:
            raise Refusal(
                "connection-lost", f"{size - left} of {size} bytes had arrived when it ended"
            )
        seen.update(piece)
        file.write(piece)
        left -= len(piece)
    return seen.hexdigest()


class Intake:
    """Takes in what an active sends.

    Args:
        tap: what a stream of a known size is read through.
    """

    def __init__(self, machine: Machine, identity: Identity, gate: Gate, tap: Tap) -> None:
        self._machine = machine
        self._identity = identity
        self._gate = gate
        self._tap = tap

    def receive(
        self, token: Token, file: str, size: int, sha256: str, stream: BinaryIO
    ) -> Mapping[str, Any]:
        """Keep a backup that arrives whole and unchanged.

        Raises:
            Refusal: `usage`, `fenced`, `epoch`, `not-standby`, `busy`, `connection-lost`,
                `checksum`, `disk-full`.
        """
        if not FILE_NAME.fullmatch(file):
            raise Usage(f"{file[:60]!r} is no name of a backup file", "send NAME.sar")
        if not 0 < size <= MAX_ARCHIVE:
            raise Usage(f"a backup of {size} bytes cannot be", f"at most {MAX_ARCHIVE} bytes")
        what = {"token": str(token), "file": file, "size": size}
        with self._gate.session(token, "receiving", stream) as session:
            report(self._machine, "receive.started", **what, sha256=sha256)
            try:
                self._receive(session, Incoming(str(token), file, size, sha256), stream)
            except (OSError, ValueError, Refusal) as error:
                refusal = translate(error)
                report(self._machine, "receive.failed", refusal.code, **what)
                raise refusal from error
        report(self._machine, "receive.finished", **what, sha256=sha256)
        return {"file": file, "size": size, "sha256": sha256}

    def _receive(self, session: Session, incoming: Incoming, stream: BinaryIO) -> None:
        part = f"{INCOMING}/{session.token}.part"
        tapped = self._tap(stream, incoming.size)
        seen = store(self._machine, part, tapped, incoming.size, session)
        if seen != incoming.sha256:
            self._machine.disk.unlink(part)
            raise Refusal(
                "checksum",
                f"{incoming.file} arrived with the SHA-256 {seen[:12]}…, "
                f"announced was {incoming.sha256[:12]}…",
                "send it again",
            )
        with self._gate.committing(session):
            self._machine.disk.rename(part, f"{INCOMING}/{incoming.file}")
            self._machine.disk.sync_dir(INCOMING)
            self._identity.change(lambda facts: replace(facts, received=incoming))

    def received(self, token: Token, file: str) -> Incoming:
        """Return what is known of a backup that arrived under a token.

        Raises:
            Refusal: `no-such-file`.
        """
        facts: Facts = self._identity.facts()
        incoming = facts.received
        if incoming is None or (incoming.token, incoming.file) != (str(token), file):
            raise Refusal(
                "no-such-file", f"no backup {file[:60]} has arrived under {token}", "send it first"
            )
        return incoming
