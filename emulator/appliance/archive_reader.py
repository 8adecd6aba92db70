"""Reading a `.sar`, or a seal, that may be hostile (I2).

Everything is bounded before it is read: the directory's size, the number of entries, each
entry's size, the sum, the ratio of compression. Names must be exactly those that the
manifest lists. Nothing is written to a path that comes from the archive.
"""

from __future__ import annotations

import hashlib
import json
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO, NamedTuple

from emulator.appliance.archive import MANIFEST, Manifest, parse_manifest
from emulator.appliance.content import PIECE, Blobs
from emulator.appliance.entities import Entity, EntityError, check
from emulator.appliance.kinds import KINDS, SHA256
from emulator.appliance.refusal import Refusal
from emulator.appliance.selection import choice_of

# A company of 1,000 users has some 10,000 files and several GB; ten times that must fit.
MAX_ARCHIVE = 2**36
MAX_ENTRIES = 100_000
MAX_DIRECTORY = 16 * 2**20
MAX_MANIFEST = 20 * 2**20
MAX_DOCUMENT = 64 * 2**20
MAX_DOCUMENTS = 128 * 2**20
MAX_RATIO = 200
RATIO_FREE = 2**20  # below this size the ratio does not matter
END = struct.Struct("<4s4H2LH")  # end of central directory (APPNOTE 4.3.16)
LOCATOR = struct.Struct("<4sLQL")  # where the ZIP64 end is (4.3.15)
END64 = struct.Struct("<4sQ2H2L4Q")  # the same with larger numbers (4.3.14)
REMEDY = "export the backup again on the active appliance"


def not_a_backup(why: str) -> Refusal:
    """Return the refusal of a file that is no sound backup."""
    return Refusal("not-a-backup", f"the file is not a sound backup: {why}", REMEDY)


def _sealed_names(manifest: Manifest) -> set[str]:
    return {MANIFEST, *(name for name in manifest.entries if name.startswith("entities/"))}


def _whole_names(manifest: Manifest) -> set[str]:
    return {MANIFEST, *manifest.entries}


@contextmanager
def _distrust() -> Iterator[None]:
    """Turn everything that parsing hostile bytes can raise into one refusal."""
    try:
        yield
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise not_a_backup(f"damaged archive ({type(error).__name__})") from error
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
        raise not_a_backup(f"malformed content ({error})"[:200]) from error
    except (struct.error, RecursionError, NotImplementedError, RuntimeError) as error:
        raise not_a_backup(f"malformed content ({type(error).__name__})") from error


