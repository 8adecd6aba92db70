"""Commands: content, licences, usage errors, first boot, shutdown."""

from __future__ import annotations

import json

import pytest

from emulator.appliance.commands.table import COMMANDS
from emulator.licences import make_key
from redundancy.contract import Users


@pytest.fixture
def rig(bench):
    return bench.boot("pbx1")


def sizes(seal: str, whole: str, sha256: str = "0" * 64) -> list[str]:
    return ["--seal-size", seal, "--size", whole, "--sha256", sha256]


@pytest.mark.parametrize(
    "argv",
    [
        [],
        ["nonsense"],
        ["backup"],
        ["backup", "create"],
        ["backup", "create", "--operation"],
        ["backup", "create", "--operation", "a b"],
        ["backup", "create", "--operation", "x", "more"],
        ["status", "--loud"],
        ["fence", "1.2"],
        ["fence", "1.2.x"],
        ["receive", "1.1.1", "--file", "../a.seal", *sizes("1", "1")],
        ["receive", "1.1.1", "--file", "a.seal", *sizes("1", "-1")],
        ["receive", "1.1.1", "--file", "a.seal", *sizes("2", "1")],
        ["offer", "1.1.1", "--size", "0", "--sha256", "0" * 64],
        ["receive", "1.1.1", "--file", "a.seal", *sizes("1", "1", "zz")],
        ["receive", "1.1.1", "--file", "a.seal", *sizes("1", "9" * 14)],
        ["users", "add", "--login", "1e3", "--name", "x"],
        ["users", "add", "--login", "4711", "--name", "a\nb"],
        ["module", "put", "x"],
        ["mail", "enqueue"],
    ],
)
def test_wrong_command_line_is_a_usage_error_with_a_remedy(rig, argv):
    answer = rig.answer(*argv, stdin=b"no json")
    assert answer["error"]["code"] == "usage"
    assert answer["error"]["remedy"]


def test_help_names_every_command(rig):
    listed = rig.run("--help")["commands"]
    assert {one.words for one in COMMANDS} <= set(listed)


def test_users_come_and_go(rig):
    rig.run("users", "add", "--login", "4711", "--name", "Zoë Neu", "--email", "zoe@example.com")
    users = Users.model_validate(rig.run("users", "list")).users
    assert [one.name for one in users if one.login == "4711"] == ["Zoë Neu"]
    assert rig.refusal("users", "add", "--login", "4711", "--name", "x") == "exists"
    rig.run("users", "remove", "4711")
    assert rig.refusal("users", "remove", "4711") == "no-such-object"
    assert rig.refusal("users", "remove", "0001") == "last-administrator"


def test_no_list_shows_a_secret(rig, settings):
    shown = str([rig.run(*one) for one in (["users", "list"], ["phones", "list"], ["status"])])
    content = settings.pbx1["content"]
    for phone in content["phones"].values():
        assert phone["sip_secret"] not in shown
    hashes = [user["password"] for user in content["users"].values() if user["password"]]
    assert len(hashes) == 1  # the administrator's
    assert hashes[0] not in shown
    assert "password" not in shown
    for key in settings.pbx1["licences"]:
        assert key not in shown


def test_phones_and_redirects_are_added_once(rig):
    phone = ["phones", "add", "--mac", "02:00:00:00:00:01", "--vendor", "snom", "--model", "D385"]
    assert rig.run(*phone) == {"id": "020000000001"}
    assert rig.refusal(*phone) == "exists"
    redirect = ["redirects", "add", "--user", "1001", "--when", "TIMEOUT", "--target", "+4930123"]
    assert rig.run(*redirect) == {"id": "1001-timeout"}
    assert rig.refusal(*redirect) == "exists"


def test_users_beyond_the_licences_are_refused_by_name(rig):
    keys = [make_key("user", bytes(8), users=7)]
    facts = rig.appliance.parts.identity
    facts.change(
        lambda one: type(one).load(json.dumps({**json.loads(one.dump()), "licences": keys}))
    )
    answer = rig.answer("users", "add", "--login", "4711", "--name", "x")
    assert answer["error"]["code"] == "licence"
    assert "pbx1" in answer["error"]["message"]


@pytest.mark.covers("R38")
def test_licence_is_installed_once_and_shown_redacted(rig):
    key = make_key("module", bytes(8), module="callcenter")
    assert rig.run("licences", "install", stdin=key.encode()) == {
        "installed": [f"*****-*****-*****-{key[-5:]}"]
    }
    assert rig.refusal("licences", "install", stdin=key.encode()) == "licence"
    second = make_key("server", bytes(8))
    assert rig.refusal("licences", "install", stdin=second.encode()) == "licence"
    assert rig.refusal("licences", "install", stdin=b"") == "usage"


def test_a_line_of_the_log_that_a_power_cut_has_torn_is_left_out(rig):
    log = rig.path("log/events.jsonl")
    log.parent.mkdir(exist_ok=True)
    log.write_bytes(b'{"event": "one"}\n{"event": "tw{"event": "three"}\n{"event": "four"}\n')
    assert rig.run("log")["lines"] == [{"event": "one"}, {"event": "four"}]


def test_module_command_is_handed_to_the_module(rig):
    assert rig.run("redundancy", "status", "--x") == {"argv": ["status", "--x"]}


def test_first_boot_says_so_and_the_next_one_is_clean(bench):
    rig = bench.boot("pbx1")
    assert rig.box.happened("booted")[0][0] == "first"
    assert rig.box.remote_shell.password == bench.settings.credentials.root_passwords["pbx1"]
    rig.appliance.shutdown()
    assert rig.box.happened("stopped")
    assert rig.answer("status")["error"]["code"] == "booting"
    assert bench.boot("pbx1").box.happened("booted")[0][0] == "clean"


def test_an_appliance_that_says_it_has_stopped_answers_nobody_on_the_lan(bench):
    rig = bench.boot("pbx1")
    assert not rig.box.network.is_down
    rig.appliance.shutdown()
    assert rig.box.network.is_down


@pytest.mark.parametrize("text", ["", "{", "[]", '{"name": "x"}'])
def test_unusable_factory_settings_are_refused_with_the_place(bench, text):
    folder = bench.root / "pbx1"
    folder.mkdir()
    (folder / "factory.json").write_text(text)
    with pytest.raises(Exception, match=r"factory\.json") as caught:
        bench.boot("pbx1")
    assert caught.value.code == "factory"
