"""Importing a backup: all old or all new at every instant (D7, D8, D13, D14).

A new content database is built beside the current one and verified; the one commit point
is the transaction in `identity.db` that names it.
"""

from __future__ import annotations

import contextlib
import hashlib
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, BinaryIO

from emulator.appliance import content as contents
from emulator.appliance.archive import Manifest
from emulator.appliance.archive_reader import MAX_ARCHIVE, REMEDY, Archive
from emulator.appliance.content import PIECE, Blobs, Content
from emulator.appliance.entities import Entity
from emulator.appliance.fence import INCOMING, Gate, Session
from emulator.appliance.identity import Identity
from emulator.appliance.intake import Intake, store
from emulator.appliance.records import Facts, Import, Incoming, Lineage, Origin, Token, instant
from emulator.appliance.refusal import Refusal, Usage, translate
from emulator.appliance.reports import report
from emulator.appliance.store import Store
from emulator.ports import Machine

Admission = Callable[[Facts, Manifest], None]
UPLOAD = f"{INCOMING}/initialise.part"


@dataclass(frozen=True)
class Draft:
    """A verified content database that nobody names yet."""

    name: str
    incoming: Incoming
    manifest: Manifest
    objects: int

    def told(self) -> dict[str, int]:
        """Return what events say of it."""
        return {
            "epoch": self.manifest.epoch,
            "generation": self.manifest.generation,
            "objects": self.objects,
        }

    def done(self) -> Import:
        """Return what is remembered and answered of it."""
        return Import(self.incoming.token, **self.told())


class Importer:
    """Replaces the content by that of a backup."""

    def __init__(self, machine: Machine, store: Store, gate: Gate, intake: Intake) -> None:
        self._machine = machine
        self._identity = store.identity
        self._content = store.content
        self._blobs = store.blobs
        self._gate = gate
        self._intake = intake

    def run(self, token: Token, file: str) -> Mapping[str, Any]:
        """Import a received backup; a repeated token gets the answer of the first (D2).

        Raises:
            Refusal: `fenced`, `epoch`, `not-standby`, `busy`, `no-such-file`, `checksum`,
                `not-a-backup`, `version`, `disk-full`.
        """
        done = self._identity.facts().imported
        if done is not None and done.token == str(token):
            return _answer(done)
        with self._gate.session(token, "importing") as session:
            incoming = self._intake.received(token, file)
            path = f"{INCOMING}/{incoming.file}"
            return _answer(self._import(path, incoming, session, _admit_import))

    def initialise(self, stream: BinaryIO, size: int) -> Mapping[str, Any]:
        """Take an uploaded backup as this box's first content (R40 to R44).

        Raises:
            Refusal: `connection-lost`, `busy`, `not-standby`, `epoch`, `not-a-backup`,
                `version`, `disk-full`.
        """
        if not 0 < size <= MAX_ARCHIVE:
            raise Usage(f"a backup of {size} bytes cannot be", "choose the .sar file of the active")
        session = Session(self._identity.facts().fence, "importing", stream)
        with self._gate.at_work(session):
            sha256 = store(self._machine, UPLOAD, stream, size, session)
            incoming = Incoming("", "upload", size, sha256)
            return _answer(self._import(UPLOAD, incoming, session, _admit_initialise))

    def _import(self, path: str, incoming: Incoming, session: Session, admit: Admission) -> Import:
        name = f"{int(self._identity.facts().content) + 1:06d}"
        what = {"token": incoming.token, "file": incoming.file, "sha256": incoming.sha256}
        self._identity.change(lambda facts: replace(facts, importing=name))
        report(self._machine, "import.started", **what)
        try:
            draft = self._prepare(path, incoming, name, session, admit)
            report(self._machine, "import.verified", **what, **draft.told())
            facts = self._commit(draft, session, admit)
        except (OSError, sqlite3.Error, ValueError, Refusal) as error:
            refusal = translate(error)
            self._undo(path, name)
            report(self._machine, "import.failed", refusal.code, **what)
            raise refusal from error
        report(self._machine, "import.committed", **what, **draft.told())
        self._content.exchange(name)
        self._clean(path, facts)
        return draft.done()

    def _prepare(
        self, path: str, incoming: Incoming, name: str, session: Session, admit: Admission
    ) -> Draft:
        """Verify the file and build the new content beside the current one."""
        disk = self._machine.disk
        with disk.open(path) as stream:
            if _digest(stream) != incoming.sha256:
                raise Refusal("checksum", f"{incoming.file} has changed since it arrived", REMEDY)
            archive = Archive(stream, disk.size(path))
            admit(self._identity.facts(), archive.manifest)
            entities = [_rest(one) for one in archive.entities()]
            _require_administrator(entities)
            for sha256, size in archive.blobs().items():
                session.check()
                with archive.blob(sha256) as source:
                    self._blobs.put(sha256, size, source)
        contents.discard(disk, name)  # of an import that was cut off, in this same life
        objects = contents.build(disk, name, entities, self._identity.vault)
        return Draft(name, incoming, archive.manifest, objects)

    def _commit(self, draft: Draft, session: Session, admit: Admission) -> Facts:
        """Name the new content: the one instant at which old becomes new."""
        manifest = draft.manifest
        origin = Origin(
            epoch=manifest.epoch,
            generation=manifest.generation,
            taken_at=manifest.taken_at,
            imported_at=instant(self._machine.calendar.now()),
            sha256=draft.incoming.sha256,
            network=manifest.network,
        )

        def step(facts: Facts) -> Facts:
            admit(facts, manifest)
            return replace(
                facts,
                content=draft.name,
                superseded=facts.content,
                importing=None,
                received=None,
                takeover=None,
                lineage=Lineage(manifest.epoch, manifest.holder, manifest.generation),
                origin=origin,
                imported=draft.done(),
            )

        with self._gate.committing(session):
            return self._identity.change(step)

    def _undo(self, path: str, name: str) -> None:
        """Free the disk of what a failed import has left."""
        contents.discard(self._machine.disk, name)
        with contextlib.suppress(FileNotFoundError):
            self._machine.disk.unlink(path)
        self._blobs.sweep(_files(self._content))
        self._identity.change(lambda facts: replace(facts, importing=None, received=None))

    def _clean(self, path: str, facts: Facts) -> None:
        with contextlib.suppress(FileNotFoundError):
            self._machine.disk.unlink(path)
        if facts.superseded is not None:
            contents.discard(self._machine.disk, facts.superseded)
        self._blobs.sweep(_files(self._content))
        self._identity.change(lambda facts: replace(facts, superseded=None))


