"""The close watch: silence is proved without a gap (D9)."""

from __future__ import annotations

import pytest

from redundancy.fakes.addresses import FakeAddresses
from redundancy.fakes.time import FakeStopwatch
from redundancy.watch import OPEN_FOR_S, PROBE_S, SILENCE_NEEDED_S, CloseWatch

ADDRESS, MAC = "198.18.0.10", "02:00:00:00:00:10"


@pytest.fixture
def watch() -> CloseWatch:
    stopwatch = FakeStopwatch()
    return CloseWatch(FakeAddresses(stopwatch), stopwatch)


def addresses(watch: CloseWatch) -> FakeAddresses:
    assert isinstance(watch.addresses, FakeAddresses)
    return watch.addresses


def look_for(watch: CloseWatch, duration_s: float) -> None:
    watch.look(ADDRESS)
    until_s = watch.stopwatch.now_s() + duration_s
    while watch.stopwatch.now_s() < until_s:
        watch.probe()


@pytest.mark.covers("R50", "D9")
def test_an_early_click_waits_for_the_rest_of_the_silence(watch: CloseWatch) -> None:
    look_for(watch, 1.0)
    clicked_s = watch.stopwatch.now_s()
    assert watch.prove_silence() == frozenset()
    waited_s = watch.stopwatch.now_s() - clicked_s
    assert waited_s == pytest.approx(SILENCE_NEEDED_S - 1.0)


def test_a_click_after_five_seconds_needs_one_last_probe(watch: CloseWatch) -> None:
    look_for(watch, 5.0)
    clicked_s = watch.stopwatch.now_s()
    assert watch.prove_silence() == frozenset()
    assert watch.stopwatch.now_s() - clicked_s == pytest.approx(PROBE_S)


def test_an_answer_is_final_at_once_and_names_the_mac(watch: CloseWatch) -> None:
    addresses(watch).answer(ADDRESS, MAC)
    watch.look(ADDRESS)
    assert watch.prove_silence() == frozenset({MAC})
    assert watch.silent_s == 0


def test_an_answer_in_between_starts_the_silence_anew(watch: CloseWatch) -> None:
    addresses(watch).answer(ADDRESS, MAC, from_s=2.0, until_s=2.1)
    look_for(watch, 2.5)
    assert watch.silent_s < 0.5


def test_time_in_which_nobody_listened_is_no_silence(watch: CloseWatch) -> None:
    look_for(watch, 2.0)
    watch.stopwatch.sleep(10.0)
    watch.look(ADDRESS)
    watch.probe()
    assert watch.silent_s == pytest.approx(PROBE_S)


@pytest.mark.covers("D9", "R6")
def test_a_look_at_the_own_box_before_the_last_probe_costs_no_silence(watch: CloseWatch) -> None:
    look_for(watch, 5.0)
    watch.stopwatch.sleep(2 * PROBE_S)
    clicked_s = watch.stopwatch.now_s()
    assert watch.prove_silence() == frozenset()
    assert watch.stopwatch.now_s() - clicked_s == pytest.approx(PROBE_S)


def test_who_came_back_during_such_a_pause_answers_the_last_probe(watch: CloseWatch) -> None:
    look_for(watch, 5.0)
    watch.stopwatch.sleep(2 * PROBE_S)
    addresses(watch).answer(ADDRESS, MAC, from_s=watch.stopwatch.now_s() - PROBE_S)
    assert watch.prove_silence() == frozenset({MAC})


def test_a_second_in_which_nobody_listened_starts_the_silence_anew(watch: CloseWatch) -> None:
    look_for(watch, 2.0)
    watch.stopwatch.sleep(4 * PROBE_S)
    watch.probe()
    assert watch.silent_s == pytest.approx(PROBE_S)


def test_the_watch_ends_after_a_minute_and_with_a_decision(watch: CloseWatch) -> None:
    watch.look(ADDRESS)
    watch.stopwatch.sleep(OPEN_FOR_S - 1)
    assert watch.open
    watch.stopwatch.sleep(2)
    assert not watch.open
    watch.look(ADDRESS)
    watch.close()
    assert not watch.open


def test_another_address_is_another_silence(watch: CloseWatch) -> None:
    look_for(watch, 5.0)
    watch.look("198.18.0.99")
    assert watch.silent_s == 0


@pytest.mark.parametrize("started_s", [0.0, 1.100668, 1.100746, 8126.3])
def test_the_silence_that_is_needed_depends_on_no_rounding(
    watch: CloseWatch, started_s: float
) -> None:
    watch.stopwatch.sleep(started_s)
    watch.look(ADDRESS)
    watch.prove_silence()
    assert watch.stopwatch.now_s() - started_s == pytest.approx(SILENCE_NEEDED_S)
