"""The fakes of time, without which no machine's test could be trusted."""

from __future__ import annotations

from datetime import timedelta

import pytest

from redundancy.fakes import FakeCalendar, FakeServices


def test_wait_moves_time_to_its_end() -> None:
    calendar = FakeCalendar()
    until = calendar.now() + timedelta(minutes=5)
    assert calendar.wait(until, calendar.bell())
    assert (calendar.now(), calendar.waits) == (until, [until])


def test_a_past_deadline_does_not_move_time_back() -> None:
    calendar = FakeCalendar()
    start = calendar.now()
    assert calendar.wait(start - timedelta(hours=1), calendar.bell())
    assert calendar.now() == start


def test_bell_rung_early_is_remembered_once() -> None:
    calendar = FakeCalendar()
    bell, until = calendar.bell(), calendar.now() + timedelta(hours=1)
    bell.ring()
    assert not calendar.wait(until, bell)
    assert calendar.wait(until, bell)


def test_bell_of_another_waiter_does_not_wake() -> None:
    calendar = FakeCalendar()
    calendar.bell().ring()
    assert calendar.wait(calendar.now() + timedelta(hours=1), calendar.bell())


def test_what_rings_on_the_way_ends_the_wait_there() -> None:
    calendar = FakeCalendar()
    bell, start = calendar.bell(), calendar.now()
    calendar.at(start + timedelta(minutes=2), bell.ring)
    assert not calendar.wait(None, bell)
    assert calendar.now() == start + timedelta(minutes=2)


def test_wait_that_nothing_can_end_is_an_error() -> None:
    calendar = FakeCalendar()
    with pytest.raises(RuntimeError):
        calendar.wait(None, calendar.bell())


def test_services_share_one_stopwatch() -> None:
    services = FakeServices()
    services.addresses.probe("198.18.0.10", 0.25)
    assert services.stopwatch.now_s() == 0.25
