"""Traces and their comparison."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from histories import Writer, failover_history

from emulator.lab import Event
from scenarios.trace import compare, trace_hash, trace_of


def events() -> list[Event]:
    return failover_history().rows


def with_event(change: dict[str, object], name: str) -> list[Event]:
    return [replace(one, **change) if one.event == name else one for one in events()]


def test_the_same_history_has_the_same_trace_whatever_the_wall_clock() -> None:
    later = [replace(one, wall_s=one.wall_s + 1000) for one in events()]

    assert compare(trace_of(events()), trace_of(later)) == ()
    assert trace_hash(trace_of(events())) == trace_hash(trace_of(later))


def test_order_across_nodes_does_not_count() -> None:
    write = Writer()
    write.add(1, "pbx1/engine", "run.started")
    write.add(2, "pbx2/appliance", "fenced")
    other = list(reversed(write.rows))

    assert compare(trace_of(write.rows), trace_of(other)) == ()


def test_another_cause_is_reported_with_its_place() -> None:
    planted = with_event({"cause": "manual"}, "run.started")

    (difference,) = compare(trace_of(events()), trace_of(planted))

    assert (difference.node, difference.source, difference.position) == ("pbx1", "engine", 1)
    assert "run.started (manual)" in str(difference)


def test_another_second_on_the_calendar_is_reported() -> None:
    late = events()[6].served + timedelta(seconds=1)

    assert compare(trace_of(events()), trace_of(with_event({"served": late}, "run.started")))


def test_a_missing_and_an_additional_event_are_reported() -> None:
    fewer = [one for one in events() if one.event != "run.succeeded"]

    (difference,) = compare(trace_of(events()), trace_of(fewer))

    assert difference.right is None
    assert compare(trace_of(fewer), trace_of(events()))[0].left is None


def test_an_event_that_nobody_listed_is_not_swallowed() -> None:
    write = failover_history()
    write.add(99, "pbx1/engine", "run.surprised")

    (difference,) = compare(trace_of(events()), trace_of(write.rows))

    assert "unlisted:run.surprised" in str(difference)


def test_facts_of_wire_and_address_are_not_compared() -> None:
    write = failover_history()
    write.add(99, "pbx1/wire", "carrier", "down")
    write.add(99, "pbx1/address", "added", address="198.18.0.10")

    assert trace_hash(trace_of(events())) == trace_hash(trace_of(write.rows))
