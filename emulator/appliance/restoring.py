"""The appliance's ordinary restore (D7): content, and unless told not to, network and licences.

It is allowed on a box of any role. What the box is, its hardware id, SSH host keys and root
password, is in no backup and stays; one transaction makes all of the rest new at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, BinaryIO

from emulator.appliance import archive, backups
from emulator.appliance.admission import admit_lineage, admit_partial
from emulator.appliance.archive_reader import Archive
from emulator.appliance.fence import Gate, Session
from emulator.appliance.identity import Identity
from emulator.appliance.importer import UPLOAD, Importer, Route
from emulator.appliance.records import Facts, Import, Incoming, Lineage
from emulator.appliance.refusal import Refusal
from emulator.appliance.selection import CORE
from emulator.appliance.uploads import Upload, Uploads
from emulator.licences import LicenceKeyError, parse_key


@dataclass(frozen=True)
class Scope:
    """What a restore leaves as it is.

    Attributes:
        ignore_address: "IP-Adresse ignorieren": the network settings stay.
        keep_licences: "Lizenzen behalten": the licence keys stay.
    """

    ignore_address: bool
    keep_licences: bool

    def route(self, path: str) -> Route:
        """Return how the importer brings in the file at a path."""
        return Route(path, self.admit, Archive, "restore", self._adopt, self._rests)

    def admit(self, facts: Facts, manifest: archive.Manifest) -> None:
        """Refuse what no restore may bring in.

        Raises:
            Refusal: `version`, `epoch`, `partial`, `licence`.
        """
        admit_lineage(facts, manifest)
        if not manifest.complete:
            admit_partial(facts, manifest)
        try:
            for key in () if self.keep_licences else manifest.licences:
                parse_key(key)
        except LicenceKeyError as error:
            raise Refusal("licence", f"a licence in the backup: {error}") from error

    def _adopt(self, facts: Facts, manifest: archive.Manifest) -> Facts:
        own = facts.lineage
        lineage = Lineage(manifest.epoch, manifest.holder, manifest.generation)
        if (own.epoch, own.holder) == (lineage.epoch, lineage.holder):
            # An older state comes back, but what is exported next is still a new generation.
            lineage = replace(lineage, generation=max(own.generation, lineage.generation))
        new = replace(facts, lineage=lineage)
        if lineage.epoch > own.epoch:
            new = replace(new, takeover=None)
        if CORE not in manifest.contents:
            return new
        if not self.keep_licences:
            new = replace(new, licences=manifest.licences)
        if not self.ignore_address:
            new = replace(new, network=manifest.network, network_given_up=None)
        return new

    def _rests(self, facts: Facts, manifest: archive.Manifest) -> bool:
        """Bring modules to rest where the result is no active appliance (R45)."""
        return not self._adopt(facts, manifest).holds_epoch


class Restorer:
    """Restores a listed or an uploaded backup; the LAN port follows when its caller says so."""

    def __init__(
        self, identity: Identity, gate: Gate, importer: Importer, uploads: Uploads
    ) -> None:
        self._identity = identity
        self._gate = gate
        self._importer = importer
        self._uploads = uploads

    def objection(self, manifest: archive.Manifest, scope: Scope) -> Refusal | None:
        """Return why a backup would be refused here; None: it would not."""
        try:
            scope.admit(self._identity.facts(), manifest)
        except Refusal as refusal:
            return refusal
        return None

    def listed(self, row: Mapping[str, Any], scope: Scope) -> Mapping[str, Any]:
        """Restore one of this box's own backups, as `backup list` names it.

        Raises:
            Refusal: `busy`, `checksum`, `not-a-backup`, `version`, `epoch`, `partial`,
                `disk-full`.
        """
        incoming = Incoming("", row["file"], row["size"], row["sha256"])
        session = Session(self._identity.facts().fence, "importing")
        with self._gate.at_work(session):
            route = scope.route(f"{backups.FOLDER}/{row['file']}")
            return _answer(self._importer.bring_in(route, incoming, session))

    def uploaded(self, stream: BinaryIO, size: int, scope: Scope) -> Mapping[str, Any]:
        """Restore a backup from a stream of a known size.

        Raises:
            Refusal: as `listed`, and `connection-lost`.
        """
        return _answer(self._importer.upload(stream, size, scope.route(UPLOAD)))

    def confirmed(self, upload: Upload, scope: Scope) -> Mapping[str, Any]:
        """Restore an upload that was looked into; it is gone afterwards.

        Raises:
            Refusal: as `listed`.
        """
        incoming = Incoming("", upload.look.file, upload.look.size, upload.sha256)
        session = Session(self._identity.facts().fence, "importing")
        with self._gate.at_work(session):
            try:
                done = self._importer.bring_in(scope.route(upload.path), incoming, session)
            finally:
                self._uploads.drop()
        return _answer(done)


def _answer(done: Import) -> Mapping[str, Any]:
    return {key: value for key, value in asdict(done).items() if key != "token"}
