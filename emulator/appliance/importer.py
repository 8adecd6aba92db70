"""Importing a backup: all old or all new at every instant (D7, D8, D13, D14).

A new content database is built beside the current one and verified; the one commit point
is the transaction in `identity.db` that names it.
"""

from __future__ import annotations

import contextlib
import hashlib
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, BinaryIO, Protocol

from emulator.appliance import content as contents
from emulator.appliance.admission import (
    admit_transfer,
    admit_upload,
    require_administrator,
    require_past,
)
from emulator.appliance.archive import Manifest
from emulator.appliance.archive_reader import MAX_ARCHIVE, REMEDY, Archive, Sealed
from emulator.appliance.content import PIECE, Blobs, Content
from emulator.appliance.databases import DamagedDatabase, set_aside
from emulator.appliance.entities import Entity
from emulator.appliance.fence import Gate, Session
from emulator.appliance.identity import Identity
from emulator.appliance.intake import store
from emulator.appliance.records import Facts, Import, Incoming, Lineage, Origin, Token, instant
from emulator.appliance.references import WANTED, Sweeper, sweep
from emulator.appliance.refusal import Refusal, Usage, translate
from emulator.appliance.reports import report
from emulator.appliance.selection import completed
from emulator.appliance.store import Store
from emulator.ports import Machine

INCOMING = "incoming"
UPLOAD = f"{INCOMING}/initialise.part"


class Source(Protocol):
    """What an import reads: a seal whose blobs have arrived, or a whole `.sar`."""

    @property
    def manifest(self) -> Manifest:
        """What it says of itself."""

    def entities(self) -> list[Entity]:
        """Return all entities, verified and well-formed."""

    def blobs(self) -> Mapping[str, int]:
        """Return the SHA-256 and size of all blobs."""

    def supply(self, blobs: Blobs, check: Callable[[], None], /) -> None:
        """See that all its blobs are in the store."""


@dataclass(frozen=True)
class Route:
    """A way by which a generation comes in.

    Attributes:
        path: where it lies.
        admit: refuses what must not become this box's content.
        read: looks at it; the second argument is its size.
        word: what events call it, `import` or `restore`.
        adopt: what of the box changes in the commit, besides content and origin.
        rests: whether module configurations come in inactive (R45).
    """

    path: str
    admit: Callable[[Facts, Manifest], None]
    read: Callable[[BinaryIO, int], Source]
    word: str
    adopt: Callable[[Facts, Manifest], Facts]
    rests: Callable[[Facts, Manifest], bool]


