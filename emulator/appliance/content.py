"""The content of an appliance: a database of entities and files named by their SHA-256.

An import builds a new database beside the current one; `identity.db` says which one counts.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any, BinaryIO, NamedTuple

from emulator.appliance.databases import make, opened
from emulator.appliance.entities import (
    DIGESTED_APART,
    PASSWORDS,
    Entity,
    canonical,
    check,
    digests,
    names_secret,
)
from emulator.appliance.layout import BLOBS, blob_path
from emulator.appliance.refusal import Refusal
from emulator.appliance.vault import Vault
from emulator.ports import Database, Disk, WritableFile

FOLDER = "content"
PIECE = 256 * 1024
PAGE = 500  # rows that are in memory at a time


def path_of(name: str) -> str:
    """Return where a content database stands."""
    return f"{FOLDER}/{name}.db"


def discard(disk: Disk, name: str) -> None:
    """Remove a content database and what SQLite keeps beside it."""
    for file in disk.list(FOLDER):
        if file == f"{name}.db" or file.startswith(f"{name}.db-"):
            with contextlib.suppress(FileNotFoundError):
                disk.unlink(f"{FOLDER}/{file}")
    disk.sync_dir(FOLDER)


def build(disk: Disk, name: str, entities: Iterable[Entity], vault: Vault) -> int:
    """Write a new content database, durable when this returns; the number of entities."""
    database = disk.database(path_of(name))
    try:
        with database.transaction() as connection:
            make(connection, SCHEMA)
            connection.executemany(
                "INSERT INTO entity VALUES (?, ?, ?)",
                [_sealed(one, vault) for one in entities],
            )
        count = int(database.read("SELECT count(*) FROM entity")[0][0])
    finally:
        database.close()
    disk.sync_dir(FOLDER)
    return count


class Digests(NamedTuple):
    """What content is, in SHA-256.

    Attributes:
        objects: of every object, by `kind/id`.
        kinds: of all objects of a kind.
        total: of all kinds but `passwords`: the same for two appliances of one seed.
    """

    objects: dict[str, str]
    kinds: dict[str, str]
    total: str


SCHEMA = {
    "entity": (
        "CREATE TABLE entity (kind TEXT, id TEXT, body TEXT NOT NULL,"
        " PRIMARY KEY (kind, id)) WITHOUT ROWID"
    )
}


class Content:
    """The current entities. Threads may read while an import exchanges the database."""

    def __init__(self, disk: Disk, name: str, vault: Vault) -> None:
        self._disk = disk
        self._vault = vault
        self._database: Database = opened(disk, path_of(name), SCHEMA)
        self._exchange = threading.Lock()  # held for single reads and writes only
        self._watchers: list[Callable[[], None]] = []

    def watch(self, told: Callable[[], None]) -> None:
        """Tell somebody whenever the content has changed."""
        self._watchers.append(told)

    def _tell(self) -> None:
        for told in self._watchers:
            told()

    def exchange(self, name: str) -> None:
        """Go on with another database; the old one is closed, not removed."""
        database = self._disk.database(path_of(name))
        with self._exchange:
            old, self._database = self._database, database
            old.close()
        self._tell()

    def count(self, kind: str) -> int:
        """Return how many entities of a kind there are."""
        sql = "SELECT count(*) FROM entity WHERE kind = ?"
        with self._exchange:
            return int(self._database.read(sql, (kind,))[0][0])

    def snapshot(self) -> list[Entity]:
        """Return all entities at one instant, by kind and id."""
        with self._exchange:
            rows = self._database.read("SELECT kind, id, body FROM entity ORDER BY kind, id")
        return [Entity(row[0], row[1], self._open(*row)) for row in rows]

    def all(self, kind: str) -> dict[str, dict[str, Any]]:
        """Return the entities of one kind by id, in the order of their ids."""
        sql = "SELECT id, body FROM entity WHERE kind = ? ORDER BY id"
        with self._exchange:
            rows = self._database.read(sql, (kind,))
        return {row[0]: self._open(kind, *row) for row in rows}

    def get(self, kind: str, key: str) -> dict[str, Any] | None:
        """Return one entity's body, or None."""
        with self._exchange:
            rows = self._database.read(
                "SELECT body FROM entity WHERE kind = ? AND id = ?", (kind, key)
            )
        return self._open(kind, key, rows[0][0]) if rows else None

    def add(self, entity: Entity) -> None:
        """Add an entity.

        Raises:
            Refusal: `exists`.
        """
        if self.get(entity.kind, entity.id) is not None:
            raise Refusal(
                "exists", f"{entity.kind}/{entity.id} exists already", "choose another id"
            )
        self.put([entity])

    def put(self, entities: Iterable[Entity], removed: Iterable[tuple[str, str]] = ()) -> None:
        """Write entities in one transaction, replacing those of the same kind and id.

        Args:
            entities: what is written.
            removed: kind and id of what goes in the same transaction.
        """
        rows = [_sealed(check(one), self._vault) for one in entities]
        with self._exchange, self._database.transaction() as connection:
            connection.executemany("INSERT OR REPLACE INTO entity VALUES (?, ?, ?)", rows)
            connection.executemany("DELETE FROM entity WHERE kind = ? AND id = ?", removed)
        self._tell()

    def remove(self, kind: str, key: str) -> None:
        """Remove an entity.

        Raises:
            Refusal: `no-such-object`.
        """
        if self.get(kind, key) is None:
            raise Refusal("no-such-object", f"there is no {kind}/{key}", f"{kind} list shows them")
        with self._exchange, self._database.transaction() as connection:
            connection.execute("DELETE FROM entity WHERE kind = ? AND id = ?", (kind, key))
        self._tell()

    def digests(self) -> Digests:
        """Return what the content is at one instant; a page of it is in memory at a time."""
        objects: dict[str, str] = {}
        kinds: dict[str, hashlib._Hash] = {}
        with self._exchange:
            for row in self._pages():
                for key, digest in self._digests(*row):
                    objects[key] = digest
                    kind, _, identity = key.partition("/")
                    kinds.setdefault(kind, hashlib.sha256()).update(
                        f"{identity} {digest}\n".encode()
                    )
        found = {kind: seen.hexdigest() for kind, seen in sorted(kinds.items())}
        lines = (f"{kind} {digest}\n" for kind, digest in found.items() if kind != PASSWORDS)
        return Digests(objects, found, hashlib.sha256("".join(lines).encode()).hexdigest())

    def _digests(self, kind: str, key: str, body: str) -> Iterable[tuple[str, str]]:
        if kind in DIGESTED_APART or names_secret(body):
            return digests(Entity(kind, key, self._open(kind, key, body)))
        return [(f"{kind}/{key}", hashlib.sha256(body.encode()).hexdigest())]

    def _pages(self) -> Iterator[tuple[str, str, str]]:
        sql = (
            "SELECT kind, id, body FROM entity WHERE (kind, id) > (?, ?) ORDER BY kind, id LIMIT ?"
        )
        last = ("", "")
        while rows := self._database.read(sql, (*last, PAGE)):
            yield from (tuple(row) for row in rows)
            last = (rows[-1][0], rows[-1][1])

    def _open(self, kind: str, key: str, body: str) -> dict[str, Any]:
        """Return the body of an entity, its secrets laid open."""
        found: dict[str, Any] = json.loads(body)
        return self._vault.reveal_all(found, f"{kind}/{key}") if names_secret(body) else found

    def close(self) -> None:
        """Close the database."""
        with self._exchange:
            self._database.close()


