"""What became of each telephone in a switchover: away since, back when, and how (R6, R52)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from emulator.telephones import HUNG_UP, Call
from scenarios.models.telephones import (
    Calls,
    CrowdBack,
    Registered,
    RegistrationSpec,
    Restarted,
)
from scenarios.outage import measure
from scenarios.record import Record, Telephone
from scenarios.verdict import Judgement, failed, inconclusive, passed

GIVE_UP_S = 32.0  # 64 times T1, of a request (RFC 3261 section 17.1.2.2)
SLACK_S = 6.0  # a last repetition, a retry, a loaded computer
Expected = Calls | CrowdBack | Registered | Restarted


@dataclass(frozen=True)
class Return:
    """One telephone and the last switchover of a drill; times as in `Event.wall_s`.

    Attributes:
        away_s: since when the active was dead; where nobody killed it, the phone's last answer.
        last_s, mac_before: the last good answer that it got from another box, and that box's MAC.
        first_s, mac_after: the first one of the new holder; None and "" where none came.
        restarted_s: when it was restarted between; None where it was not.
        lost: its calls that the switchover ended.
    """

    name: str
    telephone: Telephone
    away_s: float | None
    last_s: float | None
    mac_before: str
    first_s: float | None
    mac_after: str
    restarted_s: float | None
    lost: int

    @property
    def took_s(self) -> float | None:
        """From the active's death to the first good answer; None where none came."""
        if self.first_s is None or self.away_s is None:
            return None
        return self.first_s - self.away_s

    def row(self) -> Mapping[str, object]:
        """Render for `summary.json`."""
        handset = {
            name: value
            for name, value in asdict(self.telephone).items()
            if name not in {"answers", "restarts", "calls"}
        }
        took_s = None if self.took_s is None else round(self.took_s, 3)
        return {
            "name": self.name,
            **handset,
            "last_s": self.last_s,
            "mac_before": self.mac_before,
            "first_s": self.first_s,
            "mac_after": self.mac_after,
            "took_s": took_s,
            "restarted": self.restarted_s is not None,
            "calls_lost": self.lost,
        }


def returns(record: Record) -> tuple[Return, ...]:
    """Measure every telephone's way back after the last switchover; none without one."""
    claims = tuple(record.select("appliance", "takeover.committed"))
    outage = measure(record)
    if not claims or outage is None:
        return ()
    claim = claims[-1]
    mac = record.station(claim.node).mac
    return tuple(
        _return(name, one, outage.died_s, claim.wall_s, mac)
        for name, one in record.telephones.items()
    )


def _return(
    name: str, telephone: Telephone, died_s: float | None, claimed_s: float, mac: str
) -> Return:
    before = [one for one in telephone.answers if one[0] < claimed_s and one[1] != mac]
    after = [one for one in telephone.answers if one[0] >= claimed_s and one[1] == mac]
    last = before[-1] if before else None
    first = after[0] if after else None
    away_s = died_s if died_s is not None else (last[0] if last else None)
    until_s = float("inf") if first is None else first[0]
    restarts = [at_s for at_s in telephone.restarts if (away_s or claimed_s) < at_s < until_s]
    return Return(
        name=name,
        telephone=telephone,
        away_s=away_s,
        last_s=last[0] if last else None,
        mac_before=last[1] if last else "",
        first_s=first[0] if first else None,
        mac_after=first[1] if first else "",
        restarted_s=restarts[0] if restarts else None,
        lost=lost_calls(telephone),
    )


def lost_calls(telephone: Telephone) -> int:
    """Count the calls of a telephone that were lost."""
    return sum(map(is_lost, telephone.calls))


def is_lost(call: Call) -> bool:
    """Return whether a call was established and is over, though nobody hung up."""
    return call.established_s is not None and call.ended_s is not None and call.ended != HUNG_UP


def bound_s(telephone: Telephone) -> float:
    """Return how long after a takeover a telephone may stay away that nobody restarts.

    It asks at its refresh; by UDP it repeats that every 4 s, by TCP it gives up after 32 s and
    tries anew (RFC 3261 section 17.1.2.2). Who does not heed the announcement believes what it
    knows up to one and a half times as long as it says, and needs 8 s to give it up (arp(7)).
    """
    deaf_s = 0.0 if telephone.heeds_announcements else 1.5 * telephone.neighbour_cache_s + 8
    return telephone.registers_every_s + GIVE_UP_S + deaf_s + SLACK_S


