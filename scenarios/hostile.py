"""Backups that no appliance wrote, each made from a sound one, as an attacker would (I2)."""

from __future__ import annotations

import hashlib
import io
import json
import struct
import zipfile
from collections.abc import Callable, Mapping
from typing import Literal

Kind = Literal[
    "no backup",
    "half a backup",
    "path traversal",
    "symbolic link",
    "zip bomb",
    "unknown entity",
    "absurd sizes",
]
USERS = "entities/users.json"
_LINK, _FILE = 0o120777, 0o100600  # modes as ZIP keeps them, in the upper half
_BOMB_SIZE = 60_000_000  # bytes of blanks, which pack to a thousandth
_SIZES_AT, _END = 20, 22  # bytes, APPNOTE 4.3.12 and 4.3.16


def spoilt(kind: Kind, sound: bytes) -> bytes:
    """Return a hostile file.

    Args:
        kind: what is wrong with it.
        sound: a `.sar` that an appliance wrote.
    """
    return _MAKERS[kind](sound)


def _entries(sound: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(sound)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def _packed(content: Mapping[str, bytes], *, links: frozenset[str] = frozenset()) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in content.items():
            info = zipfile.ZipInfo(name)
            stored = name.startswith("blobs/")
            info.compress_type = zipfile.ZIP_STORED if stored else zipfile.ZIP_DEFLATED
            info.external_attr = (_LINK if name in links else _FILE) << 16
            archive.writestr(info, data)
    return buffer.getvalue()


def _sealed(content: Mapping[str, bytes]) -> bytes:
    """Pack entries with a manifest whose sizes and checksums all fit."""
    described = json.loads(content["manifest.json"])
    described["entries"] = {
        name: {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        for name, data in content.items()
        if name != "manifest.json"
    }
    return _packed({**content, "manifest.json": json.dumps(described).encode()})


def _with(name: str, data: bytes) -> Callable[[bytes], bytes]:
    return lambda sound: _sealed({**_entries(sound), name: data})


def _lying(sound: bytes) -> bytes:
    """Let the directory claim 4 GiB for its first entry."""
    start = struct.unpack_from("<L", sound, len(sound) - _END + 16)[0]
    changed = bytearray(sound)
    struct.pack_into("<2L", changed, start + _SIZES_AT, 0xFFFFFFFE, 0xFFFFFFFE)
    return bytes(changed)


_MAKERS: Mapping[Kind, Callable[[bytes], bytes]] = {
    "no backup": lambda _sound: b"this is no backup\n" * 500,
    "half a backup": lambda sound: sound[: len(sound) // 2],
    "path traversal": _with("../../etc/shadow", b"root::0:0:99999:7:::\n"),
    "symbolic link": lambda sound: _packed(_entries(sound), links=frozenset({USERS})),
    "zip bomb": _with(USERS, b"[" + b" " * _BOMB_SIZE + b"]"),
    "unknown entity": _with("entities/classes.json", b"[]"),
    "absurd sizes": _lying,
}