class Sealed:
    """A seal that has been looked at: manifest and entities, and the blobs that they name.

    Args:
        names: what the ZIP must hold, by its manifest.

    Raises:
        Refusal: `not-a-backup`; `checksum` when an entry differs from the manifest.
    """

    def __init__(
        self, stream: BinaryIO, size: int, names: Callable[[Manifest], set[str]] = _sealed_names
    ) -> None:
        with _distrust():
            _bound_directory(stream, size)
            self._zip = zipfile.ZipFile(stream)
            self._infos = _bound_entries(self._zip.infolist(), size)
            self.manifest: Manifest = parse_manifest(self._read(MANIFEST, MAX_MANIFEST))
            if set(self._infos) != names(self.manifest):
                raise ValueError("the entries are not those that the manifest lists")
            _compare(self.manifest, self._infos)

    def entities(self) -> list[Entity]:
        """Return all entities, verified and well-formed."""
        found: list[Entity] = []
        with _distrust():
            for name, part in self.manifest.entries.items():
                if name.startswith("entities/"):
                    data = self._read(name, MAX_DOCUMENT)
                    if hashlib.sha256(data).hexdigest() != part.sha256:
                        raise Refusal("checksum", f"{name} differs from its manifest", REMEDY)
                    found += _entities(name.removeprefix("entities/").removesuffix(".json"), data)
            identities = {(one.kind, one.id) for one in found}
            if len(identities) != len(found):
                raise EntityError("an entity is there twice")
            if not {choice_of(one) for one in found} <= {*self.manifest.contents}:
                raise EntityError("an entity is of a kind that the manifest leaves out")
            self._compare_files(found)
        return found

    def blobs(self) -> dict[str, int]:
        """Return the SHA-256 and size of all blobs."""
        return {
            part.sha256: part.size
            for name, part in self.manifest.entries.items()
            if name.startswith("blobs/")
        }

    def supply(self, blobs: Blobs, _check: Callable[[], None]) -> None:
        """See that every blob is in the store, where the transfer has put it, verified.

        Raises:
            Refusal: `incomplete`.
        """
        lacking = [sha256 for sha256, size in self.blobs().items() if not blobs.holds(sha256, size)]
        if lacking:
            raise Refusal("incomplete", f"{len(lacking)} files have not arrived", "send it again")

    @contextmanager
    def entry(self, name: str) -> Iterator[BinaryIO]:
        """Open an entry; whoever reads it verifies it."""
        with _distrust(), self._zip.open(self._infos[name]) as source:
            yield source  # type: ignore[misc]  # IO[bytes] reads as BinaryIO does

    def _read(self, name: str, limit: int) -> bytes:
        info = self._infos.get(name)
        if info is None:
            raise ValueError(f"{name} is missing")
        if info.file_size > limit:
            raise ValueError(f"{name} is too large")
        with self._zip.open(info) as entry:
            data = entry.read(limit + 1)
        if len(data) != info.file_size:
            raise ValueError(f"{name} has another size than announced")
        return data

    def _compare_files(self, entities: list[Entity]) -> None:
        wanted = {one.body["sha256"]: one.body["size"] for one in entities if one.kind == "files"}
        if wanted != self.blobs():
            raise EntityError("the files that entities name are not those of the archive")


class Archive:
    """A `.sar` that has been looked at, but not yet read: a seal, and the blobs with it.

    Raises:
        Refusal: as `Sealed`.
    """

    def __init__(self, stream: BinaryIO, size: int) -> None:
        self._sealed = Sealed(stream, size, _whole_names)
        self.manifest = self._sealed.manifest

    def entities(self) -> list[Entity]:
        """Return all entities, verified and well-formed."""
        return self._sealed.entities()

    def blobs(self) -> dict[str, int]:
        """Return the SHA-256 and size of all blobs."""
        return self._sealed.blobs()

    def verify(self) -> None:
        """Read every blob and compare it with its name.

        Raises:
            Refusal: `checksum`, `not-a-backup`.
        """
        for sha256 in self.blobs():
            seen = hashlib.sha256()
            with self._sealed.entry(f"blobs/{sha256}") as source:
                while piece := source.read(PIECE):
                    seen.update(piece)
            if seen.hexdigest() != sha256:
                raise Refusal("checksum", f"the file {sha256[:12]}… is damaged", REMEDY)

    def supply(self, blobs: Blobs, check: Callable[[], None]) -> None:
        """Put every blob into the store, verified and durable.

        Args:
            blobs: the store.
            check: raises when this is not to go on.

        Raises:
            Refusal: `checksum`, `not-a-backup`.
        """
        for sha256, size in self.blobs().items():
            check()
            with self._sealed.entry(f"blobs/{sha256}") as source:
                blobs.put(sha256, size, source)


class _End(NamedTuple):
    """Where the directory of a ZIP is, as its last bytes say."""

    disk: int
    start_disk: int
    here: int
    entries: int
    length: int
    offset: int

    def short(self) -> _End:
        """Return what an end without room for large numbers says of it."""
        limits = (2**16, 2**16, 2**16, 2**16, 2**32, 2**32)
        return _End(*(min(one, limit - 1) for one, limit in zip(self, limits, strict=True)))