def strays(record: Record) -> tuple[str, ...]:
    """Return the telephones that came back later than what they do explains."""
    claims = tuple(record.select("appliance", "takeover.committed"))
    found = []
    for one in returns(record):
        if one.first_s is None or one.restarted_s is not None:
            continue
        after_s, most_s = one.first_s - claims[-1].wall_s, bound_s(one.telephone)
        if after_s > most_s:
            found.append(
                f"{one.name} was back {after_s:.1f} s after the claim, not in {most_s:g} s"
            )
    return tuple(found)


def fates(record: Record) -> Mapping[str, tuple[bool, bool, int]]:
    """Return what must be the same on every backend: back, restarted, calls lost; by name."""
    return {
        one.name: (one.first_s is not None, one.restarted_s is not None, one.lost)
        for one in returns(record)
    }


def share_back(found: tuple[Return, ...], within_s: float) -> float:
    """Return the part of the telephones that were back in time; of none, all."""
    in_time = [one for one in found if one.took_s is not None and one.took_s <= within_s]
    return len(in_time) / len(found) if found else 1.0


def as_expected(
    expectation: Calls | CrowdBack | Registered | Restarted, record: Record
) -> Judgement:
    """Judge whether the telephones did what a scenario expects."""
    if isinstance(expectation, Restarted):
        names = sorted(one.name for one in returns(record) if one.restarted_s is not None)
        text = f"restarted before they came back: {', '.join(names) or 'none'}"
        right = names == sorted(expectation.restarted.phones)
        return passed(text) if right else failed(text)
    if isinstance(expectation, Registered):
        return _registered(expectation.registered, record)
    if isinstance(expectation, CrowdBack):
        return _crowd_back(expectation.crowd_back.within.total_seconds(), record)
    wanted = expectation.calls
    calls = [
        one
        for phone in record.telephones.values()
        for one in phone.calls
        if one.direction == "outgoing" and one.established_s is not None
    ]
    lost = sum(map(is_lost, calls))
    text = f"{len(calls)} calls were set up, {lost} of them lost"
    right = (len(calls), lost) == (wanted.made, wanted.lost)
    return passed(text) if right else failed(text)


def _registered(wanted: RegistrationSpec, record: Record) -> Judgement:
    read = record.answer(wanted.at, "registrations")
    if read is None:
        return inconclusive(f"{wanted.at} was not asked for its registrations at the end")
    known = {one["extension"] for one in read["registrations"]}
    names = [name for name, one in record.telephones.items() if one.extension in known]
    text = f"registered at {wanted.at}: {', '.join(names) or 'none'}"
    return passed(text) if sorted(names) == sorted(wanted.phones) else failed(text)


def crowd_returns(record: Record) -> tuple[float | None, ...]:
    """Return how long after the claim each telephone of the crowd was back; None: it was not.

    Those count that had registered before. Nobody does where nobody took the address over.
    """
    claims = tuple(record.select("appliance", "takeover.committed"))
    if not claims:
        return ()
    claim, mac = claims[-1], record.station(claims[-1].node).mac
    found = []
    for one in record.crowd.values():
        if any(at_s < claim.wall_s for at_s, _ in one.answers):
            later = [at_s for at_s, by in one.answers if by == mac and at_s >= claim.wall_s]
            found.append(min(later) - claim.wall_s if later else None)
    return tuple(found)


def crowd_in_words(found: Sequence[float | None]) -> str:
    """Say how many of the crowd are back, and since when all of those."""
    took_s = [one for one in found if one is not None]
    text = f"{len(took_s)} of {len(found)} telephones of the crowd are back"
    return f"{text}, the last {max(took_s):.1f} s after the claim" if took_s else text


def _crowd_back(within_s: float, record: Record) -> Judgement:
    found = crowd_returns(record)
    if not found:
        return inconclusive("no crowd of telephones saw a switchover")
    text = crowd_in_words(found)
    in_time = all(one is not None and one <= within_s for one in found)
    return passed(text) if in_time else failed(text)
