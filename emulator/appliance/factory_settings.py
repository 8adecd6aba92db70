"""The first boot: from `factory.json` to an identity and content."""

from __future__ import annotations

import base64
import binascii
import contextlib
import hashlib
import io
import json
from collections.abc import Mapping
from typing import Any

from emulator.appliance import content as contents
from emulator.appliance.content import Blobs
from emulator.appliance.entities import Entity, check
from emulator.appliance.identity import Identity
from emulator.appliance.records import Facts, NetworkSettings
from emulator.appliance.refusal import Refusal
from emulator.licences import parse_key
from emulator.ports import Disk

FILE = "factory.json"
FIRST = "000001"
MAX_FACTORY = 256 * 2**20


def apply(disk: Disk, identity: Identity, blobs: Blobs) -> None:
    """Make a box out of its factory settings.

    The facts are written last: a boot that is cut off before starts over.

    Raises:
        Refusal: `factory`.
    """
    try:
        with disk.open(FILE) as file:
            settings = json.loads(file.read(MAX_FACTORY))
        facts = _facts(settings)
        entities = _entities(settings["content"])
        _store_blobs(blobs, settings["content"].get("blobs", {}))
    except FileNotFoundError as error:
        raise Refusal(
            "factory",
            f"{disk.location(FILE)} is missing, and there is no state from an earlier boot",
            "make it with emulator.factory.pair",
        ) from error
    except (ValueError, KeyError, TypeError, binascii.Error) as error:
        raise Refusal(
            "factory",
            f"{disk.location(FILE)} is malformed: {type(error).__name__}: {error}"[:300],
            "make it with emulator.factory.pair",
        ) from error
    contents.discard(disk, FIRST)
    contents.build(disk, FIRST, entities, identity.vault)
    identity.create(facts)


def forget(disk: Disk) -> None:
    """Remove the factory settings of a box that has its facts: they hold secrets (D15)."""
    with contextlib.suppress(FileNotFoundError):
        disk.unlink(FILE)
        disk.sync_dir("")


def _facts(settings: Mapping[str, Any]) -> Facts:
    for key in settings["licences"]:
        parse_key(key)
    if settings["type"] not in ("hardware", "vm", "cloud"):
        raise ValueError("the type must be hardware, vm or cloud")
    return Facts(
        name=settings["name"],
        type=settings["type"],
        version=settings["version"],
        zone=settings["zone"],
        hardware_id=settings["hardware_id"],
        mac=settings["mac"],
        network=NetworkSettings.load(settings["network"]),
        root_password=settings["root_password"],
        licences=tuple(settings["licences"]),
        content=FIRST,
        boot_address_check=bool(settings.get("boot_address_check", False)),
    )


def _entities(content: Mapping[str, Any]) -> list[Entity]:
    return [
        check(Entity(kind, key, body))
        for kind, bodies in sorted(content.items())
        if kind != "blobs"
        for key, body in sorted(bodies.items())
    ]


def _store_blobs(blobs: Blobs, encoded: Mapping[str, str]) -> None:
    for sha256, text in sorted(encoded.items()):
        data = base64.b64decode(text, validate=True)
        if hashlib.sha256(data).hexdigest() != sha256:
            raise ValueError(f"the blob {sha256[:12]}… is not what its name says")
        blobs.put(sha256, len(data), io.BytesIO(data))
