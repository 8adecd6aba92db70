"""A disk in memory that knows what a power cut would leave of it.

Bytes are durable after `sync`, names after `sync_dir`; until then both live in the page
cache, which survives SIGKILL but not a power cut: of what is pending then, a real disk may
have kept any part (`emulator.sim.survivors`). Every call that a kernel would see is one
`Operation` in `SimDisk.log`.
"""

from __future__ import annotations

import hashlib
import io
import posixpath
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import BinaryIO, Protocol

from emulator.ports import DiskUsage
from emulator.sim.cache import Cache
from emulator.sim.database import SharedDatabase, SimDatabase
from emulator.sim.inodes import Folder, Inode, Move, copied
from emulator.sim.life import Life
from emulator.sim.survivors import LEAST, Part, Survivor

STATE_DIR = "/var/lib/appliance"
Copy = dict[str, Folder]  # of a disk, apart from it
CAPACITY = 32 * 2**30  # bytes; nothing here ever fills it


@dataclass(frozen=True)
class Operation:
    """One system call: `create`, `write`, `sync`, `rename`, `unlink`, `sync_dir` or `sync_all`.

    Attributes:
        call: which one.
        path: of the file or folder, relative to the state directory.
        size: how many bytes a `write` appended.
        target: the new name of a `rename`.
    """

    call: str
    path: str
    size: int = 0
    target: str = ""

    def __str__(self) -> str:
        """Show it on one line."""
        target = f" -> {self.target}" if self.target else ""
        size = f" {self.size} bytes" if self.size else ""
        return f"{self.call} {self.path or '.'}{target}{size}"


class Onlooker(Protocol):
    """Somebody of the lab who sees each operation, and may end the node's life there."""

    def before(self, operation: Operation, data: bytes) -> None:
        """See what is about to be done; `data` are the bytes of a `write`."""

    def after(self, operation: Operation) -> None:
        """See what was done."""


