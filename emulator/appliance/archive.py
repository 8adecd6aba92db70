"""The `.sar` format: a ZIP with the manifest first (docs/design.md).

`manifest.json` names version, lineage and the SHA-256 and size of every other entry; then
`entities/<kind>.json`, then `blobs/<sha256>` uncompressed. A *seal* is the same without the
blobs: it names them, and so says all of a generation. Reading is in `archive_reader`, for
it must not trust a byte.
"""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any

from emulator.appliance.content import PIECE, Blobs
from emulator.appliance.entities import Entity, canonical
from emulator.appliance.records import Facts, NetworkSettings
from emulator.appliance.selection import COMPLETE, Selection
from emulator.appliance.selection import parse as parse_selection
from emulator.ports import WritableFile

FORMAT = 1
MANIFEST = "manifest.json"
Stamp = tuple[int, int, int, int, int, int]  # of a ZIP entry
MODE = 0o600 << 16  # a backup holds secrets (D15), and so does what is taken out of it


@dataclass(frozen=True)
class Part:
    """What the manifest says of an entry."""

    size: int
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """The first entry of a backup.

    Attributes:
        name: of the appliance that made it.
        network, licences: as data; the module's import never applies them (D7).
        contents: what it holds: a complete one, or a selection.
        entries: every other entry by its name.
    """

    format: int
    name: str
    version: str
    epoch: int
    holder: str
    generation: int
    taken_at: str
    network: NetworkSettings
    licences: tuple[str, ...]
    contents: Selection
    entries: Mapping[str, Part]

    @property
    def complete(self) -> bool:
        """Whether nothing was left out, so that it can stand for the whole content."""
        return self.contents == COMPLETE


class _Sink:
    """A `WritableFile` as zipfile wants it, hashing and counting what passes.

    zipfile writes headers and bodies in many small pieces; the disk gets them together.
    """

    def __init__(self, file: WritableFile) -> None:
        self._file = file
        self._waiting = bytearray()
        self.size = 0
        self.hash = hashlib.sha256()

    def write(self, data: bytes) -> int:
        self.hash.update(data)
        self.size += len(data)
        self._waiting += data
        if len(self._waiting) >= PIECE:
            self.flush()
        return len(data)

    def flush(self) -> None:
        """Hand on what waits; zipfile asks for it at the end of an archive."""
        if self._waiting:
            self._file.write(bytes(self._waiting))
            self._waiting.clear()


def documents(entities: Sequence[Entity]) -> dict[str, bytes]:
    """Return the `entities/<kind>.json` entries of entities that are sorted by kind."""
    return {
        f"entities/{kind}.json": canonical(
            [{"id": one.id, "body": one.body} for one in group]
        ).encode()
        for kind, group in groupby(entities, key=lambda one: one.kind)
    }


def describe(
    facts: Facts, taken_at: str, entries: Mapping[str, Part], contents: Selection = COMPLETE
) -> Manifest:
    """Return the manifest of what an appliance gives away of itself."""
    return Manifest(
        format=FORMAT,
        name=facts.name,
        version=facts.version,
        epoch=facts.lineage.epoch,
        holder=facts.lineage.holder,
        generation=facts.lineage.generation,
        taken_at=taken_at,
        network=facts.network,
        licences=facts.licences,
        contents=contents,
        entries=entries,
    )


def referenced(entities: Sequence[Entity]) -> dict[str, int]:
    """Return the SHA-256 and size of every blob that entities refer to, sorted."""
    files = [one.body for one in entities if one.kind == "files"]
    return dict(sorted((str(body["sha256"]), int(body["size"])) for body in files))


def parts(docs: Mapping[str, bytes], blobs: Mapping[str, int]) -> dict[str, Part]:
    """Return what the manifest says of these entries."""
    found = {name: Part(len(data), hashlib.sha256(data).hexdigest()) for name, data in docs.items()}
    return found | {f"blobs/{sha256}": Part(size, sha256) for sha256, size in blobs.items()}


def write(
    file: WritableFile, manifest: Manifest, docs: Mapping[str, bytes], blobs: Blobs
) -> tuple[int, str]:
    """Write an archive; its size and SHA-256. The same input gives the same bytes."""
    sink = _Sink(file)
    with _zip(sink) as archive:
        _write_documents(archive, manifest, docs)
        for name, part in manifest.entries.items():
            if name.startswith("blobs/"):
                info = _entry(name, manifest, zipfile.ZIP_STORED, part.size)
                _write_entry(archive, info, blobs.pieces(part.sha256))
    return sink.size, sink.hash.hexdigest()


def write_seal(
    file: WritableFile, manifest: Manifest, docs: Mapping[str, bytes]
) -> tuple[int, str]:
    """Write a seal; its size and SHA-256. The same input gives the same bytes."""
    sink = _Sink(file)
    with _zip(sink) as archive:
        _write_documents(archive, manifest, docs)
    return sink.size, sink.hash.hexdigest()


def _zip(sink: _Sink) -> zipfile.ZipFile:
    opened: zipfile.ZipFile = zipfile.ZipFile(sink, "w")  # type: ignore[call-overload]  # zipfile needs write and flush only
    return opened


def _write_documents(
    archive: zipfile.ZipFile, manifest: Manifest, docs: Mapping[str, bytes]
) -> None:
    entries = {name: vars(part) for name, part in manifest.entries.items()}
    header = {**vars(manifest), "network": vars(manifest.network), "entries": entries}
    for name, data in {MANIFEST: canonical(header).encode(), **docs}.items():
        info = _entry(name, manifest, zipfile.ZIP_DEFLATED, len(data))
        _write_entry(archive, info, iter([data]))


def _stamp(manifest: Manifest) -> Stamp:
    taken = datetime.fromisoformat(manifest.taken_at)
    return taken.year, taken.month, taken.day, taken.hour, taken.minute, taken.second


def _entry(name: str, manifest: Manifest, method: int, size: int) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, _stamp(manifest))
    info.compress_type = method
    info.external_attr = MODE
    info.create_system = 3  # Unix, wherever it is written
    info.file_size = size  # an entry beyond 2 GiB must be known to be one
    return info


def _write_entry(archive: zipfile.ZipFile, info: zipfile.ZipInfo, pieces: Iterator[bytes]) -> None:
    with archive.open(info, "w") as entry:
        for piece in pieces:
            entry.write(piece)


def parse_manifest(data: bytes) -> Manifest:
    """Read a manifest.

    Raises:
        ValueError, KeyError, TypeError, RecursionError: it is none.
    """
    row = json.loads(data, parse_constant=_no_constant)
    if row["format"] != FORMAT:
        raise ValueError(f"format {str(row['format'])[:20]} is not known here")
    entries = {
        str(name): Part(_count(part["size"]), _text(part["sha256"]))
        for name, part in row["entries"].items()
    }
    datetime.fromisoformat(_text(row["taken_at"]))
    return Manifest(
        format=FORMAT,
        name=_text(row["name"]),
        version=_text(row["version"]),
        epoch=_count(row["epoch"]),
        holder=_text(row["holder"]),
        generation=_count(row["generation"]),
        taken_at=_text(row["taken_at"]),
        network=NetworkSettings.load(row["network"]),
        licences=tuple(_text(one) for one in row["licences"]),
        contents=parse_selection(row["contents"]),
        entries=entries,
    )


def _count(value: Any) -> int:
    if type(value) is not int or not 0 <= value < 2**48:
        raise ValueError("a number is out of range")
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str) or len(value) > 256:  # noqa: PLR2004 - no field of ours is longer
        raise ValueError("a text is missing or too long")
    return value


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is no JSON")
