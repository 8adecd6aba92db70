"""How long the active's address was away, split into phases, and what was lost."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from emulator.lab import Event
from scenarios.record import Record

_SILENCING = frozenset({"power-off", "unplugged", "frozen"})


@dataclass(frozen=True)
class Outage:
    """A switchover as time passed outside, in seconds of `Event.wall_s`.

    Attributes:
        died_s: the last fault before it began on the active; None where there was none.
        lost_s: the last answer that a client got from the old holder.
        noticed_s: an administrator logged in at the standby; None where nobody had to.
        decided_s: a person clicked.
        claimed_s: the new holder committed the takeover.
        announced_s: its first gratuitous ARP was on the wire.
        back_s: the first answer that a client got from the new holder.
        last_back_s: the first answer of the client that was back last; None while one is missing.
    """

    died_s: float | None
    lost_s: float | None
    noticed_s: float | None
    decided_s: float
    claimed_s: float
    announced_s: float | None
    back_s: float | None
    last_back_s: float | None

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
            ("noticed", self.noticed_s),
            ("decided", self.decided_s),
            ("checked and claimed", self.claimed_s),
            ("announced", self.announced_s),
            ("first client back", self.back_s),
            ("last client back", self.last_back_s),
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
    watches = [watch for watch in record.watches.values() if watch.address == address]
    firsts = [
        next((at_s for at_s, holder in sorted(watch.answers) if holder == mac), None)
        for watch in watches
    ]
    back = sorted(at_s for at_s in firsts if at_s is not None)
    back_s = back[0] if back else None
    before = [
        at_s
        for watch in record.pings.values()  # a telephone asks too seldom to tell
        if watch.address == address
        for at_s, holder in watch.answers
        if holder != mac and (back_s is None or at_s < back_s)  # not of a rollback afterwards
    ]
    died = _last(record, claim, "runner", "fault")
    died_s = None if died is None else float(died.detail["began_s"])
    announced = [
        frame.at_s
        for frame in record.frames
        if frame.gratuitous and (frame.address, frame.mac) == (address, mac)
    ]
    decided_s = _clicked_s(record, claim)
    lost_s = max(before, default=died_s)
    return Outage(
        died_s=died_s,
        lost_s=lost_s,
        noticed_s=_noticed_s(record, claim.node, lost_s if died_s is None else died_s, decided_s),
        decided_s=decided_s,
        claimed_s=claim.wall_s,
        announced_s=announced[0] if announced else None,
        back_s=back_s,
        last_back_s=back[-1] if back and len(back) == len(watches) else None,
    )


def lost_objects(record: Record) -> tuple[str, ...]:
    """Return the named changes that the new holder of the address does not have."""
    claims = tuple(record.select("appliance", "takeover.committed"))
    if not claims:
        return ()
    there = record.answer(claims[-1].node, "changes") or {}
    return tuple(sorted(name for name, present in there.items() if not present))


def _noticed_s(
    record: Record, standby: str, since_s: float | None, decided_s: float
) -> float | None:
    """Return when an administrator first logged in at the standby because of the outage."""
    if since_s is None:
        return None
    logins = record.select("appliance", "login", node=standby)
    return next((one.wall_s for one in logins if since_s < one.wall_s < decided_s), None)


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


def _silences(fault: Event, standby: str) -> bool:
    """Say whether a fault takes the address's holder away, as clients see it."""
    return fault.cause in _SILENCING and fault.detail.get("node") != standby


def _last(record: Record, before: Event, source: str, name: str) -> Event | None:
    """Find the last event of a kind before another; faults count only if they end an active."""
    found = [
        event
        for event in record.select(source, name)
        if event.number < before.number and (source != "runner" or _silences(event, before.node))
    ]
    return found[-1] if found else None
