"""Files for containers, as the tar files that a Docker Engine takes."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from emulator.backends import LargeFile


def packed(files: Mapping[str, bytes]) -> bytes:
    """Return a tar file of small files that only their owner may read."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for path, content in files.items():
            entry = tarfile.TarInfo(path)
            entry.size = len(content)
            entry.mode = 0o600
            archive.addfile(entry, io.BytesIO(content))
    return packed.getvalue()


def poured(files: Mapping[str, LargeFile]) -> Iterator[bytes]:
    """Give a tar file of large files as it comes, a piece at a time in memory."""
    for folder in sorted({f"{parent}" for path in files for parent in Path(path).parents}):
        entry = tarfile.TarInfo(folder)
        entry.type, entry.mode = tarfile.DIRTYPE, 0o700
        if folder != ".":
            yield entry.tobuf()
    for path, large in files.items():
        entry = tarfile.TarInfo(path)
        entry.size, entry.mode = large.size, 0o600
        yield entry.tobuf()
        yield from large.pieces()
        yield bytes(-large.size % tarfile.BLOCKSIZE)
    yield bytes(2 * tarfile.BLOCKSIZE)
