"""An uploaded backup between the look inside and the confirmation.

One at a time: a newer upload takes the place of an older one. It belongs to the session that
brought it, and is removed when it has been restored, when nobody confirms it, and at boot.
"""

from __future__ import annotations

import contextlib
import threading
from dataclasses import dataclass
from datetime import timedelta
from typing import BinaryIO

from emulator.appliance.archive_reader import MAX_ARCHIVE
from emulator.appliance.fence import Session
from emulator.appliance.identity import Identity
from emulator.appliance.importer import INCOMING
from emulator.appliance.intake import store
from emulator.appliance.looking import Look, look
from emulator.appliance.refusal import Refusal, Usage, translate
from emulator.appliance.reports import report
from emulator.ports import Machine

KEPT_FOR = timedelta(minutes=15)
KEY_LENGTH = 12


@dataclass(frozen=True)
class Upload:
    """A sound backup that awaits a confirmation.

    Attributes:
        key: names it in an address of a page.
        owner: the session that brought it.
        path: where it lies.
    """

    key: str
    owner: str
    path: str
    sha256: str
    look: Look


class Uploads:
    """Takes uploads in and keeps the newest for a while."""

    def __init__(self, machine: Machine, identity: Identity) -> None:
        self._machine = machine
        self._identity = identity
        self._bell = machine.calendar.bell()
        self._taking = threading.Lock()  # never waited for: a second upload is refused
        self._kept: Upload | None = None

    def take(self, file: str, stream: BinaryIO, size: int, owner: str) -> Upload:
        """Take a file in and look inside; what is no sound backup does not stay.

        Args:
            file: what people call it.
            stream: its bytes.
            size: how many there are.
            owner: the session that may confirm it.

        Raises:
            Refusal: `not-a-backup`, `checksum`, `busy`, `connection-lost`, `disk-full`.
        """
        if not 0 < size <= MAX_ARCHIVE:
            raise Usage(f"a backup of {size} bytes cannot be", "choose a .sar file")
        if not self._taking.acquire(blocking=False):
            raise Refusal("busy", "another upload is coming in", "wait until it has arrived")
        try:
            self.drop()
            upload = self._take(file, stream, size, owner)
            self._kept = upload
        except (OSError, ValueError) as error:
            raise translate(error) from error
        finally:
            self._taking.release()
        self._machine.start("upload", lambda: self._expire(upload))
        return upload

    def _take(self, file: str, stream: BinaryIO, size: int, owner: str) -> Upload:
        key = self._machine.entropy(KEY_LENGTH).hex()
        path = f"{INCOMING}/{key}.upload"
        session = Session(self._identity.facts().fence, "receiving", stream)
        sha256 = store(self._machine, path, stream, size, session)
        try:
            with self._machine.disk.open(path) as source:
                seen = look(file, source, size)
        except Exception:
            self._machine.disk.unlink(path)
            raise
        report(self._machine, "upload.taken", sha256=sha256, size=size)
        return Upload(key, owner, path, sha256, seen)

    def find(self, key: str, owner: str) -> Upload:
        """Return the upload that a session brought.

        Raises:
            Refusal: `no-such-file`.
        """
        kept = self._kept
        if kept is None or (kept.key, kept.owner) != (key, owner):
            raise Refusal(
                "no-such-file", "the uploaded file is not here any more", "upload it again"
            )
        return kept

    def drop(self) -> None:
        """Remove what is kept; harmless when there is nothing."""
        kept, self._kept = self._kept, None
        if kept is not None:
            with contextlib.suppress(FileNotFoundError):
                self._machine.disk.unlink(kept.path)
            self._bell.ring()

    def stop(self) -> None:
        """Wait for no confirmation any more; what lies there is removed at boot."""
        self._kept = None
        self._bell.ring()

    def _expire(self, upload: Upload) -> None:
        """Wait for the end of an upload's time, unless it goes before."""
        left = KEPT_FOR
        while left and self._kept is upload:
            left = self._machine.calendar.rest(left, self._bell)
        if self._kept is upload:
            self.drop()
            report(self._machine, "upload.expired", sha256=upload.sha256)
