"""How long the active's address was away, split into phases, and what was lost."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from emulator.lab import Event
from scenarios.record import Record


@dataclass(frozen=True)
class Outage:
    """A switchover as time passed outside, in seconds of `Event.wall_s`.

    Attributes:
        died_s: the active's plug was pulled; None where it was not.
        lost_s: the last answer that a client got from the old holder.
        decided_s: a person clicked.
        claimed_s: the new holder committed the takeover.
        announced_s: its first gratuitous ARP was on the wire.
        back_s: the first answer that a client got from the new holder.
    """

    died_s: float | None
    lost_s: float | None
    decided_s: float
    claimed_s: float
    announced_s: float | None
    back_s: float | None

    @property
    def total_s(self) -> float | None:
        """The outage as a client saw it: from its last answer to its next one."""
        if self.back_s is None or self.lost_s is None:
            return None
        return self.back_s - self.lost_s

    @property
    def takeover_s(self) -> float | None:
        """From the click to the first client that was back."""
        return None if self.back_s is None else self.back_s - self.decided_s

    def phases(self) -> tuple[tuple[str, float], ...]:
        """Return (what passed, seconds) in order; phases with an unknown end are left out.

        Where clients saw both ends, the phases sum up to the whole outage.
        """
        marks = (
            ("lost", self.lost_s if self.lost_s is not None else self.died_s),
            ("noticed and decided", self.decided_s),
            ("checked and claimed", self.claimed_s),
            ("announced", self.announced_s),
            ("first client back", self.back_s),
        )
        known = [(name, at_s) for name, at_s in marks if at_s is not None]
        return tuple((name, at_s - before_s) for (_, before_s), (name, at_s) in pairwise(known))


def measure(record: Record) -> Outage | None:
    """Find the last switchover in a record; None where nobody took an address over."""
    claims = tuple(record.select("appliance", "takeover.committed"))
    if not claims:
        return None
    claim = claims[-1]
    address = str(claim.detail.get("address", ""))
    mac = record.station(claim.node).mac
    answers = sorted(
        answer
        for watch in record.pings.values()
        if watch.address == address
        for answer in watch.answers
    )
    back_s = next((at_s for at_s, holder in answers if holder == mac), None)
    before = [
        at_s
        for at_s, holder in answers
        if holder != mac and (back_s is None or at_s < back_s)  # not of a rollback afterwards
    ]
    died = _last(record, claim, "runner", "fault")
    announced = [
        frame.at_s
        for frame in record.frames
        if frame.gratuitous and (frame.address, frame.mac) == (address, mac)
    ]
    return Outage(
        died_s=None if died is None else float(died.detail["began_s"]),
        lost_s=before[-1] if before else None,
        decided_s=_clicked_s(record, claim),
        claimed_s=claim.wall_s,
        announced_s=announced[0] if announced else None,
        back_s=back_s,
    )


def lost_objects(record: Record) -> tuple[str, ...]:
    """Return the named changes that the new holder of the address does not have."""
    claims = tuple(record.select("appliance", "takeover.committed"))
    if not claims:
        return ()
    there = record.answer(claims[-1].node, "changes") or {}
    return tuple(sorted(name for name, present in there.items() if not present))


def _clicked_s(record: Record, claim: Event) -> float:
    """Return when the person clicked: just after what was read before; else the order's time.

    The module takes the order when its probe of the moment has ended, up to 0.25 s later.
    """
    reads = [
        event.wall_s
        for event in record.select("runner", "read")
        if event.number < claim.number
        and (event.detail["node"], event.detail["moment"]) == (claim.node, "before-click")
    ]
    asked = _last(record, claim, "engine", "switchover.asked")
    return reads[-1] if reads else (claim if asked is None else asked).wall_s


def _last(record: Record, before: Event, source: str, name: str) -> Event | None:
    """Find the last event of a kind before another; faults count only if they kill."""
    found = [
        event
        for event in record.select(source, name)
        if event.number < before.number and (source != "runner" or event.cause == "power-off")
    ]
    return found[-1] if found else None
