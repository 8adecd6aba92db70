"""Content-addressed transfers: what is repeated, what is kept, what is swept."""

from __future__ import annotations

import hashlib
import struct
from pathlib import Path

import pytest

from emulator.appliance.entities import Entity
from emulator.appliance.fence import Session
from emulator.appliance.linux.disk import LinuxDisk
from emulator.appliance.records import Token
from redundancy.contract import Offered, Snapshot

MEGABYTE = 2**20
FRAME = struct.Struct(">32sQ")


def add_file(rig, name: str, data: bytes) -> str:
    """Put a file into an appliance's content."""
    sha256 = hashlib.sha256(data).hexdigest()
    path = rig.path(f"blobs/{sha256[:2]}/{sha256}")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    body = {"path": name, "mode": "0640", "size": len(data), "sha256": sha256}
    rig.appliance.parts.content.put([Entity("files", name, body)])
    return sha256


def blobs(rig) -> set[str]:
    return {one.name for one in rig.path("blobs").glob("*/*")}


def files(rig) -> set[str]:
    return {body["sha256"] for body in rig.appliance.parts.content.all("files").values()}


def deliver(active, standby, packing, token: str) -> int:
    """Carry a run out; the size of the seal and of what went with it."""
    shipment = packing(active, standby, token, token)
    standby.run(*shipment.argv(token), stdin=shipment.data)
    standby.run("import", token, "--file", shipment.made["file"])
    active.run("snapshot", "release", shipment.made["file"])
    return len(shipment.data)


def test_answers_are_as_the_contract_says(bench, packing):
    active, standby = bench.pair()
    shipment = packing(active, standby, "1.1.1")
    Snapshot.model_validate(shipment.made)
    offered = Offered.model_validate({"missing": shipment.missing})
    assert {one.sha256 for one in offered.missing} == files(active)


def test_unchanged_night_sends_the_seal_alone(bench, packing):
    active, standby = bench.pair()
    add_file(active, "long", bytes(MEGABYTE))
    first = deliver(active, standby, packing, "1.1.1")
    assert deliver(active, standby, packing, "1.2.1") < first / 100
    assert standby.run("content", "digest") == active.run("content", "digest")
    assert standby.run("status")["origin"]["generation"] == 2


def test_changed_file_alone_crosses_and_the_old_one_is_swept(bench, packing):
    active, standby = bench.pair()
    old = add_file(active, "greeting", b"old" * 50_000)
    add_file(active, "other", b"other" * 50_000)
    deliver(active, standby, packing, "1.1.1")
    new = add_file(active, "greeting", b"new" * 50_000)
    shipment = packing(active, standby, "1.2.1", "second")
    assert [one["sha256"] for one in shipment.missing] == [new]
    standby.run(*shipment.argv("1.2.1"), stdin=shipment.data)
    assert old in blobs(standby), "the content of this moment still names it"
    standby.run("import", "1.2.1", "--file", shipment.made["file"])
    assert blobs(standby) == files(active)
    assert old not in blobs(standby)


@pytest.mark.parametrize("interruption", ["cut", "reboot"])
def test_interrupted_attempt_repeats_no_verified_blob(bench, packing, interruption):
    active, standby = bench.pair()
    for number in range(10):
        add_file(active, f"f{number}", bytes([number]) * 100_000)
    whole = packing(active, standby, "1.1.1")
    standby.run("fence", "1.1.1")
    cut = len(whole.data) * 6 // 10
    assert standby.refusal(*whole.argv("1.1.1"), stdin=whole.data[:cut]) == "connection-lost"
    if interruption == "reboot":
        standby.appliance.shutdown()
        standby = bench.boot("pbx2")
    arrived = blobs(standby)
    assert len([one for one in arrived if not one.endswith(".part")]) > 5
    standby.run("fence", "1.1.2")
    rest = packing(active, standby, "1.1.2")
    assert not {one["sha256"] for one in rest.missing} & arrived
    standby.run(*rest.argv("1.1.2"), stdin=rest.data)
    standby.run("import", "1.1.2", "--file", rest.made["file"])
    assert standby.run("content", "digest") == active.run("content", "digest")
    assert blobs(standby) == files(active), "nothing of the cut attempt is left"


