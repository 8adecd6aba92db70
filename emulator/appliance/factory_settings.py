"""The first boot: from `factory.json` to an identity and content."""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

from emulator.appliance import content as contents
from emulator.appliance.content import PIECE, Blobs
from emulator.appliance.entities import Entity, check
from emulator.appliance.identity import Identity
from emulator.appliance.layout import FACTORY
from emulator.appliance.records import Facts, NetworkSettings
from emulator.appliance.refusal import Refusal
from emulator.licences import parse_key
from emulator.ports import Disk

FIRST = "000001"
MAX_FACTORY = 256 * 2**20


def apply(disk: Disk, identity: Identity, blobs: Blobs) -> None:
    """Make a box out of its factory settings.

    The facts are written last: a boot that is cut off before starts over.

    Raises:
        Refusal: `factory`.
    """
    try:
        with disk.open(FACTORY) as file:
            settings = json.loads(file.read(MAX_FACTORY))
        facts = _facts(settings)
        entities = _entities(settings["content"])
    except FileNotFoundError as error:
        raise Refusal(
            "factory",
            f"{disk.location(FACTORY)} is missing, and there is no state from an earlier boot",
            "make it with emulator.factory.pair",
        ) from error
    except (ValueError, KeyError, TypeError) as error:
        raise Refusal(
            "factory",
            f"{disk.location(FACTORY)} is malformed: {type(error).__name__}: {error}"[:300],
            "make it with emulator.factory.pair",
        ) from error
    _verify(disk, blobs, entities)
    contents.discard(disk, FIRST)
    contents.build(disk, FIRST, entities, identity.vault)
    identity.create(facts)


def forget(disk: Disk) -> None:
    """Remove the factory settings of a box that has its facts: they hold secrets (D15)."""
    with contextlib.suppress(FileNotFoundError):
        disk.unlink(FACTORY)
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
        for key, body in sorted(bodies.items())
    ]


def _verify(disk: Disk, blobs: Blobs, entities: Iterable[Entity]) -> None:
    """See that every file that the content refers to was placed whole; make all of them durable.

    Raises:
        Refusal: `factory`.
    """
    files = {one.body["sha256"]: one.body["size"] for one in entities if one.kind == "files"}
    for sha256, size in files.items():
        if not blobs.holds(sha256, size) or _digest(blobs, sha256) != sha256:
            raise Refusal(
                "factory",
                f"{disk.location(Blobs.path(sha256))} is missing or not what its name says",
                "place the sounds of emulator.factory.pair beside the factory settings",
            )
    if files:
        disk.sync_all()


def _digest(blobs: Blobs, sha256: str) -> str:
    seen = hashlib.sha256()
    with blobs.open(sha256) as stream:
        while piece := stream.read(PIECE):
            seen.update(piece)
    return seen.hexdigest()
