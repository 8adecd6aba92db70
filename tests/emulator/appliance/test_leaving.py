"""A user who is removed leaves nothing behind that refers to him, and takes nothing of others."""

from __future__ import annotations

import pytest

from emulator.appliance.entities import Entity
from emulator.appliance.leaving import KINDS


def names_him(body, login: str) -> bool:
    """Whether a field for users holds the login; a number may be equal to it."""
    if isinstance(body, list):
        return any(names_him(one, login) for one in body)
    if not isinstance(body, dict):
        return False
    return any(
        login == value or (isinstance(value, list) and login in value)
        for name, value in body.items()
        if name in {"user", "users"}
    ) or any(names_him(value, login) for value in body.values())


def objects(rig):
    return {
        f"{kind}/{key}": body
        for kind in KINDS
        for key, body in rig.appliance.parts.content.all(kind).items()
    }


@pytest.mark.covers("R8")
def test_nothing_names_a_removed_user_but_his_calls_and_those_keep_his_name(bench):
    rig = bench.boot("pbx1")
    before = objects(rig)
    name = next(one for one in rig.run("users", "list")["users"] if one["login"] == "1001")["name"]
    assert {kind for kind, _, _ in (path.partition("/") for path in before)} >= {
        "callrecords", "functionkeysets", "groups", "phonenumbers", "phones", "voicemailboxes",
    }  # fmt: skip
    rig.run("users", "remove", "1001")
    after = objects(rig)
    still = {path for path, body in after.items() if names_him(body, "1001")}
    calls = {path for path, body in before.items() if path.startswith("callrecords/")
             and body["user"] == "1001"}  # fmt: skip
    assert still == calls != set()
    assert {after[path]["userName"] for path in calls} == {name}
    untouched = {path: body for path, body in before.items() if not names_him(body, "1001")}
    boxes = {path.partition("/")[2] for path in before.keys() - after.keys()}
    kept = {path: body for path, body in untouched.items() if body.get("box") not in boxes}
    assert kept == {path: after[path] for path in kept}
    assert all(body["box"] not in boxes for path, body in after.items() if "voicemails/" in path)
    (told,) = [detail for cause, detail in rig.box.happened("changed") if cause == "users remove"]
    assert (told["kind"], told["id"]) == ("users", "1001")
    assert told["with_it"]["callrecords"] == len(calls)


def test_a_voicemail_box_that_others_share_stays_with_its_messages(bench):
    rig = bench.boot("pbx1")
    content = rig.appliance.parts.content
    key, box = next(
        (key, body)
        for key, body in content.all("voicemailboxes").items()
        if [one["user"] for one in body["voicemailUsers"]] == ["1001"]
    )
    other = {"user": "1002", "sendMail": False}
    shared = {**box, "voicemailUsers": [*box["voicemailUsers"], other]}
    content.put([Entity("voicemailboxes", key, shared)])
    messages = {one for one, body in content.all("voicemails").items() if body["box"] == key}
    rig.run("users", "remove", "1001")
    assert content.get("voicemailboxes", key)["voicemailUsers"] == [other]
    assert messages <= content.all("voicemails").keys()


def test_a_removed_user_can_be_added_again_and_the_backup_is_sound(bench):
    rig = bench.boot("pbx1")
    rig.run("users", "remove", "1001")
    made = rig.run("backup", "create", "--operation", "b")
    rig.run("restore", "--file", made["file"])
    rig.run("users", "add", "--login", "1001", "--name", "Neu")
    assert rig.refusal("users", "remove", "4711") == "no-such-object"
