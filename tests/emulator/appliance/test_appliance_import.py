"""Receiving and importing: fencing, atomicity, what stays with the box."""

from __future__ import annotations

import io
import threading
from datetime import timedelta
from pathlib import Path

import pytest

from redundancy.contract import Imported, Received, Snapshot, Status

OTHER_NETWORK = [
    "--address",
    "198.18.7.10",
    "--prefix",
    "24",
    "--gateway",
    "198.18.7.1",
    "--dns",
    "198.18.7.1",
]


def test_status_is_as_the_contract_says(bench):
    active, standby = bench.pair()
    status = Status.model_validate(active.run("status"))
    assert status.name == "pbx1"
    assert status.lineage.epoch == 1
    assert status.lineage.holder == status.server_key
    assert {one.kind for one in status.licences} == {"server", "user", "module"}
    assert status.user_count == 7
    other = Status.model_validate(standby.run("status"))
    assert other.lineage.epoch == 0
    assert not {one.fingerprint for one in status.licences} & {
        one.fingerprint for one in other.licences
    }


@pytest.mark.covers("R4", "D7", "I4", "I6")
def test_snapshot_travels_and_is_imported_with_identity_untouched(bench, sending):
    active, standby = bench.pair()
    before = standby.run("status")
    made = Snapshot.model_validate(sending(active, standby, "1.1.1"))
    answer = Imported.model_validate(standby.run("import", "1.1.1", "--file", made.file))
    assert (answer.epoch, answer.generation) == (1, 1)
    assert standby.run("content", "digest") == active.run("content", "digest")
    after = standby.run("status")
    for field in ("name", "hardware_id", "network", "licences", "mac"):
        assert after[field] == before[field]
    assert after["lineage"] == active.run("status")["lineage"]
    assert after["origin"]["network"] == active.run("status")["network"]
    assert after["origin"]["sha256"] == made.sha256
    assert not any(one["active"] for one in after["modules"])
    assert standby.box.network.applied[-1].addresses == (("198.18.7.20", 24),)


def test_the_module_hears_of_what_decides_its_part_and_not_of_every_fence(bench, sending):
    active, standby = bench.pair()
    module = standby.appliance.parts.module
    made = sending(active, standby, "1.1.1")
    assert module.changes == 0
    standby.run("import", "1.1.1", "--file", made["file"])
    assert module.changes == 2  # the lineage, then the content
    made = sending(active, standby, "1.2.1", "second-backup")
    standby.run("import", "1.2.1", "--file", made["file"])
    assert module.changes == 3  # only the content is another
    standby.run("takeover", "--operation", "s1", "--epoch", "2", *OTHER_NETWORK)
    assert module.changes == 4  # the epoch


@pytest.mark.covers("D8", "I3", "R44")
def test_deleted_objects_vanish_on_the_standby_too(bench, sending):
    active, standby = bench.pair()
    made = sending(active, standby, "1.1.1", "first-backup")
    standby.run("import", "1.1.1", "--file", made["file"])
    active.run("users", "remove", "1001")
    made = sending(active, standby, "1.2.1", "second-backup")
    standby.run("import", "1.2.1", "--file", made["file"])
    assert "users/1001" not in standby.run("content", "digest")["objects"]
    assert standby.run("status")["lineage"]["generation"] == 2


@pytest.mark.covers("R45", "D13", "I5")
def test_modules_come_back_as_they_were_on_the_active_but_redundanz_rests(bench, sending):
    active, standby = bench.pair()
    active.run("module", "put", "redundanz", "--active", stdin=b'{"licence_key": "x"}')
    active.run("module", "put", "fax2mail", stdin=b"{}")
    made = sending(active, standby, "1.1.1")
    standby.run("import", "1.1.1", "--file", made["file"])
    assert standby.run("module", "get", "redundanz") == {"values": {"licence_key": "x"}}
    activated = standby.run("modules", "activate")["modules"]
    assert activated == ["callcenter", "sprachmenue"]
    states = {one["name"]: one["active"] for one in standby.run("status")["modules"]}
    assert states == {
        "callcenter": True,
        "sprachmenue": True,
        "fax2mail": False,
        "redundanz": False,
    }


def test_repeated_import_of_a_token_gets_the_first_answer(bench, sending):
    active, standby = bench.pair()
    made = sending(active, standby, "1.1.1")
    first = standby.run("import", "1.1.1", "--file", made["file"])
    assert standby.run("import", "1.1.1", "--file", made["file"]) == first
    assert len(standby.box.happened("import.committed")) == 1


@pytest.mark.covers("D2", "T15")
def test_older_token_is_fenced(bench, sending):
    active, standby = bench.pair()
    made = sending(active, standby, "1.1.1")
    standby.run("fence", "1.1.2")
    assert standby.refusal("import", "1.1.1", "--file", made["file"]) == "fenced"
    assert standby.refusal("import", "1.1.2", "--file", made["file"]) == "no-such-file"


def receiving(size: int, sha256: str = "0" * 64) -> list[str]:
    """Return a receive of nothing in particular."""
    argv = ["receive", "1.1.1", "--file", "a.seal", "--seal-size", str(size)]
    return [*argv, "--size", str(size), "--sha256", sha256]


class EndlessStream:
    """Gives one piece, then waits as a stalled line does, until it is closed."""

    def __init__(self) -> None:
        self.reading = threading.Event()
        self.closed = threading.Event()
        self.given = False

    def read(self, _size: int = -1) -> bytes:
        if not self.given:
            self.given = True
            return b"x" * 10
        self.reading.set()
        assert self.closed.wait(10)
        raise ValueError("read of closed file")

    def close(self) -> None:
        self.closed.set()


