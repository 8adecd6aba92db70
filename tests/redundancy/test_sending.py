"""What goes over the wire, what is measured, and what a cut means."""

from __future__ import annotations

from typing import Any

import pytest
from pair import BLOBS, SEAL, missing, sha256, snapshot

from redundancy.client import Appliance
from redundancy.contract import Snapshot, Token
from redundancy.errors import ConnectionLost, Damaged, DefiniteError, IndefiniteError
from redundancy.fakes.services import FakeServices
from redundancy.sending import FRAME, Progress, Sending, Transfer

TOKEN = Token(1, 1, 1)
BIG = b"0123456789abcdef" * 200_000


class Rig:
    """A sender, and a standby that lacks what a test says."""

    def __init__(self, *lacking: dict[str, Any]) -> None:
        self.services = FakeServices()
        self.reports: list[Transfer] = []
        files = self.services.store.files
        files["/snapshots/full.seal"] = SEAL
        files |= {f"/blobs/{sha256(one)[:2]}/{sha256(one)}": one for one in (*BLOBS, BIG)}
        self.services.remote.answer("offer", {"missing": list(lacking)})
        self.services.remote.answer("receive", {"file": "full.seal", "size": 1, "sha256": "ab"})

    def progress(self, size: int) -> Progress:
        return Progress(size, self.services.stopwatch, self.reports.append)

    def send(self) -> None:
        standby = Appliance(self.services.remote)
        sending = Sending(self.services.store, standby, 60.0, self.progress)
        sending.send(TOKEN, Snapshot.model_validate(snapshot()))

    def sent(self) -> bytes:
        (call,) = [one for one in self.services.remote.calls if one.argv[0] == "receive"]
        return call.payload


def test_nothing_but_the_seal_goes_when_nothing_is_missing() -> None:
    rig = Rig()
    rig.send()
    assert rig.sent() == SEAL


def test_missing_files_follow_the_seal_in_the_order_of_the_offer() -> None:
    rig = Rig(*(missing(one) for one in reversed(BLOBS)))
    rig.send()
    frames = [FRAME.pack(bytes.fromhex(sha256(one)), 0) + one for one in reversed(BLOBS)]
    assert rig.sent() == SEAL + b"".join(frames)


def test_a_file_that_was_begun_goes_on_where_it_ended() -> None:
    begun = BIG[:1_000_000]
    rig = Rig(missing(BIG, offset=len(begun), begun_sha256=sha256(begun)))
    rig.send()
    frame = FRAME.pack(bytes.fromhex(sha256(BIG)), len(begun))
    assert rig.sent() == SEAL + frame + BIG[len(begun) :]


@pytest.mark.parametrize("offset", [1_000_000, len(BIG), len(BIG) + 1, -1])
@pytest.mark.covers("D2")
def test_what_is_no_beginning_of_our_file_is_sent_anew(offset: int) -> None:
    rig = Rig(missing(BIG, offset=offset, begun_sha256=sha256(b"something else")))
    rig.send()
    assert rig.sent() == SEAL + FRAME.pack(bytes.fromhex(sha256(BIG)), 0) + BIG


def test_a_receive_whose_answer_was_lost_is_definite_for_it_had_no_effect() -> None:
    rig = Rig()
    rig.services.remote.answer("receive", IndefiniteError("gone"))
    with pytest.raises(ConnectionLost):
        rig.send()


def test_a_file_that_cannot_be_read_here_is_named_as_such() -> None:
    rig = Rig(missing(b"nobody has this"))
    with pytest.raises(DefiniteError, match="cannot be read on this appliance"):
        rig.send()


@pytest.mark.covers("T12")
@pytest.mark.parametrize("offset", [0, 1_000_000])
def test_a_file_that_has_rotted_here_is_never_sent_whole(offset: int) -> None:
    begun = BIG[:offset]
    rig = Rig(missing(BIG, offset=offset, begun_sha256=sha256(begun)))
    path = f"/blobs/{sha256(BIG)[:2]}/{sha256(BIG)}"
    rig.services.store.files[path] = BIG[:-1] + b"?"
    with pytest.raises(Damaged, match=sha256(BIG)):
        rig.send()


def test_progress_tells_bytes_rate_and_remaining_time() -> None:
    rig = Rig()
    counter = rig.progress(10_000)
    for sent in range(0, 5_000, 1_000):
        counter.moved(sent)
        rig.services.stopwatch.sleep(1)
    assert counter.transfer() == Transfer(4_000, 10_000, 800.0, 7.5)


def test_the_rate_is_that_of_the_last_ten_seconds() -> None:
    rig = Rig()
    counter = rig.progress(10**9)
    counter.moved(0)
    rig.services.stopwatch.sleep(1)
    for step in range(30):
        counter.moved(10**8 + step * 1_000)
        rig.services.stopwatch.sleep(1)
    rate = counter.transfer().rate
    assert rate is not None
    assert rate < 1_001


def test_progress_is_reported_at_the_start_at_the_end_and_now_and_then() -> None:
    rig = Rig()
    counter = rig.progress(100)
    for sent in range(101):
        counter.moved(sent)
        rig.services.stopwatch.sleep(0.5)
    assert [one.sent for one in rig.reports] == [0, 20, 40, 60, 80, 100]


def test_before_anything_moved_no_rate_is_claimed() -> None:
    assert Rig().progress(100).transfer() == Transfer(0, 100, None, None)
