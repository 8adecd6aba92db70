"""Companies from a seed: the same bytes everywhere, and what appliances can keep."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from datetime import UTC, datetime

import pytest

from emulator.appliance.entities import Entity, check
from emulator.company import Company, Voice, generate

START = datetime(2026, 3, 1, tzinfo=UTC)
LARGE = Company(users=40, voicemail_mb=3, calls_each=20)
PROGRAM = """
import hashlib, json
from datetime import UTC, datetime
from emulator.company import Company, generate
made = generate(7, Company(users=40, voicemail_mb=3, calls_each=20),
    datetime(2026, 3, 1, tzinfo=UTC))
print(hashlib.sha256(json.dumps(made).encode()).hexdigest())
"""


@pytest.fixture(scope="module")
def large():
    return generate(7, LARGE, START)


def test_a_seed_gives_the_same_company_in_every_process(large):
    found = {
        subprocess.run(
            [sys.executable, "-c", PROGRAM],
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
            capture_output=True,
            check=True,
            text=True,
        ).stdout.strip()
        for hash_seed in ("0", "1")
    }
    assert found == {hashlib.sha256(json.dumps(large).encode()).hexdigest()}


def test_another_seed_gives_another_company(large):
    other = generate(8, LARGE, START)
    alike = {kind for kind in large.objects if large.objects[kind] == other.objects[kind]}
    arranged = {"groups", "phonenumbers", "announcements", "music", "modules", "library"}
    assert alike == arranged, "what follows from the size alone"
    assert not set(large.sounds) & set(other.sounds)


def test_an_appliance_can_keep_every_object(large):
    count = 0
    for kind, objects in large.objects.items():
        for key, body in objects.items():
            check(Entity(kind, key, json.loads(json.dumps(body))))
            count += 1
    assert count > 1000


@pytest.mark.covers("R53")
def test_every_kind_of_content_is_there(large):
    assert {
        *("users", "groups", "phones", "phonenumbers", "functionkeysets", "redirects"),
        *("voicemailboxes", "voicemails", "callrecords", "contacts", "announcements", "music"),
        *("modules", "library", "lines", "files"),
    } == {kind for kind, objects in large.objects.items() if objects}


def test_what_refers_to_something_refers_to_what_is_there(large):
    objects = large.objects
    logins, files = set(objects["users"]), set(objects["files"])
    for kind in ("phones", "redirects", "callrecords"):
        assert {one["user"] for one in objects[kind].values()} <= logins
    assert {one["box"] for one in objects["voicemails"].values()} <= set(objects["voicemailboxes"])
    assert {one["user"] for one in objects["phonenumbers"].values()} == {*logins, ""}
    assert {login for one in objects["groups"].values() for login in one["users"]} == logins
    named = {one["file"] for kind in ("voicemails", "music") for one in objects[kind].values()}
    named |= {one["greeting"] for one in objects["voicemailboxes"].values()}
    assert named <= files
    assert {one["sha256"] for one in objects["files"].values()} == set(large.sounds)


def test_sounds_are_rendered_to_the_size_and_hash_that_objects_say(large):
    voice = Voice()
    for body in large.objects["files"].values():
        data = b"".join(voice.pieces(large.sounds[body["sha256"]]))
        assert (len(data), hashlib.sha256(data).hexdigest()) == (body["size"], body["sha256"])


def test_voice_messages_have_the_size_that_was_asked_for(large):
    objects = large.objects
    sizes = [objects["files"][one["file"]]["size"] for one in objects["voicemails"].values()]
    assert 3_000_000 <= sum(sizes) < 3_000_000 + max(sizes)
    assert max(sizes) < 2**20 * 2


def test_progress_is_told_to_the_end():
    told = []
    generate(7, LARGE, START, lambda _line, done: told.append(done))
    assert told == sorted(told)
    assert told[-1] == 1.0


def test_some_come_from_abroad(large):
    names = " ".join(one["name"] for one in large.objects["users"].values())
    assert any(sign in names for sign in "ąćęłńśźżĄĆĘŁŃŚŹŻçğışÇĞİŞö")