@pytest.mark.covers("D2", "T15")
def test_waiting_receiver_ends_at_once_when_a_newer_token_comes(bench):
    _, standby = bench.pair()
    stream = EndlessStream()
    answers = []
    argv = receiving(1000)
    reader = threading.Thread(target=lambda: answers.append(standby.answer(*argv, stdin=stream)))
    reader.start()
    assert stream.reading.wait(10)
    assert standby.run("status")["busy"]["receiving"] == "1.1.1"
    standby.run("fence", "1.1.2")
    reader.join(10)
    assert answers[0]["error"]["code"] == "fenced"
    assert standby.run("status")["busy"]["receiving"] is None
    assert [cause for cause, _ in standby.box.happened("receive.failed")] == ["fenced"]


def test_cut_stream_leaves_nothing_and_says_how_far_it_came(bench):
    _, standby = bench.pair()
    argv = receiving(1000)
    answer = standby.answer(*argv, stdin=b"x" * 600)
    assert answer["error"]["code"] == "connection-lost"
    assert "600 of 1000" in answer["error"]["message"]
    assert standby.box.disk.list("incoming") == []
    assert standby.refusal("import", "1.1.1", "--file", "a.seal") == "no-such-file"


def test_armed_cut_stops_at_the_exact_byte_and_severs_the_connection(bench, packing):
    active, standby = bench.pair()
    shipment = packing(active, standby, "1.1.1")
    size = len(shipment.data)
    standby.faults.arm_cut(0.6, 1)
    stream = io.BytesIO(shipment.data)
    assert standby.refusal(*shipment.argv("1.1.1"), stdin=stream) == "connection-lost"
    assert stream.tell() == size * 6 // 10
    assert standby.box.happened("cut") == [("", {"byte": size * 6 // 10, "size": size})]
    Received.model_validate(standby.run(*shipment.argv("1.1.2"), stdin=shipment.data))


@pytest.mark.covers("T12")
@pytest.mark.parametrize("where", [100, -100])
def test_damaged_transfer_is_refused_by_its_checksum(bench, packing, where):
    active, standby = bench.pair()
    shipment = packing(active, standby, "1.1.1")
    data = bytearray(shipment.data)
    data[where] ^= 1
    assert standby.refusal(*shipment.argv("1.1.1"), stdin=bytes(data)) == "checksum"
    made = shipment.made
    assert standby.refusal("import", "1.1.1", "--file", made["file"]) == "no-such-file"


def test_seal_that_changed_after_it_arrived_is_not_imported(bench, sending):
    active, standby = bench.pair()
    made = sending(active, standby, "1.1.1")
    arrived = standby.path("blobs/wanted.seal")
    data = bytearray(arrived.read_bytes())
    data[100] ^= 1
    arrived.write_bytes(data)
    before = standby.run("content", "digest")
    assert standby.refusal("import", "1.1.1", "--file", made["file"]) == "checksum"
    assert standby.run("content", "digest") == before
    assert standby.box.disk.list("content") == ["000001.db", "000001.db-shm", "000001.db-wal"]


def test_other_version_is_refused_and_both_are_named(bench, sending):
    active, standby = bench.pair()
    facts = standby.appliance.parts.identity
    facts.change(lambda one: type(one).load(one.dump().replace("8.1.2.5", "8.1.2.6")))
    made = sending(active, standby, "1.1.1")
    answer = standby.answer("import", "1.1.1", "--file", made["file"])
    assert answer["error"]["code"] == "version"
    assert "8.1.2.5" in answer["error"]["message"]
    assert "8.1.2.6" in answer["error"]["message"]


@pytest.mark.covers("D14", "B8")
def test_isolated_former_active_cannot_push_its_state(bench, sending):
    active, standby = bench.pair()
    made = sending(active, standby, "1.1.1")
    standby.run("import", "1.1.1", "--file", made["file"])
    network = ["--address", "198.18.7.10", "--prefix", "24", "--gateway", "198.18.7.1"]
    standby.run("takeover", "--operation", "s1", "--epoch", "2", *network)
    assert standby.refusal("fence", "1.2.1") == "epoch"
    assert standby.refusal("fence", "2.2.1") == "not-standby"


@pytest.mark.covers("R40", "R44")
def test_initialise_takes_an_upload_once_and_never_on_the_active(bench):
    active, standby = bench.pair()
    made = active.run("backup", "create", "--operation", "full")
    data = Path(made["path"]).read_bytes()
    done = standby.run("initialise", "--size", str(len(data)), stdin=data)
    assert done["generation"] == 1
    assert standby.run("content", "digest") == active.run("content", "digest")
    assert active.refusal("initialise", "--size", str(len(data)), stdin=data) == "not-standby"


@pytest.mark.covers("F8")
@pytest.mark.parametrize(
    ("ahead", "outcome"), [(timedelta(hours=14), ""), (timedelta(days=2), "clock")]
)
def test_backup_from_the_future_is_refused_but_for_a_wrong_time_zone(
    bench, sending, ahead, outcome
):
    active, standby = bench.pair()
    active.box.calendar.set(active.box.calendar.now() + ahead)
    made = sending(active, standby, "1.1.1")
    answer = standby.answer("import", "1.1.1", "--file", made["file"])
    assert answer.get("error", {}).get("code", "") == outcome
    backup = active.run("backup", "create", "--operation", "b")
    data = active.path(f"backups/{backup['file']}").read_bytes()
    answer = standby.answer("initialise", "--size", str(len(data)), stdin=data)
    assert answer.get("error", {}).get("code", "") == outcome
