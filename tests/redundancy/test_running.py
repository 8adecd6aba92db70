"""A run carried out through the fakes: what goes over the channels, what is journalled."""

from __future__ import annotations

from datetime import timedelta

import pytest
from pair import BLOBS, SEAL, Pair, commands, configuration, origin, sha256, status

from redundancy import run, run_messages
from redundancy.errors import ConnectionLost, IndefiniteError
from redundancy.running import Running

CUT = ConnectionLost("reset by peer")


@pytest.fixture
def pair() -> Pair:
    return Pair("pbx1")


def begin(pair: Pair, attempts_max: int = 3) -> run.State:
    def wait(duration: timedelta) -> None:
        calendar = pair.services.calendar
        assert not calendar.rest(duration, calendar.bell())

    running = Running(pair.services, pair.journal, pair.settings, pair.desk, wait)
    return running.drive(
        run_messages.Started(1, 1, attempts_max, after_failure=False, reason="scheduled")
    )


@pytest.mark.covers("D2", "T15")
def test_a_healthy_run_fences_sends_and_imports_once(pair: Pair) -> None:
    assert begin(pair).phase == "succeeded"
    remote = pair.services.remote
    assert commands(remote.commands()) == ["fence", "offer", "receive", "import"]
    sent = next(one for one in remote.calls if one.argv[0] == "receive")
    frames = [bytes.fromhex(sha256(one)) + bytes(8) + one for one in BLOBS]
    assert sent.payload == SEAL + b"".join(frames)
    assert "snapshot release full.seal" in pair.services.local.commands()
    assert pair.mails() == []


@pytest.mark.covers("R24", "D1", "T1")
def test_a_cut_attempt_is_followed_by_another_after_five_minutes(pair: Pair) -> None:
    pair.services.remote.answer(
        "status", status("pbx2"), status("pbx2"), status("pbx2", origin=origin(4))
    )
    pair.services.remote.fail("receive", CUT, after_bytes=600)
    assert begin(pair).phase == "succeeded"
    assert pair.services.calendar.rests == [timedelta(minutes=5)]
    tokens = [one.argv[1] for one in pair.services.remote.calls if one.argv[0] == "receive"]
    assert tokens == ["1.1.1", "1.1.2"]


@pytest.mark.covers("R26", "R27", "D5", "T3")
def test_the_mail_of_a_failed_run_lists_every_attempt_and_its_cause(pair: Pair) -> None:
    pair.services.remote.answer("fence", CUT)
    pair.services.remote.answer("status", status("pbx2"))
    assert begin(pair, 2).phase == "failed"
    (mail,) = pair.mails()
    assert mail["recipient"] == "admin@example.com"
    assert mail["body"].count("connection-lost") == 2


@pytest.mark.covers("R26", "M2")
def test_no_mail_is_sent_when_mails_are_off(pair: Pair) -> None:
    pair.settings = configuration(send_mails=False, mail_address="")
    pair.services.remote.answer("fence", CUT)
    pair.services.remote.answer("status", status("pbx2"))
    assert begin(pair, 1).phase == "failed"
    assert pair.mails() == []


@pytest.mark.covers("D2", "T13")
def test_an_import_whose_answer_was_lost_counts_when_it_is_read_back(pair: Pair) -> None:
    pair.services.remote.answer("import", IndefiniteError("gone"))
    assert begin(pair).phase == "succeeded"
    assert commands(pair.services.remote.commands()).count("import") == 1


@pytest.mark.covers("R7", "D4", "V1")
def test_a_version_mismatch_refuses_before_a_byte_is_sent(pair: Pair) -> None:
    pair.services.remote.answer("status", status("pbx2", version="8.1.2.4"))
    assert begin(pair).phase == "refused"
    assert commands(pair.services.remote.commands()) == []
    assert "version-mismatch" in pair.mails()[0]["body"]


@pytest.mark.covers("R35", "D15", "T7")
def test_a_wrong_password_ends_the_run_and_stands_nowhere(pair: Pair) -> None:
    pair.services.transport.password = "another"
    assert begin(pair).phase == "failed"
    written = "\n".join(pair.services.store.lines("journal.jsonl"))
    assert "authentication-failed" in written
    assert "s3cret" not in written + str(pair.services.reports) + str(pair.mails())