def test_huge_blob_goes_on_where_it_was_cut(bench, packing):
    active, standby = bench.pair()
    data = bytes(range(256)) * (3 * MEGABYTE // 256)
    huge = add_file(active, "huge", data)
    whole = packing(active, standby, "1.1.1")
    begin = whole.data.index(FRAME.pack(bytes.fromhex(huge), 0)) + FRAME.size
    cut = whole.data[: begin + 2 * MEGABYTE]
    assert standby.refusal(*whole.argv("1.1.1"), stdin=cut) == "connection-lost"
    rest = packing(active, standby, "1.1.2")
    found = next(one for one in rest.missing if one["sha256"] == huge)
    assert found["offset"] == 2 * MEGABYTE
    assert found["begun_sha256"] == hashlib.sha256(data[: 2 * MEGABYTE]).hexdigest()
    standby.run(*rest.argv("1.1.2"), stdin=rest.data)
    arrived = standby.path(f"blobs/{huge[:2]}/{huge}")
    assert arrived.read_bytes() == data


def test_blob_that_came_whole_before_the_process_died_is_not_sent_again(bench, packing):
    active, standby = bench.pair()
    sha256 = add_file(active, "whole", b"w" * 5000)
    part = standby.path(f"blobs/{sha256[:2]}/{sha256}.part")
    part.parent.mkdir(parents=True, exist_ok=True)
    part.write_bytes(b"w" * 5000)
    shipment = packing(active, standby, "1.1.1")
    assert sha256 not in {one["sha256"] for one in shipment.missing}
    assert not part.exists()
    standby.run(*shipment.argv("1.1.1"), stdin=shipment.data)


def test_begun_bytes_that_are_no_beginning_are_refused_in_the_end(bench, packing):
    active, standby = bench.pair()
    data = b"d" * (2 * MEGABYTE)
    sha256 = add_file(active, "long", data)
    part = standby.path(f"blobs/{sha256[:2]}/{sha256}.part")
    part.parent.mkdir(parents=True, exist_ok=True)
    part.write_bytes(b"x" * MEGABYTE)
    shipment = packing(active, standby, "1.1.1")  # goes on without comparing
    assert standby.refusal(*shipment.argv("1.1.1"), stdin=shipment.data) == "checksum"
    assert not part.exists()


def test_source_rewritten_in_mid_transfer_is_never_mixed(bench, packing):
    active, standby = bench.pair()
    add_file(active, "greeting", b"old" * 1000)
    before = active.run("content", "digest")
    shipment = packing(active, standby, "1.1.1")
    add_file(active, "greeting", b"new" * 1000)
    active.run("users", "remove", "1001")
    standby.run(*shipment.argv("1.1.1"), stdin=shipment.data)
    standby.run("import", "1.1.1", "--file", shipment.made["file"])
    assert standby.run("content", "digest") == before


def test_snapshot_holds_its_files_over_a_boot_until_it_is_released(bench):
    active, _ = bench.pair()
    sha256 = add_file(active, "greeting", b"old" * 1000)
    made = active.run("snapshot", "create", "--operation", "run-1")
    add_file(active, "greeting", b"new" * 1000)
    active.appliance.shutdown()
    active = bench.boot("pbx1")
    assert active.run("snapshot", "create", "--operation", "run-1") == made
    assert sha256 in blobs(active)
    active.run("snapshot", "release", made["file"])
    assert active.refusal("snapshot", "release", made["file"]) == "no-such-file"
    active.appliance.shutdown()
    assert sha256 not in blobs(bench.boot("pbx1"))


def test_forgotten_snapshots_do_not_pile_up(bench):
    active, _ = bench.pair()
    for number in range(5):
        active.run("snapshot", "create", "--operation", f"run-{number}")
    assert len(active.box.disk.list("snapshots")) == 2


def test_snapshot_waits_for_no_backup_that_is_being_written(bench):
    active, _ = bench.pair()
    with active.appliance.parts.backups.writing():
        assert active.refusal("snapshot", "create", "--operation", "run-1") == "busy"


def test_sweep_of_a_fenced_import_spares_what_the_newer_receive_counts_on(bench, packing):
    active, standby = bench.pair()
    for number in range(4):
        add_file(active, f"f{number}", bytes([number]) * 50_000)
    shipment = packing(active, standby, "1.1.1")
    cut = shipment.data[: len(shipment.data) * 7 // 10]
    assert standby.refusal(*shipment.argv("1.1.1"), stdin=cut) == "connection-lost"
    arrived = {one for one in blobs(standby) if not one.endswith(".part")}
    standby.appliance.parts.importer._sweeper.sweep()
    assert arrived <= blobs(standby)


def test_frame_that_does_not_belong_to_the_seal_is_refused(bench, packing):
    active, standby = bench.pair()
    shipment = packing(active, standby, "1.1.1")
    seal = shipment.data[: shipment.made["size"]]
    for frame in (FRAME.pack(b"x" * 32, 0) + b"data", b"torn", FRAME.pack(b"x" * 32, 2**63)):
        shipment.data = seal + frame
        assert standby.refusal(*shipment.argv("1.1.1"), stdin=shipment.data) == "not-a-backup"


def test_transfer_that_leaves_something_out_is_not_taken_for_whole(bench, packing):
    active, standby = bench.pair()
    shipment = packing(active, standby, "1.1.1")
    shipment.data = shipment.data[: shipment.made["size"]]
    assert standby.refusal(*shipment.argv("1.1.1"), stdin=shipment.data) == "incomplete"
    assert standby.refusal("import", "1.1.1", "--file", shipment.made["file"]) == "no-such-file"


def test_older_token_may_not_even_offer(bench, packing):
    active, standby = bench.pair()
    shipment = packing(active, standby, "1.1.2")
    seal = Path(shipment.made["path"]).read_bytes()
    argv = ["--size", str(len(seal)), "--sha256", shipment.made["sha256"]]
    assert standby.refusal("offer", "1.1.1", *argv, stdin=seal) == "fenced"
    assert standby.refusal("offer", "1.1.2", *argv, stdin=seal[:-1] + b"x") == "checksum"


class SweepsAtTheEnd:
    """A disk on which a sweep takes the blobs just before an import commits."""

    def __init__(self, disk: LinuxDisk, root: Path) -> None:
        self._disk = disk
        self._root = root

    def __getattr__(self, name):
        return getattr(self._disk, name)

    def database(self, path):
        if path == "content/000002.db":
            for one in (self._root / "blobs").glob("*/*"):
                one.unlink()
        return self._disk.database(path)


def test_import_whose_files_were_swept_meanwhile_is_not_committed(bench):
    active, standby = bench.pair()
    standby.appliance.shutdown()
    root = bench.root / "pbx2"
    standby = bench.boot("pbx2", SweepsAtTheEnd(LinuxDisk(root), root))
    data = Path(active.run("backup", "create", "--operation", "full")["path"]).read_bytes()
    assert standby.refusal("initialise", "--size", str(len(data)), stdin=data) == "incomplete"
    assert standby.run("status")["origin"] is None


class FullForContent:
    """A disk that has no room for a second content database."""

    def __init__(self, disk: LinuxDisk) -> None:
        self._disk = disk

    def __getattr__(self, name):
        return getattr(self._disk, name)

    def database(self, path):
        if path == "content/000002.db":
            raise OSError(28, "No space left on device")
        return self._disk.database(path)


def test_disk_that_is_full_at_the_import_is_freed(bench, packing):
    active, standby = bench.pair()
    standby.appliance.shutdown()
    standby = bench.boot("pbx2", FullForContent(LinuxDisk(bench.root / "pbx2")))
    shipment = packing(active, standby, "1.1.1")
    standby.run(*shipment.argv("1.1.1"), stdin=shipment.data)
    assert standby.refusal("import", "1.1.1", "--file", shipment.made["file"]) == "disk-full"
    assert blobs(standby) == set()
    assert standby.run("status")["origin"] is None


@pytest.mark.covers("T12")
@pytest.mark.parametrize("how", ["changed", "gone"])
def test_backup_with_a_file_that_has_rotted_is_refused_and_names_the_object(bench, how):
    active, _ = bench.pair()
    sha256 = add_file(active, "greeting", b"welcome" * 50_000)
    stored = active.path(f"blobs/{sha256[:2]}/{sha256}")
    if how == "changed":
        stored.write_bytes(b"w" + stored.read_bytes()[1:-1] + b"?")
    else:
        stored.unlink()
    answer = active.answer("backup", "create", "--operation", "b1")
    assert answer["error"]["code"] == "damaged"
    assert "files/greeting" in answer["error"]["message"]
    assert active.run("backup", "list")["backups"] == []
    assert active.box.disk.list("backups") == []


@pytest.mark.covers("T11")
def test_error_says_which_appliance_it_is_about(bench):
    _, standby = bench.pair()
    assert standby.answer("import", "1.1.1", "--file", "x")["error"]["appliance"] == "pbx2"


def test_released_snapshot_and_a_finished_backup_free_what_nothing_refers_to(bench):
    active, _ = bench.pair()
    before = blobs(active)
    add_file(active, "greeting", b"welcome")
    first = active.run("snapshot", "create", "--operation", "run-1")
    active.appliance.parts.content.remove("files", "greeting")
    active.run("backup", "create", "--operation", "b1")
    assert blobs(active) > before  # the snapshot still holds it
    active.run("snapshot", "release", first["file"])
    assert blobs(active) == before
    add_file(active, "greeting", b"welcome")
    active.appliance.parts.content.remove("files", "greeting")
    active.run("backup", "create", "--operation", "b2")
    assert blobs(active) == before


def test_nothing_is_swept_while_somebody_may_bring_in_what_is_new(bench):
    active, _ = bench.pair()
    add_file(active, "greeting", b"welcome")
    active.appliance.parts.content.remove("files", "greeting")
    before = blobs(active)
    gate = active.appliance.parts.gate
    with gate.at_work(Session(Token(0, 0, 0), "importing")):
        active.run("backup", "create", "--operation", "b1")
    assert blobs(active) == before
