"""The runner: phases in order, everything recorded, teardown always."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any

import pytest
from drills import Maker, Wrapped, order, small

from emulator.lab import Lab, LabError, NodeDown
from scenarios.evidence import RunFolder, load
from scenarios.loading import find, read
from scenarios.narration import Lines, Silence
from scenarios.runner import run
from scenarios.verdict import Verdict


def tripping(error: BaseException) -> Maker:
    """A maker whose labs break as soon as somebody waits."""

    def wrap(lab: Lab) -> Any:
        def pause(_duration_s: float) -> None:
            raise error

        return Wrapped(lab, pause=pause)

    return Maker(wrap)


def is_down(maker: Maker) -> bool:
    try:
        maker.made[0].appliance("pbx1").ctl(["status"])
    except NodeDown:
        return True
    return False


def test_the_phases_come_in_their_order(tmp_path: Path) -> None:
    outcome = run(order(small(), tmp_path / "run"), Silence())

    phases = [event.cause for event in outcome.record.select("runner", "phase")]
    assert phases == ["steady state", "steps", "heal", "quiet", "final reads"]


def test_the_lab_is_down_afterwards(tmp_path: Path) -> None:
    maker = Maker()

    run(order(small(), tmp_path / "run", maker), Silence())

    assert is_down(maker)


def test_an_expectation_that_does_not_hold_fails_the_drill(tmp_path: Path) -> None:
    wrong = small("power off: pbx2", "power off: pbx1")

    outcome = run(order(wrong, tmp_path / "run"), Silence())

    assert outcome.verdict is Verdict.FAILED
    assert "answered by nobody" in outcome.judgements["expectations"].evidence[0]


@pytest.mark.parametrize("error", [LabError("the switch burnt down"), KeyboardInterrupt()])
def test_a_lab_that_breaks_is_taken_down_and_its_history_kept(
    error: BaseException, tmp_path: Path
) -> None:
    maker = tripping(error)

    with pytest.raises(type(error)):
        run(order(small(), tmp_path / "run", maker), Silence())

    assert is_down(maker)
    assert [event.event for event in load(tmp_path / "run").select("runner", "step")] == ["step"]


def test_a_lab_whose_evidence_finds_no_room_is_taken_down(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def write_plan(_self: RunFolder, _plan: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(RunFolder, "write_plan", write_plan)
    maker = Maker()

    with pytest.raises(OSError, match="No space left"):
        run(order(small(), tmp_path / "run", maker), Silence())

    assert is_down(maker)


def test_a_lab_that_cannot_be_made_leaves_no_folder(tmp_path: Path) -> None:
    def refuse(_lab: Lab) -> Any:
        raise LabError("no room")

    with pytest.raises(LabError, match="no room"):
        run(order(small(), tmp_path / "runs" / "small" / "run", Maker(refuse)), Silence())

    assert not (tmp_path / "runs").exists()


def test_a_step_that_is_declined_fails_the_drill_and_skips_the_rest(tmp_path: Path) -> None:
    unready = small("wait: 1 s", "run now: pbx2")

    outcome = run(order(unready, tmp_path / "run"), Silence())

    assert outcome.verdict is Verdict.FAILED
    assert len(list(outcome.record.select("runner", "step"))) == 1
    assert not list(outcome.record.select("runner", "fault"))


def test_what_happens_is_told_line_by_line(tmp_path: Path) -> None:
    lines: list[str] = []

    run(order(small(), tmp_path / "run"), Lines(lines.append, lambda: 0.0))

    assert any(line.startswith("   ok") and "power off pbx2" in line for line in lines)
    assert lines.index("-- steady state") < lines.index("-- steps") < lines.index("-- teardown")


def test_two_runs_of_one_seed_are_the_same_to_the_byte(tmp_path: Path) -> None:
    for name in ("one", "two"):
        run(order(small(), tmp_path / name), Silence())

    for file in ("events.jsonl", "wire.pcap", "clients.json", "stations.json"):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()


@pytest.mark.covers("F6")
def test_a_click_that_should_find_no_answer_fails_where_it_finds_one(tmp_path: Path) -> None:
    text = find("power-fails-committed").read_text()
    steps = "  - when: {on: pbx2, event: takeover.committed, do: {power off: pbx2}}\n"
    assert steps in text
    alive = text.replace(steps, "").replace("  - power on: pbx2\n", "")

    outcome = run(order(read(alive, "alive.yaml"), tmp_path / "run"), Silence())

    evidence = outcome.judgements["expectations"].evidence
    assert "the click on pbx2 was answered: 200" in evidence


@pytest.mark.covers("F10")
def test_a_moment_that_does_not_come_is_waited_for_no_longer_than_said(tmp_path: Path) -> None:
    early = read(
        find("power-fails-settled")
        .read_text()
        .replace("  - switch over: pbx2\n  - await faults: 60 s\n", "  - await faults: 2 s\n"),
        "early",
    )

    with pytest.raises(LabError, match="power-off has not begun within 2 s"):
        run(order(early, tmp_path / "run"), Silence())


def test_an_intrusion_that_is_not_refused_fails_the_drill(tmp_path: Path) -> None:
    text = find("without-the-right").read_text()
    lax = text.replace("logs in: as user", "logs in: as administrator")
    assert lax != text

    outcome = run(order(read(lax, "lax.yaml"), tmp_path / "run"), Silence())

    told = outcome.judgements["expectations"].evidence
    assert "a switchover by clerk was answered 200" in told


@pytest.mark.covers("B4")
def test_a_restore_that_should_be_refused_fails_where_it_is_carried_out(tmp_path: Path) -> None:
    text = find("restore-fails").read_text()
    full = "  - fill disk: {on: pbx1, leaving: 10 kB, as: full}\n"
    assert full in text
    roomy = text.replace(full, "").replace("  - heal: full\n", "")

    outcome = run(order(read(roomy, "roomy.yaml"), tmp_path / "run"), Silence())

    assert "restore on pbx1 was carried out" in outcome.judgements["expectations"].evidence