def recover(machine: Machine, identity: Identity, blobs: Blobs) -> str:
    """At boot: remove what nobody names; say what became of an import that was cut off.

    Returns:
        `clean`, `import-lost` (all old) or `import-completed` (all new).
    """
    facts = identity.facts()
    disk = machine.disk
    for file in disk.list(contents.FOLDER):
        if file.partition(".")[0] != facts.content:
            disk.unlink(f"{contents.FOLDER}/{file}")
    kept = facts.received.file if facts.received is not None else ""
    for file in disk.list(INCOMING):
        if file != kept:
            disk.unlink(f"{INCOMING}/{file}")
    content = Content(disk, facts.content, identity.vault)
    blobs.sweep(_files(content))
    content.close()
    if facts.importing is None and facts.superseded is None:
        return "clean"
    identity.change(lambda facts: replace(facts, importing=None, superseded=None))
    return "import-lost" if facts.importing is not None else "import-completed"


def _files(content: Content) -> set[str]:
    return {str(body["sha256"]) for body in content.all("files").values()}


def _rest(entity: Entity) -> Entity:
    """Bring a module configuration to rest, remembering what it was on the active (R45, D13)."""
    if entity.kind != "modules":
        return entity
    return entity._replace(body={**entity.body, "active": False, "wanted": entity.body["active"]})


def _require_administrator(entities: Sequence[Entity]) -> None:
    """Refuse what nobody could log in to any more: no click would ever come (R48)."""
    users = (one.body for one in entities if one.kind == "users")
    if not any("administrator" in one["permissions"] and one.get("password") for one in users):
        raise Refusal(
            "not-a-backup", "nobody in this backup is an administrator with a password", REMEDY
        )


def _admit(facts: Facts, manifest: Manifest) -> None:
    if manifest.version != facts.version:
        raise Refusal(
            "version",
            f"the backup is of version {manifest.version[:20]}, "
            f"this appliance runs {facts.version} (R7)",
            "update both appliances to the same version, then export again",
        )
    if manifest.epoch < facts.lineage.epoch:
        raise Refusal(
            "epoch",
            f"the backup is of epoch {manifest.epoch}, "
            f"this appliance is in {facts.lineage.epoch} (D14)",
            "take a backup of the current active",
        )


def _admit_import(facts: Facts, manifest: Manifest) -> None:
    _admit(facts, manifest)
    if facts.holds_epoch:
        raise Refusal("not-standby", "this appliance is the current active (D14)")


def _admit_initialise(facts: Facts, manifest: Manifest) -> None:
    _admit(facts, manifest)
    if manifest.holder == facts.server_key:
        raise Refusal(
            "not-standby",
            "the backup is this appliance's own",
            "on the active nothing is to be done in this tab (R40)",
        )
    if facts.holds_epoch and manifest.epoch == facts.lineage.epoch:
        raise Refusal(
            "not-standby", "this appliance is the current active (D14)", "switch the roles first"
        )


def _digest(stream: BinaryIO) -> str:
    seen = hashlib.sha256()
    while piece := stream.read(PIECE):
        seen.update(piece)
    stream.seek(0)
    return seen.hexdigest()


def _answer(done: Import) -> Mapping[str, Any]:
    return {key: value for key, value in asdict(done).items() if key != "token"}
