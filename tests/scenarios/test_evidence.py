"""The folder of a run."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from histories import STATIONS, failover_frames, failover_history, failover_record, logs, pcap

from emulator.lab import MailRecord
from scenarios.checkers import judge
from scenarios.cli.trouble import explain
from scenarios.evidence import LARGEST, NotARun, RunFolder, load, sealed_files
from scenarios.narration import Silence
from scenarios.runner import judged
from scenarios.verdict import Verdict

RAW = b"Message-ID: <1@lab>\r\nTo: a@lab.test\r\n\r\nplease restart\r\n"


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    sound = failover_record()
    made = RunFolder.make(tmp_path / "failover" / "first")
    made.write_plan(sound.plan)
    made.write_history(sound.events)
    made.write_stations(STATIONS)
    made.write_clients(sound.observed, sound.pings, sound.telephones, sound.crowd)
    made.write_pcap(pcap(failover_frames()))
    made.write_mails([MailRecord(**vars(mail), raw=RAW) for mail in sound.mails])
    for name, text in logs(sound.events).items():
        made.write_node_log(name.split("/")[1], "events.jsonl", text.encode())
    made.scan(["never-in-evidence"])
    made.seal()
    return made


def test_a_stored_run_is_read_as_it_was(folder: RunFolder) -> None:
    stored, sound = load(folder.path), failover_record()

    assert stored.plan == sound.plan
    assert stored.events == sound.events
    assert stored.stations == sound.stations
    assert stored.mails == sound.mails
    assert stored.pings == sound.pings
    assert stored.frames == sound.frames


def test_a_stored_run_is_judged_as_the_live_one(folder: RunFolder) -> None:
    live = {name: one.verdict for name, one in judge(failover_record()).items()}

    again = judged(folder.path, Silence())

    assert {name: one.verdict for name, one in again.judgements.items()} == live
    assert again.verdict is Verdict.PASSED
    assert again.row()["outage_s"] == pytest.approx(10.35)
    assert (folder.path / "summary.json").is_file()


def test_a_secret_that_slipped_in_is_found_and_not_repeated(folder: RunFolder) -> None:
    folder.write_node_log("pbx2", "events.jsonl", b"password hunter2-hunter2 refused\n")

    scan = folder.scan(["hunter2-hunter2"])

    assert scan.found == ("nodes/pbx2/events.jsonl",)
    assert "hunter2" not in (folder.path / "scan.json").read_text()
    folder.seal()
    assert judged(folder.path, Silence()).verdict is Verdict.FAILED


def test_files_can_be_read_and_not_executed(folder: RunFolder) -> None:
    modes = {path.stat().st_mode & 0o777 for path in folder.path.rglob("*") if path.is_file()}

    assert modes == {0o644}


def test_latest_names_the_newest_run(folder: RunFolder) -> None:
    folder.point_latest()
    RunFolder.make(folder.path.parent / "second").point_latest()

    assert (folder.path.parent / "latest").resolve() == folder.path.parent / "second"


@pytest.mark.parametrize("name", ["plan.yaml", "events.jsonl", "clients.json", "wire.pcap"])
def test_a_missing_file_is_named(folder: RunFolder, name: str) -> None:
    (folder.path / name).unlink()

    with pytest.raises(NotARun, match=f"{name}: missing"):
        load(folder.path)


@pytest.mark.parametrize(
    ("name", "text"), [("events.jsonl", "{"), ("wire.pcap", "hello"), ("seal.json", "[]")]
)
def test_a_broken_file_is_no_traceback(folder: RunFolder, name: str, text: str) -> None:
    (folder.path / name).write_text(text)

    with pytest.raises(NotARun, match="broken"):
        load(folder.path)


@pytest.mark.parametrize("name", ["events.jsonl", "wire.pcap", "nodes/pbx1/events.jsonl"])
def test_a_file_that_was_changed_since_is_named(folder: RunFolder, name: str) -> None:
    path = folder.path / name
    path.write_bytes(path.read_bytes()[:-1] + b" ")

    again = judged(folder.path, Silence())

    assert again.verdict is not Verdict.PASSED
    assert again.judgements["evidence-intact"].evidence == (f"{name} is not as the run wrote it",)


def told(path: Path) -> tuple[str, int]:
    """What `verify` says of a folder, and its exit code."""
    try:
        again = judged(path, Silence())
    except (NotARun, OSError) as error:
        return explain(error)
    codes = {Verdict.PASSED: 0, Verdict.FAILED: 1, Verdict.INCONCLUSIVE: 3}
    return " ".join(again.judgements["evidence-intact"].evidence), codes[again.verdict]


def test_one_bit_of_any_sealed_file_is_noticed_and_nothing_is_judged_by_it(
    folder: RunFolder,
) -> None:
    for name in sealed_files(folder.path):
        path = folder.path / name
        content = path.read_bytes()
        for place in (0, len(content) // 2, len(content) - 1):
            path.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
            line, code = told(folder.path)
            assert name in line
            assert code == 3, (name, place, line)
        path.write_bytes(content)

    assert told(folder.path)[1] == 0


def _pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def _link(path: Path) -> None:
    path.unlink()
    path.symlink_to("/etc/hostname")


def _folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def _vast(path: Path) -> None:
    os.truncate(path, LARGEST + 1)


def _deep(path: Path) -> None:
    path.write_text("[" * 100_000)


@pytest.mark.parametrize("name", ["plan.yaml", "events.jsonl", "clients.json"])
@pytest.mark.parametrize("spoil", [_pipe, _link, _folder, _vast, _deep])
def test_a_hostile_folder_is_refused_in_one_line_and_at_once(
    folder: RunFolder, name: str, spoil: Callable[[Path], None]
) -> None:
    spoil(folder.path / name)

    line, code = told(folder.path)

    assert name in line or "MiB" in line
    assert code in {2, 3, 4}
    assert "\n" not in line


@pytest.mark.parametrize("spoil", [_pipe, _link, _folder])
def test_a_report_is_written_through_no_link(
    folder: RunFolder, spoil: Callable[[Path], None]
) -> None:
    told(folder.path)
    spoil(folder.path / "report.html")

    line, code = told(folder.path)

    assert "report.html" in line
    assert code in {2, 4}


def test_a_file_that_was_added_since_is_named(folder: RunFolder) -> None:
    (folder.path / "mails" / "0009.eml").write_bytes(RAW)

    (line,) = judged(folder.path, Silence()).judgements["evidence-intact"].evidence

    assert line.startswith("mails/0009.eml")


def test_a_run_that_was_never_sealed_is_inconclusive(folder: RunFolder) -> None:
    (folder.path / "seal.json").unlink()

    assert judged(folder.path, Silence()).verdict is Verdict.INCONCLUSIVE


def test_a_page_may_hold_any_sign(folder: RunFolder) -> None:
    write = failover_history()
    write.read(90, "pbx2", "click", "page", {"status": 200, "text": "a\u2028b\x85c"})

    folder.write_history(write.rows)

    assert load(folder.path).events == tuple(write.rows)
