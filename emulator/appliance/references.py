"""What the blob store must keep: content, snapshots, and what a transfer counts on.

A seal on the disk is what keeps blobs from being swept: those of `snapshots/` are what this
box sends, `blobs/wanted.seal` is what it is being sent. A receive writes that one before its
first blob, and it outlives attempts, fences and power cuts: so nothing that has arrived and
was verified has to come again.
"""

from __future__ import annotations

import contextlib

from emulator.appliance.archive_reader import Sealed
from emulator.appliance.content import Blobs, Content
from emulator.appliance.databases import ASIDE
from emulator.appliance.fence import Gate, Session
from emulator.appliance.refusal import Refusal
from emulator.appliance.store import Store
from emulator.ports import Disk

WANTED = "blobs/wanted.seal"
SNAPSHOTS = "snapshots"


def sweep(disk: Disk, blobs: Blobs, content: Content) -> None:
    """Remove every blob that neither content nor a seal refers to.

    Nothing goes while a damaged database is kept: what it refers to nobody can tell.
    """
    if disk.list(ASIDE):
        return
    kept = {str(body["sha256"]) for body in content.all("files").values()}
    for name in disk.list(SNAPSHOTS):
        kept |= _named(disk, f"{SNAPSHOTS}/{name}")
    blobs.sweep(kept, _named(disk, WANTED))


def _named(disk: Disk, path: str) -> set[str]:
    """Return the blobs that a seal names; a torn one, or none at all, names nothing."""
    with contextlib.suppress(FileNotFoundError, Refusal), disk.open(path) as stream:
        return set(Sealed(stream, disk.size(path)).blobs())
    return set()


class Sweeper:
    """Sweeps while sessions work: it never overlaps one that begins or commits."""

    def __init__(self, disk: Disk, store: Store, gate: Gate) -> None:
        self._disk = disk
        self._store = store
        self._gate = gate

    def sweep(self) -> None:
        """Remove what nothing refers to."""
        with self._gate.alone():
            sweep(self._disk, self._store.blobs, self._store.content)

    def tidy(self) -> None:
        """Remove what nothing refers to, unless a session may be bringing in what is new."""
        with self._gate.alone():
            if not self._gate.at_rest:
                return
            sweep(self._disk, self._store.blobs, self._store.content)

    def forsake(self, session: Session) -> None:
        """Count no longer on what a session was sent, unless a newer one has come; sweep."""
        with self._gate.alone():
            if session.ended_by is None:
                with contextlib.suppress(FileNotFoundError):
                    self._disk.unlink(WANTED)
            sweep(self._disk, self._store.blobs, self._store.content)
