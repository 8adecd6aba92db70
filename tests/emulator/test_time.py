"""The served Calendar and its timekeeper: many threads, two processes' worth, one order."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from emulator.clock import RealCalendar, ServedCalendar
from emulator.lab import TimeStands
from emulator.timekeeper import RealTimekeeper, ServedTimekeeper

START = datetime(2026, 3, 2, 8, tzinfo=UTC)
LIMIT_S = 10.0


def after(**span: float) -> datetime:
    return START + timedelta(**span)


@dataclass
class Node:
    """One process: its messages travel through queues, as through its pipe."""

    name: str
    timekeeper: ServedTimekeeper
    up: queue.Queue[Callable[[], None] | None] = field(default_factory=queue.Queue)
    down: queue.Queue[Callable[[], None] | None] = field(default_factory=queue.Queue)

    def __post_init__(self) -> None:
        now = self.timekeeper.join(self.name, self._release)
        self.calendar = ServedCalendar(self, now)
        for pipe in (self.up, self.down):
            threading.Thread(target=self._carry, args=(pipe,), daemon=True).start()

    def hold(self, sequence: int, why: str) -> None:
        self.up.put(lambda: self._grant(sequence, self.timekeeper.hold(self.name, why)))

    def idle(self, until: datetime | None) -> None:
        self.up.put(lambda: self.timekeeper.idle(self.name, until))

    def _grant(self, sequence: int, now: datetime) -> None:
        self.down.put(lambda: self.calendar.granted(sequence, now))

    def _release(self, now: datetime) -> None:
        self.down.put(lambda: self.calendar.release(now))

    def _carry(self, pipe: queue.Queue[Callable[[], None] | None]) -> None:
        while (act := pipe.get()) is not None:
            act()

    def start(self, body: Callable[[], None]) -> threading.Thread:
        hold = self.calendar.hold("thread")
        hold.__enter__()

        def run() -> None:
            body()
            hold.__exit__(None, None, None)

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        return thread

    def end(self) -> None:
        self.up.put(None)
        self.down.put(None)


@pytest.fixture
def timekeeper() -> ServedTimekeeper:
    return ServedTimekeeper(START, watchdog_s=LIMIT_S)


@pytest.fixture
def nodes(timekeeper: ServedTimekeeper) -> Iterator[tuple[Node, Node]]:
    pair = Node("pbx1", timekeeper), Node("pbx2", timekeeper)
    yield pair
    for one in pair:
        one.end()


def test_time_stands_while_a_node_boots_and_moves_when_all_wait(
    timekeeper: ServedTimekeeper, nodes: tuple[Node, Node]
) -> None:
    for one in nodes:
        one.calendar.release_boot()
    assert not timekeeper.advance(after(hours=1))
    assert timekeeper.now() == after(hours=1)


def test_waiters_are_released_one_by_one_in_the_order_of_deadline_and_name(
    timekeeper: ServedTimekeeper, nodes: tuple[Node, Node]
) -> None:
    seen: list[tuple[str, datetime]] = []

    def worker(node: Node, minutes: int) -> Callable[[], None]:
        def body() -> None:
            for number in range(1, 4):
                bell = node.calendar.bell()
                assert node.calendar.wait(after(minutes=minutes * number), bell)
                seen.append((node.name, node.calendar.now()))

        return body

    for one, minutes in zip(nodes, (2, 3), strict=True):
        one.start(worker(one, minutes))
        one.calendar.release_boot()
    timekeeper.advance(after(hours=1))
    assert seen == [
        ("pbx1", after(minutes=2)),
        ("pbx2", after(minutes=3)),
        ("pbx1", after(minutes=4)),
        ("pbx1", after(minutes=6)),
        ("pbx2", after(minutes=6)),
        ("pbx2", after(minutes=9)),
    ]


def test_a_bell_wakes_its_waiter_without_moving_time(
    timekeeper: ServedTimekeeper, nodes: tuple[Node, Node]
) -> None:
    node, other = nodes
    other.calendar.release_boot()
    bell = node.calendar.bell()
    outcome: list[tuple[bool, datetime]] = []

    def body() -> None:
        reached = node.calendar.wait(after(days=1), bell)
        outcome.append((reached, node.calendar.now()))

    thread = node.start(body)
    node.calendar.release_boot()
    timekeeper.settle()
    with node.calendar.hold("order"):
        bell.ring()
    thread.join(LIMIT_S)
    assert outcome == [(False, START)]


def test_a_bell_rung_early_is_remembered_once(nodes: tuple[Node, Node]) -> None:
    calendar = nodes[0].calendar
    bell = calendar.bell()
    bell.ring()
    bell.ring()
    assert not calendar.wait(after(days=1), bell)
    assert calendar.wait(START, bell)


def test_no_call_between_nodes_lets_time_pass_although_each_pipe_is_read_on_its_own(
    timekeeper: ServedTimekeeper, nodes: tuple[Node, Node]
) -> None:
    """The caller goes idle as soon as the far side has answered or holds; 300 times."""
    caller, callee = nodes
    stamps: list[datetime] = []

    def body() -> None:
        for number in range(1, 301):
            caller.calendar.wait(after(seconds=10 * number), caller.calendar.bell())
            started, ended = threading.Event(), threading.Event()

            def remote(started: threading.Event = started, ended: threading.Event = ended) -> None:
                with callee.calendar.hold("remote"):
                    started.set()
                    stamps.append(callee.calendar.now())
                    ended.wait(LIMIT_S)
                    stamps.append(callee.calendar.now())

            threading.Thread(target=remote, daemon=True).start()
            assert started.wait(LIMIT_S)
            threading.Timer(0.0, ended.set).start()

    caller.start(body)
    for one in nodes:
        one.calendar.release_boot()
    timekeeper.advance(after(days=1))
    assert stamps == [after(seconds=10 * (one // 2 + 1)) for one in range(600)]


def test_the_condition_ends_the_advance_at_the_instant_it_holds(
    timekeeper: ServedTimekeeper, nodes: tuple[Node, Node]
) -> None:
    node, other = nodes
    other.calendar.release_boot()
    done = threading.Event()

    def body() -> None:
        node.calendar.wait(after(minutes=5), node.calendar.bell())
        done.set()

    node.start(body)
    node.calendar.release_boot()
    assert timekeeper.advance(after(hours=1), done.is_set)
    assert timekeeper.now() == after(minutes=5)


def test_a_node_that_dies_gives_back_what_it_held(
    timekeeper: ServedTimekeeper, nodes: tuple[Node, Node]
) -> None:
    nodes[0].calendar.release_boot()
    timekeeper.leave("pbx2")
    assert not timekeeper.advance(after(minutes=1))


def test_the_watchdog_names_who_holds_time_and_why() -> None:
    timekeeper = ServedTimekeeper(START, watchdog_s=0.05)
    node = Node("pbx1", timekeeper)
    with pytest.raises(TimeStands, match=r"pbx1 \(boot\)"):
        timekeeper.advance(after(minutes=1))
    node.end()


def test_real_time_waits_for_real_and_looks_at_the_condition() -> None:
    keeper = RealTimekeeper()
    start = keeper.now()
    assert not keeper.advance(start + timedelta(seconds=0.15))
    assert keeper.now() - start >= timedelta(seconds=0.15)
    assert keeper.advance(start + timedelta(hours=1), lambda: True)


def test_the_real_calendar_reaches_instants_and_hears_bells() -> None:
    calendar = RealCalendar()
    bell = calendar.bell()
    assert calendar.wait(calendar.now() + timedelta(seconds=0.05), bell)
    threading.Timer(0.02, bell.ring).start()
    assert not calendar.wait(calendar.now() + timedelta(hours=1), bell)
