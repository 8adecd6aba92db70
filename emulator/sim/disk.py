"""A disk in memory that knows what a power cut would leave of it.

Bytes are durable after `sync`, names after `sync_dir`; until then both live in the page
cache, which survives SIGKILL but not a power cut. Every call that a kernel would see is
one `Operation` in `SimDisk.log`.
"""

from __future__ import annotations

import io
import posixpath
from dataclasses import dataclass, field
from typing import BinaryIO

from emulator.sim.database import SharedDatabase, SimDatabase
from emulator.sim.life import Life

STATE_DIR = "/var/lib/appliance"


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

    def truncate(self) -> None:
        """Forget all bytes."""
        self.cached = bytearray()
        self.pending.append(None)

    def write(self, data: bytes) -> None:
        """Append bytes."""
        self.cached += data
        self.pending.append(data)

    def sync(self) -> None:
        """Make everything written so far durable."""
        for data in self.pending:
            if data is None:
                self.durable = bytearray()
            else:
                self.durable += data
        self.pending.clear()


Folder = dict[str, Inode]


class SimDisk:
    """The platter and its page cache: what outlives a program.

    Attributes:
        log: every operation since the disk was made.
    """

    def __init__(self) -> None:
        self.log: list[Operation] = []
        self._folders: dict[str, Folder] = {}
        self._durable: dict[str, Folder] = {}

    def power_cut(self) -> None:
        """Keep only synced names, and of each file only synced bytes.

        Of all that could survive a power cut this is the least.
        """
        self._folders = {path: dict(folder) for path, folder in self._durable.items()}
        for folder in self._folders.values():
            for inode in folder.values():
                inode.cached = bytearray(inode.durable)
                inode.pending.clear()

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
        self.log.append(Operation("create", path))
        inode = self._named(path, mode)
        inode.truncate()
        return inode

    def append(self, path: str, mode: int) -> Inode:
        """Return a file, making it if need be."""
        folder, name = _split(path)
        if name not in self._folders.get(folder, {}):
            self.log.append(Operation("create", path))
        return self._named(path, mode)

    def write(self, path: str, inode: Inode, data: bytes) -> None:
        """Append bytes to an open file."""
        self.log.append(Operation("write", path, size=len(data)))
        inode.write(data)

    def sync(self, path: str, inode: Inode) -> None:
        """Make the bytes of an open file durable."""
        self.log.append(Operation("sync", path))
        inode.sync()

    def rename(self, old: str, new: str) -> None:
        """Replace a name by another."""
        inode = self.inode(old)
        self.log.append(Operation("rename", old, target=new))
        (old_folder, old_name), (new_folder, new_name) = _split(old), _split(new)
        del self._folders[old_folder][old_name]
        self._folders.setdefault(new_folder, {})[new_name] = inode

    def unlink(self, path: str) -> None:
        """Remove a name."""
        self.inode(path)
        self.log.append(Operation("unlink", path))
        folder, name = _split(path)
        del self._folders[folder][name]

    def sync_dir(self, path: str) -> None:
        """Make the names in a folder durable."""
        self.log.append(Operation("sync_dir", path))
        folder = _folder(path)
        self._durable[folder] = dict(self._folders.get(folder, {}))

    def sync_all(self) -> None:
        """Make all bytes and names durable."""
        self.log.append(Operation("sync_all", ""))
        for path, folder in self._folders.items():
            for inode in folder.values():
                inode.sync()
            self._durable[path] = dict(folder)

    def names(self, path: str) -> list[str]:
        """Return the names of the files in a folder, sorted."""
        return sorted(self._folders.get(_folder(path), {}))

    def _named(self, path: str, mode: int) -> Inode:
        folder, name = _split(path)
        return self._folders.setdefault(folder, {}).setdefault(name, Inode(mode))


class SimFile:
    """A file of a running program that is being written."""

    def __init__(self, life: Life, disk: SimDisk, path: str, inode: Inode) -> None:
        self._life = life
        self._disk = disk
        self._path = path
        self._inode = inode
        self._closed = False

    def write(self, data: bytes, /) -> int:
        """Append bytes."""
        self._check()
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

    def list(self, path: str) -> list[str]:
        """Return the names of the files in a folder, sorted."""
        self._life.check()
        return self._disk.names(path)

    def size(self, path: str) -> int:
        """Return a file's size in bytes."""
        self._life.check()
        return len(self._disk.inode(path).cached)

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