def _bound_directory(stream: BinaryIO, size: int) -> None:
    """Check the archive's end by hand, before zipfile reads a directory of any size."""
    if not END.size <= size <= MAX_ARCHIVE:
        raise ValueError("no archive has this size")
    end, tail = _end(stream, size)
    if end.disk or end.start_disk or end.here != end.entries:
        raise ValueError("an archive in several pieces")
    if not 0 < end.entries <= MAX_ENTRIES or end.length > MAX_DIRECTORY:
        raise ValueError("too many entries")
    if end.offset + end.length + tail != size:
        raise ValueError("bytes that belong to nothing")
    stream.seek(0)


def _end(stream: BinaryIO, size: int) -> tuple[_End, int]:
    """Read the end, that of ZIP64 where there is one; and how many bytes it takes."""
    magic, *found, comment = _unpack(stream, END, size - END.size)
    if magic != b"PK\x05\x06" or comment:
        raise ValueError("no archive, or not in the form that appliances write")
    plain, tail = _End(*found), END.size + LOCATOR.size + END64.size
    if size < tail:
        return plain, END.size
    magic, *locator = _unpack(stream, LOCATOR, size - tail + END64.size)
    if magic != b"PK\x06\x07":
        return plain, END.size
    magic, length, _made_by, _needed, *found = _unpack(stream, END64, size - tail)
    large = _End(*found)
    right = (magic, length, locator) == (b"PK\x06\x06", END64.size - 12, [0, size - tail, 1])
    if not right or plain != large.short():
        raise ValueError("two ends that contradict each other")
    return large, tail


def _unpack(stream: BinaryIO, form: struct.Struct, at: int) -> tuple[Any, ...]:
    stream.seek(at)
    return form.unpack(stream.read(form.size))


def _bound_entries(infos: list[zipfile.ZipInfo], size: int) -> dict[str, zipfile.ZipInfo]:
    found: dict[str, zipfile.ZipInfo] = {}
    for info in infos:
        if info.filename in found:
            raise ValueError("an entry is there twice")
        if stat.S_IFMT(info.external_attr >> 16) not in (0, stat.S_IFREG):
            raise ValueError("an entry is no ordinary file")
        if info.flag_bits & 0x1 or info.compress_type not in (
            zipfile.ZIP_STORED,
            zipfile.ZIP_DEFLATED,
        ):
            raise ValueError("an entry is encrypted or compressed in a strange way")
        if info.file_size > max(RATIO_FREE, MAX_RATIO * info.compress_size):
            raise ValueError("an entry unpacks to an absurd size")
        if info.compress_type == zipfile.ZIP_STORED and info.file_size != info.compress_size:
            raise ValueError("an entry has two sizes")
        found[info.filename] = info
    if sum(info.compress_size for info in infos) > size:
        raise ValueError("entries overlap")
    documents = [info.file_size for info in infos if not info.filename.startswith("blobs/")]
    if sum(documents) > MAX_DOCUMENTS:
        raise ValueError("too much content")
    return found


def _compare(manifest: Manifest, infos: dict[str, zipfile.ZipInfo]) -> None:
    """Hold the directory against the manifest: same sizes, known places."""
    known = {f"entities/{kind}.json" for kind in KINDS}
    for name, part in manifest.entries.items():
        info = infos.get(name)
        if info is not None and info.file_size != part.size:
            raise ValueError("an entry has another size than the manifest says")
        if name in known:
            continue
        if name != f"blobs/{part.sha256}" or not SHA256.fullmatch(part.sha256):
            raise ValueError(f"the entry {name[:60]!r} has no place in a backup")
        if info is not None and info.compress_type != zipfile.ZIP_STORED:
            raise ValueError("a file is compressed")


def _entities(kind: str, data: bytes) -> list[Entity]:
    rows = json.loads(data)
    if not isinstance(rows, list):
        raise TypeError(f"{kind} is no list")
    return [check(Entity(kind, row["id"], row["body"])) for row in rows]
