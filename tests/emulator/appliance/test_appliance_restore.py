"""The ordinary restore: what it applies, what stays, what it refuses (D7, D14, R57)."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

import pytest

from emulator.appliance.linux.disk import LinuxDisk

ACTIVE = "198.18.7.10"
MAC = "02:66:66:66:66:66"


def backup(rig, operation="b"):
    made = rig.run("backup", "create", "--operation", operation)
    return made, Path(made["path"]).read_bytes()


def restore(rig, data, *flags):
    return rig.run("restore", "--size", str(len(data)), *flags, stdin=data)


def keys(rig):
    return {one["fingerprint"] for one in rig.run("licences", "list")["licences"]}


def facts(rig):
    status = rig.run("status")
    return {
        "network": status["network"],
        "keys": keys(rig),
        "objects": rig.run("content", "digest"),
    }


def test_restore_applies_content_network_and_licences_and_leaves_the_box_itself(bench):
    active, other = bench.pair()
    made, data = backup(active)
    before = other.run("status")
    restore(other, data)
    after = other.run("status")
    assert facts(other) == facts(active)
    assert other.box.network.applied[-1].addresses == ((ACTIVE, 24),)
    assert after["origin"]["generation"] == made["generation"]
    for own in ("name", "hardware_id", "mac"):
        assert after[own] == before[own]


def test_restore_leaves_address_and_licences_when_told_to(bench):
    active, other = bench.pair()
    _, data = backup(active)
    before = other.run("status")
    restore(other, data, "--ignore-address", "--keep-licences")
    after = other.run("status")
    assert (after["network"], after["licences"]) == (before["network"], before["licences"])
    assert after["user_count"] == active.run("status")["user_count"]
    assert not any(one["active"] for one in after["modules"])


def test_the_active_restores_its_own_listed_backup_with_its_modules_alive(bench):
    active = bench.boot("pbx1")
    active.run("epoch", "open", "--operation", "first", "--epoch", "1")
    made, _ = backup(active)
    digest = active.run("content", "digest")
    active.run("users", "remove", "1001")
    newer, _ = backup(active, "c")
    active.run("restore", "--file", made["file"])
    assert active.run("content", "digest") == digest
    assert all(one["active"] for one in active.run("modules", "list")["modules"])
    assert Path(made["path"]).exists()
    assert backup(active, "d")[0]["generation"] == newer["generation"] + 1


def test_a_lower_epoch_is_refused_and_an_equal_or_higher_one_is_not(bench):
    active, other = bench.pair()
    flags = ("--ignore-address", "--keep-licences")
    _, first = backup(active)
    restore(other, first, *flags)
    other.run("epoch", "open", "--operation", "s", "--epoch", "2")
    _, second = backup(other)
    argv = ["restore", "--size", str(len(first)), *flags]
    assert other.refusal(*argv, stdin=first) == "epoch"
    restore(other, second, *flags)
    restore(active, second, *flags)
    assert active.run("status")["lineage"]["epoch"] == 2
    assert active.refusal(*argv, stdin=first) == "epoch"


@pytest.mark.parametrize("wrong", [b"PK", b"x" * 400])
def test_a_file_that_is_no_backup_changes_nothing(bench, wrong):
    rig = bench.boot("pbx1")
    before = facts(rig)
    assert rig.refusal("restore", "--size", str(len(wrong)), stdin=wrong) == "not-a-backup"
    assert facts(rig) == before


@pytest.mark.parametrize("argv", [(), ("--file", "a.sar", "--size", "3"), ("--size", "0")])
def test_a_restore_needs_exactly_one_backup(bench, argv):
    assert bench.boot("pbx1").refusal("restore", *argv) == "usage"


def test_an_unknown_file_is_refused(bench):
    assert bench.boot("pbx1").refusal("restore", "--file", "no.sar") == "no-such-file"


class PowerLost(BaseException):
    """What ends a program in the middle of everything."""


class Dying(LinuxDisk):
    """A disk that is cut off right before its n-th operation."""

    left = 10**6

    def _count(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise PowerLost

    def create(self, path, mode=0o600):
        self._count()
        return super().create(path, mode)

    def rename(self, old, new):
        self._count()
        super().rename(old, new)

    def unlink(self, path):
        self._count()
        super().unlink(path)

    def sync_dir(self, path):
        self._count()
        super().sync_dir(path)

    def database(self, path):
        self._count()
        return super().database(path)


@pytest.mark.parametrize("left", range(14))
def test_a_restore_that_is_cut_off_is_all_old_or_all_new(bench, left):
    active, other = bench.pair()
    _, data = backup(active)
    old, new = facts(other), facts(active)
    other.appliance.shutdown()
    disk = Dying(bench.root / "pbx2")
    dying = bench.boot("pbx2", disk)
    disk.left = left
    with contextlib.suppress(PowerLost):
        restore(dying, data)
    disk.left = 10**6
    dying.appliance.shutdown()
    assert facts(bench.boot("pbx2")) in (old, new)


def test_keys_are_replaced_all_at_once(bench, settings):
    active, other = bench.pair()
    text = "\n".join(settings.pbx2["licences"]).encode()
    assert active.refusal("licences", "install", stdin=text) == "licence"
    active.run("licences", "install", "--replace", stdin=text)
    assert keys(active) == keys(other)
    assert active.refusal("licences", "install", "--replace", stdin=b"AAAAA") == "licence"
    assert active.refusal("licences", "install", "--replace") == "usage"
    assert keys(active) == keys(other)


def test_what_was_changed_since_a_backup_is_named(bench):
    rig = bench.boot("pbx1")
    made, _ = backup(rig)
    assert rig.run("backup", "compare", made["file"])["objects"] == []
    rig.run("users", "add", "--login", "77", "--name", "Late")
    rig.run("users", "remove", "1001")
    rig.run("record", "put", "rollback", stdin=b'{"lines": []}')
    found = rig.run("backup", "compare", made["file"])["objects"]
    assert {"users/1001", "users/77"} <= {*found}
    kinds = {one.partition("/")[0] for one in found}
    assert "records" not in kinds  # what a module keeps is no object that a person entered
    assert kinds >= {"users", "phones", "redirects"}  # who left takes what was his along
    assert rig.refusal("backup", "compare", "no.sar") == "no-such-file"


def test_a_record_travels_with_a_backup(bench):
    active, other = bench.pair()
    assert active.run("record", "get", "rollback")["values"] is None
    active.run("record", "put", "rollback", stdin=b'{"epoch": 1}')
    restore(other, backup(active)[1], "--ignore-address", "--keep-licences")
    assert other.run("record", "get", "rollback")["values"] == {"epoch": 1}
    assert other.refusal("record", "put", "rollback", stdin=b"[]") == "usage"


def test_modules_rest_and_come_back(bench):
    rig = bench.boot("pbx1")
    names = [one["name"] for one in rig.run("modules", "list")["modules"]]
    assert rig.run("modules", "rest")["modules"] == names
    assert not any(one["active"] for one in rig.run("modules", "list")["modules"])
    assert rig.run("modules", "rest")["modules"] == []
    assert rig.run("modules", "activate")["modules"] == names


@pytest.fixture
def checking(bench, furnishing):
    """Return how to boot a box that looks before it takes an address (D10)."""
    folder = bench.root / "pbx1"
    settings = {**bench.settings.pbx1, "boot_address_check": True}
    furnishing(folder, settings, bench.settings.sounds)
    return lambda others: bench.boot("pbx1", others=others)


def test_a_box_that_checks_takes_a_free_address_at_boot(checking):
    rig = checking({})
    assert [one.addresses for one in rig.box.network.applied] == [(), ((ACTIVE, 24),)]
    assert rig.box.happened("address.conflict") == []


def test_a_box_that_checks_stays_off_a_taken_address_and_says_so(checking):
    rig = checking({ACTIVE: MAC})
    assert rig.box.network.applied[-1].addresses == ()
    assert rig.box.happened("address.conflict") == [("", {"address": ACTIVE, "mac": MAC})]
    assert rig.run("status")["conflict"] == MAC
    network = ("--address", ACTIVE, "--prefix", "24", "--gateway", "198.18.7.1")
    rig.run("network", "set", *network)
    assert rig.box.network.applied[-1].addresses == ((ACTIVE, 24),)
    assert rig.run("status")["conflict"] is None


def partial(rig, contents, operation="p"):
    made = rig.run("backup", "create", "--operation", operation, "--contents", contents)
    return made, Path(made["path"]).read_bytes()


def paths(rig):
    found = rig.run("content", "digest")["objects"]
    return {name for name in found if name.startswith("files/greeting-")}


def test_a_partial_backup_brings_back_what_it_holds_and_the_rest_stays(bench):
    rig = bench.boot("pbx1")
    made, data = partial(rig, "calls")
    assert (made["complete"], made["contents"]) == (False, ["calls"])
    voicemail = paths(rig)
    assert voicemail
    licences, network = keys(rig), rig.run("network", "show")
    for name in voicemail:
        rig.appliance.parts.content.remove(*name.split("/", 1))
    rig.run("users", "add", "--login", "77", "--name", "Late")
    before = rig.run("status")
    restore(rig, data)
    assert paths(rig) == voicemail
    assert "users/77" in rig.run("content", "digest")["objects"]
    assert (keys(rig), rig.run("network", "show")) == (licences, network)
    assert rig.run("status")["origin"] == before["origin"]
    assert rig.run("status")["modules"] == before["modules"]


def test_a_backup_of_core_data_leaves_voicemail_alone(bench):
    rig = bench.boot("pbx1")
    made, _ = partial(rig, "core")
    rig.run("users", "remove", "1001")
    voicemail = paths(rig)
    rig.run("restore", "--file", made["file"])
    assert "users/1001" in rig.run("content", "digest")["objects"]
    assert paths(rig) == voicemail
    for name in voicemail:
        sha256 = rig.appliance.parts.content.get(*name.split("/", 1))["sha256"]
        assert rig.path(f"blobs/{sha256[:2]}/{sha256}").exists()


def test_a_partial_backup_becomes_nobodys_whole_content(bench, sending):
    active, standby = bench.pair()
    made, data = partial(active, "core,calls")
    argv = ("--size", str(len(data)))
    assert standby.refusal("initialise", *argv, stdin=data) == "partial"
    assert standby.refusal("restore", *argv, stdin=data) == "partial"
    assert (
        active.refusal("snapshot", "create", "--operation", "s", "--of", made["file"]) == "partial"
    )
    shipped = sending(active, standby, "1.1.1")["file"]
    standby.run("import", "1.1.1", "--file", shipped)
    assert standby.refusal("restore", *argv, stdin=data) == "partial"
    assert standby.box.disk.list("incoming") == []
    restore(active, data)


def test_a_look_says_what_is_inside_and_changes_nothing(bench):
    rig, other = bench.pair()
    made, data = backup(rig)
    before = facts(other)
    seen = other.run("restore", "--look", "--size", str(len(data)), stdin=data)
    assert seen["objects"]["users"] == rig.run("status")["user_count"]
    for field in ("version", "taken_at", "epoch", "generation", "size"):
        assert seen[field] == made[field]
    assert (seen["name"], seen["complete"], seen["refused"]) == ("pbx1", True, None)
    assert seen["activity"] == {"logged_in": 0, "calls": 0}
    assert facts(other) == before
    assert other.box.disk.list("incoming") == []
    assert rig.run("restore", "--look", "--file", made["file"])["objects"] == seen["objects"]


def test_a_look_shows_no_licence_key_and_says_what_would_be_refused(bench, settings):
    rig, other = bench.pair()
    _, data = backup(rig)
    other.run("epoch", "open", "--operation", "s", "--epoch", "2")
    answer = other.run("restore", "--look", "--size", str(len(data)), stdin=data)
    assert answer["refused"]["code"] == "epoch"
    assert not any(key in json.dumps(answer) for key in settings.pbx1["licences"])


@pytest.mark.parametrize("where", [-300, 600, 3000])
def test_a_look_verifies_every_byte(bench, where):
    rig = bench.boot("pbx1")
    _, data = backup(rig)
    damaged = bytearray(data)
    damaged[where] ^= 1
    argv = ("restore", "--look", "--size", str(len(data)))
    assert rig.refusal(*argv, stdin=bytes(damaged)) in ("not-a-backup", "checksum")
    assert rig.box.disk.list("incoming") == []
