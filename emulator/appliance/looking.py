"""The dry look inside a backup before it is restored: everything is verified, nothing changes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, BinaryIO

from emulator.appliance.admission import require_administrator
from emulator.appliance.archive import Manifest
from emulator.appliance.archive_reader import Archive
from emulator.appliance.selection import CORE
from emulator.licences import LicenceKeyError, parse_key


@dataclass(frozen=True)
class Look:
    """What was seen in a sound backup.

    Attributes:
        file: what people call it.
        size: of the file, in bytes.
        objects: how many there are of each kind.
        files_size: of all files that it brings, in bytes.
    """

    file: str
    size: int
    manifest: Manifest
    objects: Mapping[str, int]
    files_size: int

    def told(self) -> dict[str, Any]:
        """Return what people and programs are shown; licence keys are redacted (R14)."""
        manifest = self.manifest
        return {
            "file": self.file,
            "size": self.size,
            "name": manifest.name,
            "version": manifest.version,
            "taken_at": manifest.taken_at,
            "epoch": manifest.epoch,
            "generation": manifest.generation,
            "contents": manifest.contents,
            "complete": manifest.complete,
            "network": asdict(manifest.network),
            "licences": [_redacted(key) for key in manifest.licences],
            "objects": dict(self.objects),
            "files_size": self.files_size,
        }


def look(file: str, stream: BinaryIO, size: int) -> Look:
    """Look inside a file that claims to be a backup, and verify every byte of it.

    Raises:
        Refusal: `not-a-backup`, `checksum`.
    """
    archive = Archive(stream, size)
    entities = archive.entities()
    if CORE in archive.manifest.contents:
        require_administrator(entities)
    archive.verify()
    objects = dict(sorted(Counter(one.kind for one in entities).items()))
    return Look(file, size, archive.manifest, objects, sum(archive.blobs().values()))


def _redacted(key: str) -> str:
    try:
        return parse_key(key).redacted
    except LicenceKeyError:
        return "?"