def _sealed(entity: Entity, vault: Vault) -> tuple[str, str, str]:
    """Return the row of an entity, its secrets sealed (D15)."""
    body = canonical(entity.body)
    if names_secret(body):
        body = canonical(vault.seal_all(entity.body, f"{entity.kind}/{entity.id}"))
    return entity.kind, entity.id, body


class Damaged(Refusal):
    """A stored file is not what its name says, or is gone; `sha256` is what it should be."""

    def __init__(self, sha256: str) -> None:
        super().__init__(
            "damaged",
            f"the stored file {sha256} is damaged",
            "restore what uses it from a backup, and check the disk",
        )
        self.sha256 = sha256


class Blobs:
    """Files by SHA-256: `blobs/ab/abcd…`, durable before anything refers to them."""

    def __init__(self, disk: Disk) -> None:
        self._disk = disk

    @staticmethod
    def path(sha256: str) -> str:
        """Return where a blob stands."""
        return blob_path(sha256)

    def open(self, sha256: str) -> BinaryIO:
        """Open a blob for reading; FileNotFoundError if it is missing."""
        return self._disk.open(self.path(sha256))

    def pieces(self, sha256: str) -> Iterator[bytes]:
        """Read a blob, verified: its last piece comes only when the whole is what it should be.

        Raises:
            Damaged: it is not, or it is missing.
        """
        seen, held = hashlib.sha256(), b""
        try:
            with self.open(sha256) as source:
                while piece := source.read(PIECE):
                    seen.update(piece)
                    if held:
                        yield held
                    held = piece
        except FileNotFoundError as error:
            raise Damaged(sha256) from error
        if seen.hexdigest() != sha256:
            raise Damaged(sha256)
        if held:
            yield held

    def holds(self, sha256: str, size: int) -> bool:
        """Whether a blob is here already; a name without `.part` is always whole."""
        with contextlib.suppress(FileNotFoundError):
            return self._disk.size(self.path(sha256)) == size
        return False

    def put(self, sha256: str, size: int, source: BinaryIO) -> None:
        """Take a blob in, verified and durable.

        Raises:
            Refusal: `checksum`.
        """
        if self.holds(sha256, size):
            return
        seen, path = hashlib.sha256(), self.path(sha256)
        part = f"{path}.upload"  # apart from what a transfer may be writing; `sweep` removes it
        file = self._disk.create(part)
        try:
            copy(source, file, size, seen)
            file.sync()
        finally:
            file.close()
        if seen.hexdigest() != sha256:
            raise Refusal("checksum", f"the file {sha256[:12]}… is damaged")
        self._disk.rename(part, path)
        self._disk.sync_dir(path.rpartition("/")[0])

    def sweep(self, referenced: Iterable[str], awaited: Iterable[str] = ()) -> int:
        """Remove every blob that nothing refers to, and unfinished ones; how many.

        Args:
            referenced: blobs that stay.
            awaited: blobs of a transfer; of these, what was begun stays too.
        """
        kept = {*referenced}
        for sha256 in awaited:
            kept |= {sha256, f"{sha256}.part"}
        removed = 0
        for prefix in self._disk.folders(BLOBS):
            for name in self._disk.list(f"{BLOBS}/{prefix}"):
                if name not in kept:
                    self._disk.unlink(f"{BLOBS}/{prefix}/{name}")
                    removed += 1
        return removed


def part_of(sha256: str) -> str:
    """Return where a blob is while it is not whole."""
    return f"{Blobs.path(sha256)}.part"


def copy(source: BinaryIO, file: WritableFile, size: int, seen: hashlib._Hash) -> None:
    """Copy at most `size` bytes, hashing them."""
    left = size
    while left and (piece := source.read(min(PIECE, left))):
        seen.update(piece)
        file.write(piece)
        left -= len(piece)
