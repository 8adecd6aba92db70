"""Secrets at rest, on the way, and in what people are shown (D15)."""

from __future__ import annotations

import io
import json
import stat
import zipfile

import pytest

from emulator.appliance.refusal import Refusal
from emulator.appliance.vault import Vault

PASSWORD = "pass-of-the-standby"
CONFIGURATION = {"licence_key": "x", "standby_password": PASSWORD}


@pytest.fixture
def pair(bench):
    active, standby = bench.pair()
    active.run("module", "put", "redundanz", stdin=json.dumps(CONFIGURATION).encode())
    return active, standby


def secrets(bench):
    phones = bench.settings.pbx1["content"]["phones"].values()
    passwords = bench.settings.credentials.root_passwords.values()
    return [PASSWORD, *passwords, *(one["sip_secret"] for one in phones)]


def on_disk(rig):
    """Return every byte that lies on an appliance's disk, but for backups."""
    root = rig.path("")
    files = [one for one in root.rglob("*") if one.is_file()]
    return b"".join(one.read_bytes() for one in files if one.suffix != ".sar")


@pytest.mark.covers("D15")
def test_no_secret_lies_readable_on_the_disk_of_either_appliance(bench, pair, sending):
    active, standby = pair
    made = sending(active, standby, "1.1.1")
    standby.run("import", "1.1.1", "--file", made["file"])
    for rig in pair:
        lying = on_disk(rig)
        assert b"sip_secret" in lying
        assert [one for one in secrets(bench) if one.encode() in lying] == []


@pytest.mark.covers("D15")
def test_a_backup_carries_the_secrets_and_the_standby_seals_them_with_its_own_key(
    bench, pair, sending
):
    active, standby = pair
    made = sending(active, standby, "1.1.1")
    with zipfile.ZipFile(io.BytesIO(active.path(f"snapshots/{made['file']}").read_bytes())) as seal:
        assert PASSWORD.encode() in seal.read("entities/modules.json")
    standby.run("import", "1.1.1", "--file", made["file"])
    assert standby.appliance.module_secret("redundanz", "standby_password") == PASSWORD
    keys = [one.path("secrets.key") for one in pair]
    assert [stat.S_IMODE(one.stat().st_mode) for one in keys] == [0o600, 0o600]
    assert keys[0].read_bytes() != keys[1].read_bytes()


@pytest.mark.covers("D15", "R35")
def test_no_command_shows_a_secret(bench, pair):
    active, _ = pair
    shown = [
        active.answer(*argv.split())
        for argv in ("status", "phones list", "users list", "module get redundanz", "log",
                     "modules list", "backup list", "backup jobs")
    ]  # fmt: skip
    text = json.dumps([*shown, *active.box.events])
    assert [one for one in secrets(bench) if one in text] == []
    values = active.run("module", "get", "redundanz")["values"]
    assert values == {"licence_key": "x", "standby_password": ""}


@pytest.mark.covers("D15")
def test_secrets_outlive_a_reboot(bench, pair):
    active, _ = pair
    active.appliance.shutdown()
    again = bench.boot("pbx1")
    assert again.appliance.module_secret("redundanz", "standby_password") == PASSWORD
    assert again.box.remote_shell.password == bench.settings.credentials.root_passwords["pbx1"]


def vault(key=b"k" * 32):
    return Vault(key, bytes)


def test_a_secret_opens_only_with_its_key_and_in_its_place():
    sealed = vault().seal("s3cret", "phones/1/sip_secret")
    assert vault().reveal(sealed, "phones/1/sip_secret") == "s3cret"
    for key, place, text in (
        (b"o" * 32, "phones/1/sip_secret", sealed),
        (b"k" * 32, "phones/2/sip_secret", sealed),
        (b"k" * 32, "phones/1/sip_secret", "no sealed text"),
    ):
        with pytest.raises(Refusal, match="cannot be opened"):
            vault(key).reveal(text, place)


@pytest.mark.covers("D15")
def test_only_secret_fields_are_sealed_at_any_depth():
    body = {"name": "a", "password": "b", "values": {"x_secret": "c", "server": "d"}, "n": 1}
    sealed = vault().seal_all(body, "modules/m")
    assert (sealed["name"], sealed["values"]["server"], sealed["n"]) == ("a", "d", 1)
    assert sealed["password"] != "b"
    assert sealed["values"]["x_secret"] != "c"
    assert vault().reveal_all(sealed, "modules/m") == body
