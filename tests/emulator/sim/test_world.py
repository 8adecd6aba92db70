"""The scheduler, the virtual Stopwatch, the served Calendar, and death."""

from datetime import UTC, datetime, timedelta

import pytest

from emulator.lab import LabError, NodeDown, TimeStands
from emulator.sim.life import Life, PowerLost
from emulator.sim.served import Served, SimCalendar, SimTimekeeper
from emulator.sim.world import World

START = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


class Bench:
    """Two lives in one world, and what they wrote down."""

    def __init__(self) -> None:
        self.world = World()
        self.served = Served(self.world, START)
        self.keeper = SimTimekeeper(self.world, self.served)
        self.lives = {name: Life(name) for name in ("pbx1", "pbx2")}
        self.said = []

    def calendar(self, node):
        return SimCalendar(self.world, self.served, self.lives[node])

    def start(self, node, body, name="task"):
        return self.world.start(self.lives[node], name, body)


@pytest.fixture
def bench():
    return Bench()


def sleeper(bench, name, *durations_s):
    def body():
        for duration_s in durations_s:
            bench.world.sleep(duration_s)
            bench.said.append((name, bench.world.now_s))

    return body


def waiter(bench, node, name, *minutes):
    calendar = bench.calendar(node)

    def body():
        for minute in minutes:
            calendar.wait(START + timedelta(minutes=minute), calendar.bell())
            bench.said.append((name, int((calendar.now() - START).total_seconds()) // 60))

    return body


def test_the_stopwatch_moves_only_from_wake_up_to_wake_up(bench):
    bench.start("pbx1", sleeper(bench, "a", 0.5, 0.5))
    bench.start("pbx2", sleeper(bench, "b", 0.7))
    bench.world.quiet()
    assert bench.said == [("a", 0.5), ("b", 0.7), ("a", 1.0)]
    assert bench.keeper.now() == START


def test_tasks_take_turns_in_order(bench):
    for name in "abc":
        bench.start("pbx1", sleeper(bench, name, 0, 0))
    bench.world.quiet()
    assert "".join(name for name, _ in bench.said) == "abcabc"


def test_the_calendar_stands_while_a_task_waits_on_the_stopwatch(bench):
    bench.start("pbx1", sleeper(bench, "slept", 30))
    bench.start("pbx2", waiter(bench, "pbx2", "waited", 1))
    bench.keeper.advance(START + timedelta(minutes=5))
    assert [name for name, _ in bench.said] == ["slept", "waited"]
    assert bench.keeper.now() == START + timedelta(minutes=5)


def test_advance_releases_by_deadline_then_node_then_order(bench):
    bench.start("pbx2", waiter(bench, "pbx2", "pbx2", 1))
    bench.start("pbx1", waiter(bench, "pbx1", "first", 1))
    bench.start("pbx1", waiter(bench, "pbx1", "second", 1))
    bench.start("pbx2", waiter(bench, "pbx2", "early", 0.5))
    bench.keeper.advance(START + timedelta(minutes=2))
    assert [name for name, _ in bench.said] == ["early", "first", "second", "pbx2"]


def test_the_condition_is_looked_at_before_each_release(bench):
    bench.start("pbx1", waiter(bench, "pbx1", "w", 1, 2, 3))
    assert bench.keeper.advance(START + timedelta(hours=1), lambda: len(bench.said) == 2)
    assert bench.said == [("w", 1), ("w", 2)]
    assert bench.keeper.now() == START + timedelta(minutes=2)


def test_advance_says_when_the_condition_never_held(bench):
    assert not bench.keeper.advance(START + timedelta(minutes=1), lambda: False)
    assert bench.keeper.now() == START + timedelta(minutes=1)


def test_a_wait_for_the_past_returns_at_once(bench):
    bench.start("pbx1", waiter(bench, "pbx1", "w", -1))
    bench.keeper.settle()
    assert bench.said == [("w", 0)]


def test_a_bell_wakes_its_waiter_and_an_early_ring_is_remembered_once(bench):
    calendar = bench.calendar("pbx1")
    bell = calendar.bell()

    def body():
        for minutes in (1, 2, 3):
            bench.said.append(calendar.wait(START + timedelta(minutes=minutes), bell))

    bell.ring()
    bell.ring()
    bench.start("pbx1", body)
    bench.keeper.settle()
    assert bench.said == [False]
    bell.ring()
    bench.keeper.settle()
    assert bench.said == [False, False]
    bench.keeper.advance(START + timedelta(hours=1))
    assert bench.said == [False, False, True]


def test_call_returns_the_result_while_others_go_on(bench):
    bench.start("pbx2", sleeper(bench, "b", 0.1, 10))

    def body():
        bench.world.sleep(1)
        return "answer"

    assert bench.world.call(bench.lives["pbx1"], "ctl", body) == "answer"
    assert bench.said == [("b", 0.1)]
    assert bench.world.now_s == 1.0


def test_call_raises_what_the_body_raised(bench):
    def body():
        raise KeyError("x")

    with pytest.raises(KeyError):
        bench.world.call(bench.lives["pbx1"], "ctl", body)


def test_an_error_that_nobody_awaits_breaks_the_lab_by_name(bench):
    def body():
        raise KeyError("x")

    bench.start("pbx1", body, "engine")
    with pytest.raises(LabError, match=r"pbx1/engine ended by KeyError\('x'\)"):
        bench.world.quiet()


def test_a_call_that_waits_for_nothing_names_who_and_why(bench):
    calendar = bench.calendar("pbx1")

    def body():
        with calendar.hold("a click"):
            calendar.wait(None, calendar.bell())

    with pytest.raises(TimeStands, match=r"pbx1/ctl \(a click\) waits for a bell"):
        bench.world.call(bench.lives["pbx1"], "ctl", body)


def test_a_task_that_never_rests_is_found(bench):
    def body():
        while True:
            bench.world.sleep(0)

    bench.start("pbx1", body, "spinning")
    with pytest.raises(TimeStands, match="pbx1/spinning"):
        bench.world.quiet()


def test_a_task_that_sleeps_for_ever_in_pieces_is_found(bench):
    def body():
        while True:
            bench.world.sleep(100)

    bench.start("pbx1", body, "watching")
    with pytest.raises(TimeStands, match="pbx1/watching"):
        bench.world.quiet()


def test_a_task_that_waits_for_the_past_for_ever_is_found(bench):
    calendar = bench.calendar("pbx1")

    def body():
        while True:
            calendar.wait(START, calendar.bell())

    bench.start("pbx1", body, "late")
    with pytest.raises(TimeStands, match="pbx1/late"):
        bench.keeper.advance(START + timedelta(minutes=1))


def test_a_dead_node_never_acts_again(bench):
    calendar = bench.calendar("pbx1")

    def body():
        try:
            bench.world.sleep(1)
        finally:
            bench.said.append("clean-up began")
            calendar.now()
            bench.said.append("clean-up acted")

    bench.start("pbx1", body)
    bench.start("pbx1", waiter(bench, "pbx1", "waited", 1))
    bench.start("pbx1", sleeper(bench, "never started", 1))
    bench.world.pause(0.5)
    bench.world.end(bench.lives["pbx1"])
    bench.keeper.advance(START + timedelta(hours=1))
    assert bench.said == ["clean-up began"]
    assert bench.world.now_s == 0.5


def test_a_node_may_be_killed_by_a_task_of_another(bench):
    def body():
        bench.world.sleep(0.5)
        bench.world.end(bench.lives["pbx1"])
        bench.said.append("went on")

    bench.start("pbx1", sleeper(bench, "victim", 1))
    bench.start("pbx2", body)
    bench.world.quiet()
    assert bench.said == ["went on"]


def test_a_node_may_end_itself(bench):
    def body():
        bench.world.end(bench.lives["pbx1"])
        bench.said.append("went on")

    bench.start("pbx1", body)
    bench.start("pbx1", sleeper(bench, "other", 1))
    bench.world.quiet()
    assert bench.said == []


def test_a_call_into_a_node_that_dies_says_so(bench):
    bench.world.later(0.5, lambda: bench.world.end(bench.lives["pbx1"]))
    with pytest.raises(NodeDown, match="pbx1 died during ctl"):
        bench.world.call(bench.lives["pbx1"], "ctl", sleeper(bench, "a", 1))
    with pytest.raises(NodeDown, match="pbx1 is off"):
        bench.world.call(bench.lives["pbx1"], "ctl", sleeper(bench, "a", 1))


def test_nothing_of_a_dead_node_can_be_started(bench):
    bench.world.end(bench.lives["pbx1"])
    with pytest.raises(PowerLost):
        bench.start("pbx1", sleeper(bench, "a", 1))


def test_the_runner_itself_cannot_wait_as_a_node(bench):
    with pytest.raises(LabError, match="outside"):
        bench.world.sleep(1)
