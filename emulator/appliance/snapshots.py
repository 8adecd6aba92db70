"""Snapshots: what a run sends (D3). A seal that holds its blobs, and no copy of them."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import Any

from emulator.appliance import archive
from emulator.appliance.admission import admit_complete, require_exportable
from emulator.appliance.archive_reader import Archive
from emulator.appliance.backups import Backups, next_export, numbered
from emulator.appliance.records import Facts, instant
from emulator.appliance.references import SNAPSHOTS, Sweeper
from emulator.appliance.refusal import Refusal
from emulator.appliance.reports import report
from emulator.appliance.store import Store
from emulator.ports import Machine

BLOBS = "blobs"
FIELDS = "file, epoch, generation, version, taken_at, size, sha256"
KEEP = 2  # of runs that never released theirs: the one under way, and one that was given up


class Snapshots:
    """The register of seals.

    A snapshot stays, over boots too, until it is released: the run that made it goes on.
    """

    def __init__(self, machine: Machine, store: Store, backups: Backups, sweeper: Sweeper) -> None:
        self._machine = machine
        self._identity = store.identity
        self._content = store.content
        self._blobs = store.blobs
        self._backups = backups
        self._sweeper = sweeper

    def create(self, operation: str, of: str = "") -> Mapping[str, Any]:
        """Seal the content of this instant, or what a finished backup holds (D3).

        A repeated operation gets the first seal.

        Raises:
            Refusal: `busy` while a backup is being written, `disk-full`; `no-such-file`,
                `not-a-backup`, `checksum`, `partial` for a backup that is not sound or whole.
        """
        made = self._find("operation = ?", operation)
        if made is not None:
            return made
        with self._backups.writing():
            self._limit(KEEP - 1)
            facts = self._identity.change(numbered if of else next_export)
            name = f"{facts.name}-{facts.backup_number:06d}.seal"
            if of:
                return self._of_backup(of, name, operation)
            return self._of_content(facts, name, operation)

    def _of_content(self, facts: Facts, name: str, operation: str) -> Mapping[str, Any]:
        entities = self._content.snapshot()
        require_exportable(entities)
        docs = archive.documents(entities)
        entries = archive.parts(docs, archive.referenced(entities))
        taken_at = instant(self._machine.calendar.now())
        return self._register(name, operation, archive.describe(facts, taken_at, entries), docs)

    def _of_backup(self, file: str, name: str, operation: str) -> Mapping[str, Any]:
        """Seal a `.sar`; its files go back into the store once the seal holds them there."""
        with self._backups.opened(file) as (stream, size):
            source = Archive(stream, size)
            admit_complete(source.manifest)
            docs = archive.documents(source.entities())
            made = self._register(name, operation, source.manifest, docs)
            try:
                source.supply(self._blobs, lambda: None)
            except (OSError, Refusal):
                self._forget(name)
                raise
        return made

    def _register(
        self, name: str, operation: str, manifest: archive.Manifest, docs: Mapping[str, bytes]
    ) -> Mapping[str, Any]:
        size, sha256 = self._write(f"{SNAPSHOTS}/{name}", manifest, docs)
        lineage = (manifest.epoch, manifest.generation, manifest.version)
        with self._identity.database.transaction() as connection:
            connection.execute(
                "INSERT INTO snapshot (file, operation, epoch, generation, version, taken_at,"
                " size, sha256) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (name, operation, *lineage, manifest.taken_at, size, sha256),
            )
        report(
            self._machine,
            "snapshot.created",
            operation=operation,
            file=name,
            epoch=manifest.epoch,
            generation=manifest.generation,
            size=size,
            sha256=sha256,
        )
        return self._find("file = ?", name) or {}

    def _write(
        self, path: str, manifest: archive.Manifest, docs: Mapping[str, bytes]
    ) -> tuple[int, str]:
        disk = self._machine.disk
        part = disk.create(f"{path}.part")
        try:
            written = archive.write_seal(part, manifest, docs)
            part.sync()
        except OSError:
            part.close()
            disk.unlink(f"{path}.part")  # what was written so far only fills the disk
            raise
        part.close()
        disk.rename(f"{path}.part", path)
        disk.sync_dir(SNAPSHOTS)
        return written

    def release(self, file: str) -> None:
        """Hold a snapshot's blobs no longer.

        Raises:
            Refusal: `no-such-file`.
        """
        if self._find("file = ?", file) is None:
            raise Refusal("no-such-file", f"there is no snapshot {file[:60]}")
        self._forget(file)
        if self._backups.begin():  # what is being written reads blobs; the next release sweeps
            try:
                self._sweeper.tidy()
            finally:
                self._backups.end()

    def tidy(self) -> None:
        """At boot: remove unfinished seals, and rows without one."""
        registered, present = set(self._files()), set(self._machine.disk.list(SNAPSHOTS))
        for name in sorted(registered ^ present):
            self._forget(name)

    def _limit(self, count: int) -> None:
        for name in self._files()[: -count or None]:
            self._forget(name)

    def _forget(self, name: str) -> None:
        with self._identity.database.transaction() as connection:
            connection.execute("DELETE FROM snapshot WHERE file = ?", (name,))
        with contextlib.suppress(FileNotFoundError):
            self._machine.disk.unlink(f"{SNAPSHOTS}/{name}")

    def _files(self) -> list[str]:
        rows = self._identity.database.read("SELECT file FROM snapshot ORDER BY file")
        return [str(row[0]) for row in rows]

    def _find(self, condition: str, value: str) -> Mapping[str, Any] | None:
        sql = f"SELECT {FIELDS} FROM snapshot WHERE {condition}"  # noqa: S608 - constants of this class
        rows = self._identity.database.read(sql, (value,))
        if not rows:
            return None
        found = dict(zip(FIELDS.split(", "), rows[0], strict=True))
        disk = self._machine.disk
        return {
            **found,
            "path": disk.location(f"{SNAPSHOTS}/{found['file']}"),
            "blobs": disk.location(BLOBS),
        }
