"""Voice messages that callers leave on an appliance."""

from __future__ import annotations

import hashlib

import pytest


@pytest.fixture
def rig(bench):
    return bench.boot("pbx1")


def test_a_message_that_a_caller_leaves_is_a_whole_file_of_the_content(rig):
    user = rig.run("users", "list")["users"][0]["login"]

    made = rig.run("voicemails", "take", "--user", user, "--caller", "+49301234", "--seconds", "3")

    (message,) = [
        one for one in rig.run("voicemails", "list")["voicemails"] if one["id"] == made["id"]
    ]
    assert (message["box"], message["caller"], message["duration_s"]) == (user, "+49301234", 3)
    whole = [
        one
        for one in rig.path("blobs").rglob("*")
        if one.is_file() and hashlib.sha256(one.read_bytes()).hexdigest() == one.name
    ]
    assert 3 * 16000 < max(one.stat().st_size for one in whole) < 3 * 16000 + 100
    digest = rig.run("content", "digest")["objects"]
    assert {f"voicemails/{made['id']}", f"files/message-{made['id']}"} <= digest.keys()


def test_a_message_that_is_removed_takes_its_file_along(rig):
    user = rig.run("users", "list")["users"][0]["login"]
    before = rig.run("content", "digest")["total"]
    made = rig.run("voicemails", "take", "--user", user, "--caller", "1234", "--seconds", "1")

    rig.run("voicemails", "remove", made["id"])

    assert rig.run("content", "digest")["total"] == before


def test_nobody_leaves_a_message_twice_or_with_nobody_or_for_no_time(rig):
    user = rig.run("users", "list")["users"][0]["login"]
    words = ("voicemails", "take", "--user", user, "--caller", "1234", "--seconds")
    rig.run(*words, "1")

    assert rig.refusal(*words, "1") == "exists"
    assert rig.refusal(*words, "0") == "usage"
    assert rig.refusal(*words, "1801") == "usage"
    assert rig.refusal(*words[:3], "4711", *words[4:], "1") == "no-such-object"
    assert rig.refusal(*words[:5], "x; y", "--seconds", "1") == "usage"
    assert rig.refusal("voicemails", "remove", "nobody") == "no-such-object"
