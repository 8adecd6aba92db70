"""A company's content on an appliance: its digest, and a round trip through a backup."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from emulator import factory
from emulator.appliance.entities import Entity, check, digests
from emulator.company import Company

COMPANY = Company(users=16, voicemail_mb=1, lines=(("sip", 4), ("isdn", 2), ("analogue", 1)))
START = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)
ACTIVATION = {("modules", "active"), ("modules", "wanted")}  # the box's, not content (R45, D13)


def drawn(word: str) -> factory.Pair:
    chance = lambda length: hashlib.shake_128(f"{word}{length}".encode()).digest(length)  # noqa: E731 - a lab's entropy
    return factory.pair(3, "test", "198.18.7.0/24", START, chance, COMPANY)


@pytest.fixture(scope="module")
def settings() -> factory.Pair:
    return drawn("a")


def samples(content: dict[str, dict[str, dict[str, Any]]]) -> list[Entity]:
    """Return an object of every kind, with every field that any of its kind has."""
    found = []
    for kind, objects in content.items():
        whole: dict[str, Any] = {}
        for body in objects.values():
            whole |= body
        found.append(Entity(kind, next(iter(objects)), whole))
    return found


def altered(value: Any) -> Any:
    """Return another value that differs as little as its type allows."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 1
    if isinstance(value, str):
        return f"{value}x"
    if isinstance(value, list):
        return [*value[:-1], altered(value[-1])] if value else ["x"]
    if isinstance(value, dict):
        last = list(value)[-1] if value else "x"
        return {**value, last: altered(value.get(last, ""))}
    return "x"


def paths(value: Any) -> list[tuple[Any, ...]]:
    """Return the way to every value, however deep."""
    if isinstance(value, dict):
        return [(key, *rest) for key, one in value.items() for rest in paths(one)] or [()]
    if isinstance(value, list):
        return [(at, *rest) for at, one in enumerate(value) for rest in paths(one)] or [()]
    return [()]


def with_one_change(value: Any, path: tuple[Any, ...]) -> Any:
    if not path:
        return altered(value)
    inner = with_one_change(value[path[0]], path[1:])
    if isinstance(value, dict):
        return {**value, path[0]: inner}
    return [*value[: path[0]], inner, *value[path[0] + 1 :]]


def test_every_change_of_one_field_of_every_kind_shows_in_the_digest(settings: factory.Pair):
    changed = 0
    for entity in samples(settings.pbx1["content"]):
        before = dict(digests(entity))
        for path in paths(entity.body):
            body = with_one_change(entity.body, path)
            after = dict(digests(Entity(entity.kind, entity.id, body)))
            same = before == after
            assert same == ((entity.kind, path[0]) in ACTIVATION), (entity.kind, path)
            changed += not same
    assert changed > 100


def test_a_field_that_is_added_or_gone_shows_in_the_digest(settings: factory.Pair):
    for entity in samples(settings.pbx1["content"]):
        before = dict(digests(entity))
        assert before != dict(digests(entity._replace(body={**entity.body, "new": ""})))
        for name in entity.body:
            if (entity.kind, name) not in ACTIVATION:
                less = {key: one for key, one in entity.body.items() if key != name}
                assert before != dict(digests(entity._replace(body=less))), (entity.kind, name)


def test_one_change_moves_its_object_its_kind_and_the_total_only(bench, settings):
    rig = bench.boot("pbx1")
    before = rig.run("content", "digest")
    body = rig.appliance.parts.content.get("contacts", "000001")
    change = check(Entity("contacts", "000001", {**body, "tags": ["Freund"]}))
    rig.appliance.parts.content.put([change])
    after = rig.run("content", "digest")
    objects = {key for key, one in after["objects"].items() if before["objects"][key] != one}
    kinds = {key for key, one in after["kinds"].items() if before["kinds"][key] != one}
    assert (objects, kinds) == ({"contacts/000001"}, {"contacts"})
    assert before["total"] != after["total"]


def test_two_appliances_of_one_seed_have_equal_digests(bench, settings, tmp_path):
    first = bench.boot("pbx1").run("content", "digest")
    bench.settings, bench.root = drawn("b"), tmp_path / "other"
    second = bench.boot("pbx1").run("content", "digest")
    assert first["total"] == second["total"]
    differing = {kind for kind in first["kinds"] if first["kinds"][kind] != second["kinds"][kind]}
    assert differing == {"passwords"}, "each lab draws its own"


@pytest.mark.covers("R40")
def test_a_round_trip_keeps_every_kind_of_object(bench, settings):
    active, standby = bench.pair()
    made = active.run("backup", "create", "--operation", "b")
    data = Path(made["path"]).read_bytes()
    standby.run("initialise", "--size", str(len(data)), stdin=data)
    ours, theirs = active.run("content", "digest"), standby.run("content", "digest")
    assert theirs == ours
    assert set(settings.pbx1["content"]) <= set(theirs["kinds"])
    for body in settings.pbx1["content"]["files"].values():
        blob = standby.path(f"blobs/{body['sha256'][:2]}/{body['sha256']}").read_bytes()
        assert hashlib.sha256(blob).hexdigest() == body["sha256"]


def test_a_secret_of_the_content_lies_open_in_no_database(bench, settings):
    rig = bench.boot("pbx1")
    content = settings.pbx1["content"]
    secrets = [one["sip_secret"] for one in content["phones"].values()]
    secrets.append(content["lines"]["sip"]["trunk_secret"])
    stored = b"".join(path.read_bytes() for path in rig.path("content").iterdir())
    assert not [one for one in secrets if one.encode() in stored]


@pytest.mark.parametrize("damage", ["missing", "altered"])
def test_a_first_boot_refuses_files_that_are_not_what_the_content_says(
    bench, settings, furnishing, damage
):
    folder = bench.root / "pbx1"
    furnishing(folder, settings.pbx1, settings.sounds)
    sha256 = next(iter(settings.sounds))
    path = folder / "blobs" / sha256[:2] / sha256
    if damage == "missing":
        path.unlink()
    else:
        data = bytearray(path.read_bytes())
        data[-1] ^= 1
        path.write_bytes(data)
    with pytest.raises(Exception, match="missing or not what its name says"):
        bench.boot("pbx1")
    furnishing(folder, json.loads(json.dumps(settings.pbx1)), settings.sounds)
    assert bench.boot("pbx1").run("status")["user_count"] == 17