class SimDisk:
    """The platter and its page cache: what outlives a program.

    Attributes:
        log: every operation since the disk was made.
        onlooker: sees every operation.
        cache: decides what a sync does, and what a power cut leaves.
    """

    def __init__(self) -> None:
        self.log: list[Operation] = []
        self.onlooker: Onlooker | None = None
        self.cache = Cache()
        self._folders: dict[str, Folder] = {}
        self._durable: dict[str, Folder] = {}
        self._moves: list[Move] = []  # oldest first

    def power_cut(self, survivor: Survivor = LEAST) -> None:
        """Keep what is durable, and of what is pending the parts that a survivor names."""
        folders, parts = self._after_power_cut(survivor)
        for inode, part in parts.items():
            inode.cut(part)
        self._folders = folders
        self._durable = {path: dict(folder) for path, folder in folders.items()}
        self._moves.clear()

    def pending(self, unread: frozenset[str] = frozenset()) -> tuple[tuple[Part, ...], ...]:
        """Return, for each pending change of names and then each file, what may be left of it.

        Args:
            unread: paths that no program reads: nothing is told apart there.
        """
        apart = {_split(path) for path in unread}
        ignored = {id(self._folders.get(folder, {}).get(name)) for folder, name in apart}
        parts = [
            (Part.NOTHING,) if set(move.names) <= apart else (Part.NOTHING, Part.ALL)
            for move in self._moves
        ]
        for inode in self._pending_files():
            torn = (Part.HALF,) if any(inode.pending) else ()
            found = (Part.NOTHING, *torn, Part.ALL)
            parts.append((Part.NOTHING,) if id(inode) in ignored else found)
        return tuple(parts)

    def image(self, survivor: Survivor, unread: frozenset[str] = frozenset()) -> bytes:
        """Return a digest of what a power cut would leave; equal ones are one and the same."""
        folders, parts = self._after_power_cut(survivor)
        seen = hashlib.blake2b(digest_size=16)
        for path, folder in sorted(folders.items()):
            for name, inode in sorted(folder.items()):
                if posixpath.join(path, name) not in unread:
                    seen.update(f"{path}/{name}\0".encode() + inode.digest(parts[inode]))
        return seen.digest()

    def digest(self, unread: frozenset[str] = frozenset()) -> str:
        """Return a digest of every name and byte as programs see them now."""
        seen = hashlib.blake2b(digest_size=16)
        for path in self.paths():
            if path not in unread:
                seen.update(f"{path}\0".encode() + self.inode(path).digest(Part.ALL))
        return seen.hexdigest()

    def used(self) -> int:
        """Return how many bytes the files that have a name hold."""
        return sum(
            len(inode.cached) for folder in self._folders.values() for inode in folder.values()
        )

    def paths(self) -> list[str]:
        """Return every file that has a name, sorted."""
        return sorted(
            posixpath.join(path, name) for path, folder in self._folders.items() for name in folder
        )

    def inode(self, path: str) -> Inode:
        """Return the file of a name.

        Raises:
            FileNotFoundError: there is none.
        """
        folder, name = _split(path)
        try:
            return self._folders[folder][name]
        except KeyError:
            raise FileNotFoundError(2, "No such file", path) from None

    def create(self, path: str, mode: int) -> Inode:
        """Make a file, or empty it."""
        with self._doing(Operation("create", path)):
            inode = self._named(path, mode)
            inode.truncate()
        return inode

    def append(self, path: str, mode: int) -> Inode:
        """Return a file, making it if need be."""
        folder, name = _split(path)
        if name in self._folders.get(folder, {}):
            return self._folders[folder][name]
        with self._doing(Operation("create", path)):
            return self._named(path, mode)

    def write(self, path: str, inode: Inode, data: bytes) -> None:
        """Append bytes to an open file."""
        with self._doing(Operation("write", path, size=len(data)), data):
            inode.write(data)

    def sync(self, path: str, inode: Inode) -> None:
        """Make the bytes of an open file durable."""
        with self._doing(Operation("sync", path)):
            if self.cache.syncs():
                inode.sync()

    def rename(self, old: str, new: str) -> None:
        """Replace a name by another."""
        inode = self.inode(old)
        with self._doing(Operation("rename", old, target=new)):
            self._move(Move({_split(old): None, _split(new): inode}))

    def unlink(self, path: str) -> None:
        """Remove a name."""
        self.inode(path)
        with self._doing(Operation("unlink", path)):
            self._move(Move({_split(path): None}))

    def sync_dir(self, path: str) -> None:
        """Make the names in a folder durable."""
        with self._doing(Operation("sync_dir", path)):
            folder = _folder(path)
            if self.cache.syncs():
                self._durable[folder] = dict(self._folders.get(folder, {}))
                self._moves = [move for move in self._moves if move.settle(folder)]

    def sync_all(self) -> None:
        """Make all bytes and names durable."""
        with self._doing(Operation("sync_all", "")):
            if self.cache.syncs():
                self.flush()

    def flush(self) -> None:
        """Become durable as it is, without anybody having asked."""
        for path, folder in self._folders.items():
            for inode in folder.values():
                inode.sync()
            self._durable[path] = dict(folder)
        self._moves.clear()

    def copy(self) -> Copy:
        """Return what is durable."""
        return {path: copied(folder) for path, folder in self._durable.items()}

    def become(self, copy: Copy) -> None:
        """Hold what a copy holds, durably."""
        self._folders = {path: copied(folder) for path, folder in copy.items()}
        self._durable = {path: dict(folder) for path, folder in self._folders.items()}
        self._moves.clear()

    def folders(self, path: str) -> list[str]:
        """Return the names of the folders in a folder, sorted."""
        above = f"{_folder(path)}/"
        return sorted(one.removeprefix(above) for one in self._folders if one.startswith(above))

    def names(self, path: str) -> list[str]:
        """Return the names of the files in a folder, sorted."""
        return sorted(self._folders.get(_folder(path), {}))

    @contextmanager
    def _doing(self, operation: Operation, data: bytes = b"") -> Iterator[None]:
        if self.onlooker is not None:
            self.onlooker.before(operation, data)
        self.log.append(operation)
        yield
        if self.onlooker is not None:
            self.onlooker.after(operation)

    def _named(self, path: str, mode: int) -> Inode:
        folder, name = _split(path)
        known = self._folders.get(folder, {}).get(name)
        if known is not None:
            return known
        inode = Inode(mode)
        self._move(Move({(folder, name): inode}))
        return inode

    def _move(self, move: Move) -> None:
        move.apply(self._folders)
        self._moves.append(move)

    def _pending_files(self) -> list[Inode]:
        """Return the files with pending bytes that a survivor can name, in a fixed order."""
        named = [
            inode
            for folders in (self._durable, self._folders)
            for _, folder in sorted(folders.items())
            for _, inode in sorted(folder.items())
        ]
        return [inode for inode in dict.fromkeys(named) if inode.pending]

    def _after_power_cut(self, survivor: Survivor) -> tuple[dict[str, Folder], dict[Inode, Part]]:
        folders = {path: dict(folder) for path, folder in self._durable.items()}
        files = self._pending_files()
        parts = survivor.parts(len(self._moves) + len(files))
        for move, part in zip(self._moves, parts, strict=False):
            if part is Part.ALL:
                move.apply(folders)
        kept = dict(zip(files, parts[len(self._moves) :], strict=True))
        named = (inode for folder in folders.values() for inode in folder.values())
        return folders, {inode: kept.get(inode, Part.NOTHING) for inode in (*named, *files)}