@dataclass(frozen=True)
class Draft:
    """A verified content database that nobody names yet."""

    name: str
    incoming: Incoming
    manifest: Manifest
    blobs: Mapping[str, int]
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

    def __init__(self, machine: Machine, store: Store, gate: Gate, sweeper: Sweeper) -> None:
        self._machine = machine
        self._identity = store.identity
        self._content = store.content
        self._blobs = store.blobs
        self._gate = gate
        self._sweeper = sweeper

    def run(self, token: Token, file: str) -> Mapping[str, Any]:
        """Import what a receive brought; a repeated token gets the answer of the first (D2).

        Raises:
            Refusal: `fenced`, `epoch`, `not-standby`, `busy`, `no-such-file`, `checksum`,
                `not-a-backup`, `incomplete`, `version`, `disk-full`.
        """
        done = self._identity.facts().imported
        if done is not None and done.token == str(token):
            return _answer(done)
        with self._gate.session(token, "importing") as session:
            incoming = self._received(token, file)
            return _answer(self.bring_in(TRANSFERRED, incoming, session))

    def _received(self, token: Token, file: str) -> Incoming:
        incoming = self._identity.facts().received
        if incoming is None or (incoming.token, incoming.file) != (str(token), file):
            raise Refusal(
                "no-such-file", f"no backup {file[:60]} has arrived under {token}", "send it first"
            )
        return incoming

    def initialise(self, stream: BinaryIO, size: int) -> Mapping[str, Any]:
        """Take an uploaded backup as this box's first content (R40 to R44).

        Raises:
            Refusal: `connection-lost`, `busy`, `not-standby`, `epoch`, `not-a-backup`,
                `version`, `disk-full`.
        """
        return _answer(self.upload(stream, size, UPLOADED))

    def upload(self, stream: BinaryIO, size: int, route: Route) -> Import:
        """Bring in a backup that a person uploads; the route's path is `UPLOAD`.

        Raises:
            Refusal: as `initialise`.
        """
        if not 0 < size <= MAX_ARCHIVE:
            raise Usage(f"a backup of {size} bytes cannot be", "choose a .sar file")
        session = Session(self._identity.facts().fence, "importing", stream)
        with self._gate.at_work(session):
            sha256 = store(self._machine, UPLOAD, stream, size, session)
            incoming = Incoming("", "upload", size, sha256)
            return self.bring_in(route, incoming, session)

    def bring_in(self, route: Route, incoming: Incoming, session: Session) -> Import:
        """Replace the content by that of a file.

        Raises:
            Refusal: `checksum`, `not-a-backup`, `incomplete`, `disk-full`, and what the
                route refuses.
        """
        name = f"{int(self._identity.facts().content) + 1:06d}"
        what = {"token": incoming.token, "file": incoming.file, "sha256": incoming.sha256}
        self._identity.change(lambda facts: replace(facts, importing=name))
        report(self._machine, f"{route.word}.started", **what)
        try:
            draft = self._prepare(route, incoming, name, session)
            report(self._machine, f"{route.word}.verified", **what, **draft.told())
            facts = self._commit(draft, session, route)
        except (OSError, sqlite3.Error, ValueError, Refusal) as error:
            refusal = translate(error)
            if refusal.code == "disk-full":
                self._sweeper.forsake(session)
            # What a disk that is still full does not take of this, the next boot does.
            with contextlib.suppress(OSError, sqlite3.Error):
                self._undo(route, incoming, name)
            report(self._machine, f"{route.word}.failed", refusal.code, **what)
            raise refusal from error
        report(self._machine, f"{route.word}.committed", **what, **draft.told())
        self._content.exchange(name)
        self._clean(route, session, facts)
        return draft.done()

    def _prepare(self, route: Route, incoming: Incoming, name: str, session: Session) -> Draft:
        """Verify what came and build the new content beside the current one."""
        disk = self._machine.disk
        with self._opened(route) as stream:
            if _digest(stream) != incoming.sha256:
                raise Refusal("checksum", f"{incoming.file} has changed since it arrived", REMEDY)
            source = route.read(stream, disk.size(route.path))
            facts = self._identity.facts()
            route.admit(facts, source.manifest)
            require_past(source.manifest, self._machine.calendar.now())
            entities = source.entities()
            if route.rests(facts, source.manifest):
                entities = [_rest(one) for one in entities]
            if not source.manifest.complete:
                present = self._content.snapshot()
                entities = completed(entities, source.manifest.contents, present)
            require_administrator(entities)
            source.supply(self._blobs, session.check)
        contents.discard(disk, name)  # of an import that was cut off, in this same life
        objects = contents.build(disk, name, entities, self._identity.vault)
        return Draft(name, incoming, source.manifest, source.blobs(), objects)

    def _opened(self, route: Route) -> BinaryIO:
        try:
            return self._machine.disk.open(route.path)
        except FileNotFoundError as error:
            raise Refusal("no-such-file", "what was received is not here any more") from error

    def _commit(self, draft: Draft, session: Session, route: Route) -> Facts:
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
            route.admit(facts, manifest)
            return replace(
                route.adopt(facts, manifest),
                content=draft.name,
                superseded=facts.content,
                importing=None,
                received=None,
                origin=origin if manifest.complete else facts.origin,
                imported=draft.done(),
            )

        with self._gate.committing(session):
            # Of an upload, a sweep meanwhile may have taken what nothing referred to yet.
            if not all(self._blobs.holds(*one) for one in draft.blobs.items()):
                raise Refusal("incomplete", "files were swept meanwhile", "import it again")
            return self._identity.change(step)

    def _undo(self, route: Route, incoming: Incoming, name: str) -> None:
        """Free the disk of what a failed import has left; what was received stays (D2)."""
        contents.discard(self._machine.disk, name)
        if route is not TRANSFERRED:
            self._drop_upload()
            self._sweeper.sweep()
        self._identity.change(
            lambda facts: replace(
                facts,
                importing=None,
                received=None if facts.received == incoming else facts.received,
            )
        )

    def _clean(self, route: Route, session: Session, facts: Facts) -> None:
        if route is not TRANSFERRED:
            self._drop_upload()
        if facts.superseded is not None:
            contents.discard(self._machine.disk, facts.superseded)
        self._sweeper.forsake(session)
        self._identity.change(lambda facts: replace(facts, superseded=None))

    def _drop_upload(self) -> None:
        with contextlib.suppress(FileNotFoundError):
            self._machine.disk.unlink(UPLOAD)


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
    for file in disk.list(INCOMING):
        disk.unlink(f"{INCOMING}/{file}")
    content = Content(disk, facts.content, identity.vault)
    sweep(disk, blobs, content)
    content.close()
    if facts.importing is None and facts.superseded is None:
        return "clean"
    identity.change(lambda facts: replace(facts, importing=None, superseded=None))
    return "import-lost" if facts.importing is not None else "import-completed"


def mend(machine: Machine, identity: Identity) -> None:
    """At boot: put a damaged content aside and go on with none, until a backup brings one.

    Raises:
        OutOfOrder: `newer-format`, `locked`.
    """
    facts = identity.facts()
    path = contents.path_of(facts.content)
    try:
        Content(machine.disk, facts.content, identity.vault).close()
    except DamagedDatabase:
        set_aside(machine, path)
        name = f"{int(facts.content) + 1:06d}"
        contents.discard(machine.disk, name)
        contents.build(machine.disk, name, (), identity.vault)
        identity.change(lambda facts: replace(facts, content=name))


def _rest(entity: Entity) -> Entity:
    """Bring a module configuration to rest, remembering what it was on the active (R45, D13)."""
    if entity.kind != "modules":
        return entity
    return entity._replace(body={**entity.body, "active": False, "wanted": entity.body["active"]})


def _adopt_lineage(facts: Facts, manifest: Manifest) -> Facts:
    """Become a copy of the active that made the backup; the box stays this box (D7)."""
    lineage = Lineage(manifest.epoch, manifest.holder, manifest.generation)
    return replace(facts, takeover=None, lineage=lineage)


def _always(_facts: Facts, _manifest: Manifest) -> bool:
    return True


TRANSFERRED = Route(WANTED, admit_transfer, Sealed, "import", _adopt_lineage, _always)
UPLOADED = Route(UPLOAD, admit_upload, Archive, "import", _adopt_lineage, _always)


def _digest(stream: BinaryIO) -> str:
    seen = hashlib.sha256()
    while piece := stream.read(PIECE):
        seen.update(piece)
    stream.seek(0)
    return seen.hexdigest()


def _answer(done: Import) -> Mapping[str, Any]:
    return {key: value for key, value in asdict(done).items() if key != "token"}
