"""Making backups, and keeping them (R37, O3)."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from itertools import count
from typing import Any, BinaryIO, NamedTuple

from emulator.appliance import archive
from emulator.appliance.admission import require_exportable
from emulator.appliance.archive_reader import Archive
from emulator.appliance.content import Damaged
from emulator.appliance.entities import Entity, digests
from emulator.appliance.progress import Progress
from emulator.appliance.records import Facts, instant
from emulator.appliance.references import Sweeper
from emulator.appliance.refusal import Refusal, translate
from emulator.appliance.reports import report
from emulator.appliance.selection import COMPLETE, Selection, select
from emulator.appliance.store import Store
from emulator.ports import Bell, Machine, WritableFile

FOLDER = "backups"
FIELDS = "file, epoch, generation, version, taken_at, size, sha256, job, contents"
KEEP = 5  # backups that were asked for, beside those that are held


class Purpose(NamedTuple):
    """What a backup is for.

    Attributes:
        operation: its id; a repeated one gets the backup of the first.
        job: whose it is, "" for one that was asked for.
        keep: how many backups of this job stay, beside those that are held.
        contents: what it contains.
    """

    operation: str
    job: str = ""
    keep: int = KEEP
    contents: Selection = COMPLETE


class Backups:
    """The register of `.sar` files and the one place that writes them."""

    def __init__(self, machine: Machine, store: Store, sweeper: Sweeper) -> None:
        self._machine = machine
        self._identity = store.identity
        self._content = store.content
        self._blobs = store.blobs
        self._sweeper = sweeper
        self._writing = threading.Lock()  # never waited for: a second backup is refused
        self._watchers: list[Bell] = []
        self._progress: Progress | None = None

    @property
    def busy(self) -> bool:
        """Whether a backup or an archive is being written (O7)."""
        return self._writing.locked()

    @property
    def progress(self) -> Progress | None:
        """How far the backup is that is being written; None: none is."""
        return self._progress

    def watch(self, bell: Bell) -> None:
        """Ring a bell whenever something has been written."""
        self._watchers.append(bell)

    def begin(self) -> bool:
        """Take the right to write, if nobody has it."""
        return self._writing.acquire(blocking=False)

    def end(self) -> None:
        """Give the right to write back."""
        self._writing.release()
        for bell in self._watchers:
            bell.ring()

    def create(self, operation: str, contents: Selection = COMPLETE) -> Mapping[str, Any]:
        """Export a fresh backup; a repeated operation gets the backup of the first.

        Raises:
            Refusal: `busy`, `disk-full`.
        """
        made = self._find("operation = ?", operation)
        if made is not None:
            return made
        with self.writing():
            return self.write(Purpose(operation, contents=contents), pace=lambda: None)

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Let nothing else be exported meanwhile (O7).

        Raises:
            Refusal: `busy`.
        """
        if not self.begin():
            raise Refusal(
                "busy", "another backup is being written", "wait until it is finished (O7)"
            )
        try:
            yield
        finally:
            self.end()

    def write(self, purpose: Purpose, pace: Callable[[], None]) -> Mapping[str, Any]:
        """Write a backup; the caller has the right to write (`begin`).

        Args:
            purpose: what it is for.
            pace: called in mid-writing; lets the time pass that a large backup takes.

        Raises:
            Refusal: `disk-full`, or what `pace` raises.
        """
        operation = purpose.operation
        facts = self._identity.change(next_export)
        entities = self._content.snapshot()
        require_exportable(entities)
        entities = select(entities, purpose.contents)
        report(self._machine, "backup.started", operation=operation, **_lineage(facts))
        try:
            row = self._write(facts, entities, purpose, pace)
        except (OSError, sqlite3.Error, Refusal) as error:
            report(self._machine, "backup.failed", translate(error).code, operation=operation)
            raise
        report(
            self._machine,
            "backup.finished",
            operation=operation,
            file=row["file"],
            size=row["size"],
            sha256=row["sha256"],
            **_lineage(facts),
        )
        self._rotate()
        self._sweeper.tidy()
        return row

    def _write(
        self, facts: Facts, entities: list[Entity], purpose: Purpose, pace: Callable[[], None]
    ) -> Mapping[str, Any]:
        docs = archive.documents(entities)
        now = self._machine.calendar.now()
        entries = archive.parts(docs, archive.referenced(entities))
        manifest = archive.describe(facts, instant(now), entries, purpose.contents)
        name = self._free_name(purpose.job or facts.name, now)
        try:
            size, sha256 = self._write_file(f"{FOLDER}/{name}", manifest, docs, pace)
        except Damaged as error:
            raise _named(error, entities) from error
        row = (name, purpose.operation, purpose.job, purpose.keep, ",".join(purpose.contents))
        lineage = (manifest.epoch, manifest.generation, manifest.version)
        with self._identity.database.transaction() as connection:
            connection.execute(
                "INSERT INTO backup (file, operation, job, keep, contents, epoch, generation,"
                " version, taken_at, size, sha256) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (*row, *lineage, manifest.taken_at, size, sha256),
            )
        found = self._find("file = ?", name)
        if found is None:
            raise Refusal("no-such-file", f"the backup {name} was removed meanwhile")
        return found

    def _free_name(self, whose: str, now: datetime) -> str:
        """Return a name by job and instant, in milliseconds; two of one instant differ."""
        taken = {one["file"] for one in self.list()}
        first_ms = round(now.timestamp() * 1000)
        names = (f"{whose}_{ms}.sar" for ms in count(first_ms))
        return next(name for name in names if name not in taken)

    def _watched(self, part: WritableFile, path: str, manifest: archive.Manifest) -> WritableFile:
        total = sum(one.size for one in manifest.entries.values())
        self._progress = Progress(path.rpartition("/")[2], total, part)
        return self._progress

    def _write_file(
        self,
        path: str,
        manifest: archive.Manifest,
        docs: Mapping[str, bytes],
        pace: Callable[[], None],
    ) -> tuple[int, str]:
        disk = self._machine.disk
        part = disk.create(f"{path}.part")
        try:
            written = archive.write(
                self._watched(part, path, manifest), manifest, docs, self._blobs
            )
            pace()
            part.sync()
        except (OSError, Refusal):
            part.close()
            disk.unlink(f"{path}.part")  # what was written so far only fills the disk
            raise
        finally:
            self._progress = None
        part.close()
        disk.rename(f"{path}.part", path)
        disk.sync_dir(FOLDER)
        return written

    def list(self) -> list[Mapping[str, Any]]:
        """Return the finished backups, oldest first."""
        rows = self._identity.database.read(f"SELECT {FIELDS}, held FROM backup ORDER BY rowid")  # noqa: S608 - a constant list of columns
        return [{**self._row(row), "held": bool(row["held"])} for row in rows]

    def find(self, file: str) -> Mapping[str, Any]:
        """Return a finished backup by its name.

        Raises:
            Refusal: `no-such-file`.
        """
        found = self._find("file = ?", file)
        if found is None:
            raise Refusal(
                "no-such-file", f"there is no backup {file[:60]}", "backup list shows them"
            )
        return found

    def compare(self, file: str) -> tuple[str, ...]:
        """Return the objects, as `kind/id`, that were added, changed or removed since a backup.

        What modules keep for themselves is not counted: nobody entered it.

        Raises:
            Refusal: `no-such-file`, `not-a-backup`, `checksum`.
        """
        with self.opened(file) as (stream, size):
            source = Archive(stream, size)
            then = _digests(source.entities())
        now = _digests(select(self._content.snapshot(), source.manifest.contents))
        changed = {key for key in {*then, *now} if then.get(key) != now.get(key)}
        return tuple(sorted(changed))

    def hold(self, file: str, *, held: bool) -> None:
        """Keep a backup from rotation, or give it back.

        Raises:
            Refusal: `no-such-file`.
        """
        with self._identity.database.transaction() as connection:
            done = connection.execute(
                "UPDATE backup SET held = ? WHERE file = ?", (int(held), file)
            )
        if not done.rowcount:
            raise Refusal("no-such-file", f"there is no backup {file}", "backup list shows them")
        self._rotate()

    def remove(self, file: str) -> None:
        """Remove a backup.

        Raises:
            Refusal: `no-such-file`; `held` while somebody uses it (O3).
        """
        found = next((one for one in self.list() if one["file"] == file), None)
        if found is None:
            raise Refusal("no-such-file", f"there is no backup {file[:60]}", "backup list")
        if found["held"]:
            raise Refusal("held", f"{file} is in use", "wait until it has been transferred")
        self._remove([file])
        report(self._machine, "backup.removed", file=file)

    def tidy(self) -> None:
        """At boot: end all holds, remove unfinished files and rows without a file."""
        disk = self._machine.disk
        with self._identity.database.transaction() as connection:
            connection.execute("UPDATE backup SET held = 0")
        registered = {one["file"] for one in self.list()}
        present = set(disk.list(FOLDER))
        for name in sorted(present - registered):
            disk.unlink(f"{FOLDER}/{name}")
        for name in sorted(registered - present):
            self._forget(name)

    def _rotate(self) -> None:
        rows = self._identity.database.read(
            "SELECT file, job, keep FROM backup WHERE NOT held ORDER BY rowid"
        )
        newest = {row["job"]: row["keep"] for row in rows}
        for job, keep in newest.items():
            files = [row["file"] for row in rows if row["job"] == job]
            self._remove(files[:-keep])

    @contextmanager
    def opened(self, file: str) -> Iterator[tuple[BinaryIO, int]]:
        """Open a finished backup for reading; its stream and size.

        Raises:
            Refusal: `no-such-file`.
        """
        path = f"{FOLDER}/{self.find(file)['file']}"
        with self._machine.disk.open(path) as stream:
            yield stream, self._machine.disk.size(path)

    def _remove(self, names: Sequence[str]) -> None:
        for name in names:
            self._forget(name)
            with contextlib.suppress(FileNotFoundError):
                self._machine.disk.unlink(f"{FOLDER}/{name}")

    def _forget(self, name: str) -> None:
        with self._identity.database.transaction() as connection:
            connection.execute("DELETE FROM backup WHERE file = ?", (name,))

    def _find(self, condition: str, value: str) -> Mapping[str, Any] | None:
        sql = f"SELECT {FIELDS} FROM backup WHERE {condition}"  # noqa: S608 - constants of this class
        rows = self._identity.database.read(sql, (value,))
        return self._row(rows[0]) if rows else None

    def _row(self, row: Any) -> Mapping[str, Any]:
        names = FIELDS.split(", ")
        found = {name: row[index] for index, name in enumerate(names)}
        contents = tuple(found.pop("contents").split(","))
        path = self._machine.disk.location(f"{FOLDER}/{row[0]}")
        return {**found, "contents": contents, "complete": contents == COMPLETE, "path": path}


def _named(error: Damaged, entities: Iterable[Entity]) -> Refusal:
    """Return a refusal that names the objects which a damaged file belongs to (T12)."""
    files = (one for one in entities if one.kind == "files")
    objects = [f"files/{one.id}" for one in files if one.body["sha256"] == error.sha256]
    return Refusal("damaged", f"{', '.join(objects)}: {error.message}", error.remedy)


def _digests(entities: Iterable[Entity]) -> dict[str, str]:
    return dict(pair for one in entities if one.kind != "records" for pair in digests(one))


def next_export(facts: Facts) -> Facts:
    """Give an export its number and, on the holder of the epoch, its generation (D14).

    What a standby exports is a copy of the generation that it was given.
    """
    lineage = facts.lineage
    if facts.holds_epoch or not lineage.holder:
        lineage = replace(lineage, generation=lineage.generation + 1)
    return numbered(replace(facts, lineage=lineage))


def numbered(facts: Facts) -> Facts:
    """Give a file that is written its number."""
    return replace(facts, backup_number=facts.backup_number + 1)


def _lineage(facts: Facts) -> dict[str, int]:
    return {"epoch": facts.lineage.epoch, "generation": facts.lineage.generation}