class SimFile:
    """A file of a running program that is being written."""

    def __init__(self, life: Life, disk: SimDisk, path: str, inode: Inode) -> None:
        self._life = life
        self._disk = disk
        self._path = path
        self._inode = inode
        self._closed = False

    def write(self, data: bytes, /) -> int:
        """Append bytes; of none the kernel is not told either."""
        self._check()
        if data:
            self._disk.write(self._path, self._inode, bytes(data))
        return len(data)

    def sync(self) -> None:
        """Make the bytes written so far durable."""
        self._check()
        self._disk.sync(self._path, self._inode)

    def close(self) -> None:
        """Close; harmless when repeated, and on a dead node."""
        self._closed = True

    def _check(self) -> None:
        self._life.check()
        if self._closed:
            raise ValueError(f"{self._path} is closed")


class MountedDisk:
    """The disk as the programs of one life of a node use it (`emulator.ports.Disk`)."""

    def __init__(self, life: Life, disk: SimDisk) -> None:
        self._life = life
        self._disk = disk
        self._databases: dict[str, SharedDatabase] = {}

    def create(self, path: str, mode: int = 0o600) -> SimFile:
        """Create (or truncate) a file."""
        self._life.check()
        return SimFile(self._life, self._disk, path, self._disk.create(path, mode))

    def append(self, path: str, mode: int = 0o600) -> SimFile:
        """Open a file for appending, creating it if need be."""
        self._life.check()
        return SimFile(self._life, self._disk, path, self._disk.append(path, mode))

    def open(self, path: str) -> BinaryIO:
        """Open a file for reading; what is written later is not seen."""
        self._life.check()
        return io.BytesIO(self._disk.inode(path).cached)

    def rename(self, old: str, new: str) -> None:
        """Replace `new` by `old` atomically."""
        self._life.check()
        self._disk.rename(old, new)

    def unlink(self, path: str) -> None:
        """Remove a file."""
        self._life.check()
        self._databases.pop(path, None)  # whoever has it open keeps it, as with any file
        self._disk.unlink(path)

    def sync_dir(self, path: str) -> None:
        """Make the names in a folder durable."""
        self._life.check()
        self._disk.sync_dir(path)

    def sync_all(self) -> None:
        """Make all bytes and names durable."""
        self._life.check()
        self._disk.sync_all()

    def folders(self, path: str) -> list[str]:
        """Return the names of the folders in a folder, sorted."""
        self._life.check()
        return self._disk.folders(path)

    def list(self, path: str) -> list[str]:
        """Return the names of the files in a folder, sorted."""
        self._life.check()
        return self._disk.names(path)

    def size(self, path: str) -> int:
        """Return a file's size in bytes."""
        self._life.check()
        return len(self._disk.inode(path).cached)

    def usage(self) -> DiskUsage:
        """Return how full the disk is."""
        self._life.check()
        used = self._disk.used()
        return DiskUsage(CAPACITY, used, max(CAPACITY - used, 0))

    def database(self, path: str) -> SimDatabase:
        """Open or create a database file; whoever opens it twice shares one connection."""
        self._life.check()
        shared = self._databases.get(path)
        if shared is None or not shared.users:
            shared = SharedDatabase(self, path)
            self._databases[path] = shared
        return SimDatabase(self._life, shared)

    def location(self, path: str) -> str:
        """Return the absolute path by which other programs name a file."""
        return f"{STATE_DIR}/{path}"


def relative(path: str) -> str:
    """Return a path below the state directory from either form that programs use."""
    return path.removeprefix(f"{STATE_DIR}/")


def _split(path: str) -> tuple[str, str]:
    folder, name = posixpath.split(posixpath.normpath(path))
    if posixpath.isabs(path) or name in ("", ".", "..") or folder.startswith(".."):
        raise ValueError(f"{path!r} is not a path below the state directory")
    return folder, name


def _folder(path: str) -> str:
    normal = posixpath.normpath(path)
    return "" if normal == "." else normal
