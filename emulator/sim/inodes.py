"""Bytes and names of the simulated disk, cached and durable."""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import blake2b

from emulator.sim.survivors import Part


@dataclass(eq=False)
class Inode:
    """A file's bytes, apart from its names.

    Attributes:
        mode: its permissions.
        cached: as programs see it.
        durable: as of its last sync.
        pending: what was written since then, oldest first; None stands for a truncation.
    """

    mode: int
    cached: bytearray = field(default_factory=bytearray)
    durable: bytearray = field(default_factory=bytearray)
    pending: list[bytes | None] = field(default_factory=list)
    _digests: dict[Part, bytes] = field(default_factory=dict)

    def truncate(self) -> None:
        """Forget all bytes."""
        self._digests.clear()
        self.cached = bytearray()
        self.pending.append(None)

    def write(self, data: bytes) -> None:
        """Append bytes."""
        self._digests.clear()
        self.cached += data
        self.pending.append(data)

    def sync(self) -> None:
        """Make everything written so far durable."""
        self._digests.clear()
        for data in self.pending:
            if data is None:
                self.durable = bytearray()
            else:
                self.durable += data
        self.pending.clear()

    def damage(self, content: bytes) -> None:
        """Become something else, durably, without anybody having written it."""
        self._digests.clear()
        self.cached, self.durable = bytearray(content), bytearray(content)
        self.pending.clear()

    def copy(self) -> Inode:
        """Return another file with the durable bytes."""
        return Inode(self.mode, bytearray(self.durable), bytearray(self.durable))

    def survived(self, part: Part) -> bytes:
        """Return what a power cut leaves that keeps a part of what is pending.

        Half of it: a truncation, and the first half of the bytes that were written since.
        """
        if part is Part.NOTHING:
            return bytes(self.durable)
        written = b"".join(data for data in self.pending if data is not None)
        before = b"" if None in self.pending else bytes(self.durable)
        kept = len(written) // 2 if part is Part.HALF else len(written)
        return before + written[:kept]

    def cut(self, part: Part) -> None:
        """Suffer a power cut that keeps a part of what is pending."""
        self.damage(self.survived(part))

    def digest(self, part: Part) -> bytes:
        """Return a digest of what `survived` returns."""
        if part not in self._digests:
            self._digests[part] = blake2b(self.survived(part), digest_size=16).digest()
        return self._digests[part]


Folder = dict[str, Inode]


def copied(folder: Folder) -> Folder:
    """Return a folder of files apart from these, with what is durable in them."""
    return {name: inode.copy() for name, inode in folder.items()}


@dataclass(eq=False)
class Move:
    """A change of names that no folder's sync has made durable yet, or not all of it.

    Attributes:
        names: what each (folder, name) means since then; None: it is gone.
    """

    names: dict[tuple[str, str], Inode | None]

    def apply(self, folders: dict[str, Folder]) -> None:
        """Change the names."""
        for (folder, name), inode in self.names.items():
            if inode is None:
                folders.setdefault(folder, {}).pop(name, None)
            else:
                folders.setdefault(folder, {})[name] = inode

    def settle(self, folder: str) -> bool:
        """Forget what a sync of a folder made durable; whether anything is left."""
        self.names = {key: inode for key, inode in self.names.items() if key[0] != folder}
        return bool(self.names)
