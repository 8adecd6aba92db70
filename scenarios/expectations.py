"""What must be seen at the end, judged from the record; one function an expectation."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from functools import singledispatch
from typing import Any

from scenarios.box_clock import wall_time
from scenarios.checkers.attempt_spacing import waits
from scenarios.checkers.one_holder import conflicts
from scenarios.clients import as_expected
from scenarios.downtime import measure_downtime
from scenarios.models.base import Strict
from scenarios.models.expectations import (
    ActiveModules,
    Announced,
    Answers,
    Attempts,
    Back,
    Conflict,
    InOrder,
    Lost,
    Mailed,
    NoticesInOrder,
    Notified,
    Page,
    Present,
    Protected,
    Reached,
    Reported,
    RolledBack,
    Runs,
    Same,
    Tidy,
    Unchanged,
    Untouched,
)
from scenarios.models.telephones import Calls, CrowdBack, Registered, Restarted
from scenarios.protection import protected
from scenarios.record import Record, Watch
from scenarios.setup import MODULE_ADDRESS
from scenarios.verdict import Judgement, failed, inconclusive, judged, passed

_STEP_S = 0.1  # to which a conflict is measured on the wire
_RESTLESS = {"busy", "health"}  # parts of a status that change by themselves
_OWN = ("hardware_id", "version", "network", "licences", "lineage", "origin", "modules")


@singledispatch
def met(expectation: Strict, record: Record) -> Judgement:
    """Judge one expectation by the record."""
    raise NotImplementedError(f"nobody judges {type(expectation).__name__} in {record.plan.commit}")


@met.register
def _(expectation: Answers, record: Record) -> Judgement:
    spec = expectation.answers
    read = record.answer(spec.for_, "who-has")
    if read is None:
        return inconclusive(f"nobody asked for the address of {spec.for_} at the end")
    owners = sorted({record.name_of(mac) for mac in read["macs"]})
    text = f"{read['address']} is answered by {', '.join(owners) or 'nobody'}"
    wanted = [] if spec.only == "nobody" else [spec.only]
    return passed(text) if owners == wanted else failed(f"{text}, not by {spec.only} alone")


@met.register
def _(_: Protected, record: Record) -> Judgement:
    return protected(record)


@met.register
def _(expectation: Announced, record: Record) -> Judgement:
    spec = expectation.announced
    if not record.frames:
        return inconclusive("there is no recording of the wire")
    address, mac = record.station(spec.address_of).address, record.station(spec.by).mac
    own = [
        one for one in record.frames if one.gratuitous and (one.address, one.mac) == (address, mac)
    ]
    replies = sum(one.reply for one in own)
    requests = len(own) - replies
    text = f"{spec.by} announced {address} by {requests} requests and {replies} replies"
    enough = min(requests, replies) >= spec.at_least
    return passed(text) if enough else failed(f"{text}; {spec.at_least} of each are needed")


@met.register
def _(expectation: Reached, record: Record) -> Judgement:
    spec = expectation.reached
    watch = record.pings.get(spec.by)
    if watch is None:
        return inconclusive(f"{spec.by} watched no address")
    home = record.station(spec.address_of).mac
    new = record.station(spec.at).mac
    primed = [at_s for at_s, mac in watch.answers if mac == home]
    back = [at_s for at_s, mac in watch.answers if mac == new]
    if not primed:
        return inconclusive(f"the ARP cache of {spec.by} was never primed")
    if not back or back[-1] < primed[-1]:
        return failed(f"{spec.by} never reached {watch.address} at {spec.at}")
    gap_s = min(at_s for at_s in back if at_s > primed[-1]) - primed[-1]
    return passed(f"{spec.by} was back at {watch.address}, now {spec.at}, after {gap_s:.3f} s")


@met.register
def _(expectation: RolledBack, record: Record) -> Judgement:
    spec = expectation.rolled_back
    view = record.answer(spec.of, "rollback")
    if view is None:
        return inconclusive(f"{spec.of} was not asked for the rollback at the end")
    stands, protected = view["next"] or "nothing", "yes" if view["protected"] else "no"
    entered = {
        f"{change.detail['kind']}s/{change.detail['key']}": change.cause
        for change in record.select("runner", "change")
    }
    lost = sorted(entered.get(one, one) for one in view["lost"] or ())
    text = f"{spec.of}: next {stands}, protected {protected}, lost {', '.join(lost) or 'nothing'}"
    right = (stands, protected, lost) == (spec.next, spec.protected, sorted(spec.lost))
    return passed(text) if right else failed(text)


@met.register
def _(expectation: Reported, record: Record) -> Judgement:
    spec = expectation.reported
    count = sum(
        (one.node, one.event) == (spec.by, spec.event) and spec.cause in {None, one.cause}
        for one in record.events
    )
    what = spec.event if spec.cause is None else f"{spec.event} ({spec.cause})"
    text = f"{spec.by} reported {what} {count} time(s)"
    return passed(text) if count == spec.times else failed(f"{text}, not {spec.times}")


@met.register
def _(expectation: InOrder, record: Record) -> Judgement:
    spec = expectation.in_order
    told = iter([event.event for event in record.events if event.node == spec.on])
    for number, wanted in enumerate(spec.events):
        if wanted not in told:
            before = ", ".join(spec.events[:number]) or "the beginning"
            return failed(f"{spec.on} told no {wanted} after {before}")
    return passed(f"{spec.on} told {', '.join(spec.events)} in this order")


@met.register
def _(expectation: Runs, record: Record) -> Judgement:
    spec = expectation.scheduled_runs
    began = [
        wall_time(record, event).replace(second=0, microsecond=0)
        for event in record.select("engine", "run.started", node=spec.on)
        if event.detail.get("reason") == "scheduled"
    ]
    text = f"{len(began)} scheduled runs of {spec.on}: {_moments(began)}"
    right = began == list(spec.at)
    return passed(text) if right else failed(f"{text}, not {_moments(spec.at)}")


def _moments(walls: Iterable[datetime]) -> str:
    return ", ".join(f"{one:%Y-%m-%d %H:%M}" for one in walls) or "none"


@met.register
def _(expectation: NoticesInOrder, record: Record) -> Judgement:
    subjects = tuple(one.subject for one in record.mails if MODULE_ADDRESS in one.recipients)
    text = f"{MODULE_ADDRESS} got {len(subjects)} messages: {'; '.join(subjects) or 'none'}"
    right = subjects == expectation.notices_in_order
    wanted = "; ".join(expectation.notices_in_order) or "none"
    return passed(text) if right else failed(f"{text}, not: {wanted}")


@met.register
def _(expectation: Conflict, record: Record) -> Judgement:
    spec = expectation.conflict
    address = record.station(spec.over).address
    if record.observed is None or record.observed.address != address:
        return inconclusive(f"nobody watched who answers for {address}")
    by_kernels_s = sum(both_s for one, _, both_s in conflicts(record) if one.address == address)
    by_wire_s = _answered_twice_s(record.observed)
    text = (
        f"{address} was held twice for {by_kernels_s:.1f} s, answered twice for {by_wire_s:.1f} s"
    )
    least_s, most_s = spec.at_least.total_seconds(), spec.at_most.total_seconds()
    right = all(least_s <= one <= most_s for one in (by_kernels_s, by_wire_s))
    return passed(text) if right else failed(f"{text}; {least_s:g} s to {most_s:g} s are expected")


def _answered_twice_s(watch: Watch) -> float:
    """Return how long more than one MAC answered who asked, in steps of 0.1 s."""
    answered: dict[int, set[str]] = defaultdict(set)
    for at_s, mac in watch.answers:
        answered[int(at_s / _STEP_S)].add(mac)
    return sum(len(macs) > 1 for macs in answered.values()) * _STEP_S


@met.register
def _(expectation: Back, record: Record) -> Judgement:
    limit_s = expectation.back_after_rollback.at_most.total_seconds()
    downtime = measure_downtime(record)
    if downtime is None:
        return failed("no acting active gave its address up")
    text = f"{len(downtime.back_s)} of {downtime.clients} clients back at {downtime.address}"
    if downtime.total_s is None:
        return failed(text)
    text = f"{text}, the last one {downtime.total_s:.3f} s after (b)"
    return passed(text) if downtime.total_s <= limit_s else failed(f"{text}, not {limit_s:g} s")


@met.register
def _(expectation: Mailed, record: Record) -> Judgement:
    spec = expectation.mailed
    users = record.answer(spec.every_user_of, "users")
    if users is None:
        return inconclusive(f"the users of {spec.every_user_of} were not read at the end")
    received: dict[str, set[str]] = defaultdict(set)
    for mail in record.mails:
        for recipient in mail.recipients:
            received[recipient].add(mail.message_id)
    addresses = [user["email"] for user in users["users"] if user.get("email")]
    wrong = [
        f"{address} has {len(received[address])} Message-IDs, not {spec.messages}"
        for address in addresses
        if len(received[address]) != spec.messages
    ]
    if not addresses:
        return inconclusive(f"no user of {spec.every_user_of} has an e-mail address")
    text = f"{len(addresses)} users of {spec.every_user_of}: {spec.messages} Message-ID each"
    return failed(*wrong) if wrong else passed(text)


@met.register
def _(expectation: Present, record: Record) -> Judgement:
    spec = expectation.present
    there = record.answer(spec.on, "changes")
    if there is None:
        return inconclusive(f"{spec.on} was not looked through at the end")
    missing = [name for name in spec.changes if not there.get(name)]
    text = f"{', '.join(spec.changes)} is on {spec.on}"
    return failed(f"{', '.join(missing)} is not on {spec.on}") if missing else passed(text)


@met.register
def _(expectation: Lost, record: Record) -> Judgement:
    spec = expectation.lost
    there = record.answer(spec.on, "changes")
    if there is None:
        return inconclusive(f"{spec.on} was not looked through at the end")
    missing = sorted(name for name, present in there.items() if not present)
    text = f"lost on {spec.on}: {len(missing)} ({', '.join(missing) or 'nothing'})"
    return passed(text) if missing == sorted(spec.changes) else failed(text)


@met.register
def _(expectation: Attempts, record: Record) -> Judgement:
    spec = expectation.attempts
    starts = list(record.select("engine", "run.started", node=spec.on))
    if not starts:
        return failed(f"{spec.on} started no run")
    run = starts[-1].detail.get("run")
    failures = [
        event
        for event in record.select("engine", "attempt.failed", node=spec.on)
        if event.detail.get("run") == run
    ]
    ends = record.select("engine", "run.succeeded", "run.failed", node=spec.on)
    end = next((event.event for event in ends if event.detail.get("run") == run), "no end")
    gaps = [one.gap for one in waits(record) if (one.node, one.run) == (spec.on, run)]
    shown = ", ".join(f"{gap.total_seconds():g} s" for gap in gaps) or "none"
    text = f"run {run}: {len(failures)} failed attempts, waits {shown}, then {end}"
    right = (
        len(failures) == spec.failed
        and end == spec.then
        and all(gap.total_seconds() // 1 == spec.wait.total_seconds() for gap in gaps)
    )
    return passed(text) if right else failed(text)


@met.register
def _(expectation: Page, record: Record) -> Judgement:
    spec = expectation.page
    pages = [read for read in record.reads if (read.node, read.what) == (spec.of, "page")]
    if not pages:
        return inconclusive(f"no click on a page of {spec.of} was answered")
    status, text = int(pages[-1].answer["status"]), str(pages[-1].answer["text"])
    if status != spec.status:
        return failed(f"the page answered {status}, not {spec.status}: {text[:200]}")
    if spec.names_mac_of is not None:
        macs = _macs_of(record, spec.names_mac_of)
        if not macs:
            return inconclusive("the wire shows no stranger at an appliance's address")
        unnamed = [mac for mac in macs if mac not in text.lower()]
        if unnamed:
            return failed(f"the page answered {status}, and does not name {', '.join(unnamed)}")
        return passed(f"the page answered {status} and names {', '.join(macs)}")
    return passed(f"the page answered {status}")


def _macs_of(record: Record, who: str) -> list[str]:
    """Return an appliance's MAC, or those that claim an appliance's address and are of none."""
    if who != "stranger":
        return [record.station(who).mac]
    addresses = {one.address for one in record.appliances}
    known = {one.mac for one in record.appliances}
    claims = (one for one in record.frames if one.claims and one.address in addresses)
    return sorted({one.mac for one in claims} - known)


@met.register
def _(expectation: Unchanged, record: Record) -> Judgement:
    node = expectation.unchanged
    for what in ("status", "digest"):
        before = record.answer(node, what, "before-click")
        after = record.answer(node, what, "after-click")
        if before is None or after is None:
            return inconclusive(f"{node} was not read before and after a click")
        changed = sorted(
            key for key in {*before, *after} - _RESTLESS if before.get(key) != after.get(key)
        )
        if changed:
            return failed(f"{node}: the click changed {', '.join(changed)}")
    return passed(f"{node}: the click changed nothing")


@met.register
def _(expectation: Untouched, record: Record) -> Judgement:
    spec = expectation.untouched
    until = spec.to or "final"
    reads = [
        record.answer(spec.on, what, moment)
        for what in ("status", "digest")
        for moment in (spec.from_, until)
    ]
    if None in reads:
        return inconclusive(f"{spec.on} was not looked at as {spec.from_} and as {until}")
    old, new, before, after = (dict(one or {}) for one in reads)
    changed = [key for key in _OWN if old.get(key) != new.get(key)]
    objects, others = before["objects"], after["objects"]
    changed += [key for key in sorted({*objects, *others}) if objects.get(key) != others.get(key)]
    if changed:
        return failed(f"{spec.on}: from {spec.from_} to {until} changed: {', '.join(changed)}")
    return passed(f"{spec.on}: from {spec.from_} to {until} nothing changed")


@met.register
def _(expectation: Tidy, record: Record) -> Judgement:
    spec = expectation.tidy
    residue = record.answer(spec.on, "residue", spec.at)
    if residue is None:
        return inconclusive(f"{spec.on} was not looked at as {spec.at}")
    left = [f"{kind}: {', '.join(names)}" for kind, names in residue.items() if names]
    return judged([f"{spec.on}: {one}" for one in left], f"{spec.on}: nothing left as {spec.at}")


@met.register
def _(expectation: Notified, record: Record) -> Judgement:
    spec = expectation.notified
    told = [mail for mail in record.mails if MODULE_ADDRESS in mail.recipients]
    texts = {mail.message_id: record.message(mail) for mail in told}
    if None in texts.values():
        return inconclusive("the messages themselves were not stored")
    saying = [one for one, text in texts.items() if all(part in str(text) for part in spec.saying)]
    what = f" that say {', '.join(f'“{part}”' for part in spec.saying)}" if spec.saying else ""
    text = f"{MODULE_ADDRESS} got {len(saying)} messages{what}, {len(texts)} altogether"
    return passed(text) if len(saying) == spec.messages else failed(text)


@met.register
def _(expectation: ActiveModules, record: Record) -> Judgement:
    spec = expectation.active_modules
    status = record.answer(spec.on, "status")
    if status is None:
        return inconclusive(f"{spec.on} was not read at the end")
    active = sorted(one["name"] for one in status["modules"] if one["active"])
    text = f"active on {spec.on}: {', '.join(active) or 'no module'}"
    return passed(text) if active == sorted(spec.only) else failed(text)


@met.register
def _(expectation: Calls | CrowdBack | Registered | Restarted, record: Record) -> Judgement:
    return as_expected(expectation, record)


@met.register
def _(expectation: Same, record: Record) -> Judgement:
    node, moment = expectation.same.on, expectation.same.as_
    reads = [
        (record.answer(node, "status", one), record.answer(node, "digest", one))
        for one in (moment, "final")
    ]
    if any(one is None for read in reads for one in read):
        return inconclusive(f"{node} was not looked at as {moment} and at the end")
    then, now = ({**_standing(*read)} for read in reads)
    changed = sorted(key for key in {*then, *now} if then.get(key) != now.get(key))
    if changed:
        return failed(f"{node} is not as it was {moment}: {', '.join(changed[:8])}")
    return passed(f"{node} is as it was {moment}: {len(now)} facts and objects")


def _standing(status: Any, digest: Any) -> dict[str, object]:
    """Return what no failover and rollback may leave changed on an appliance."""
    rising = {"lineage", "origin", "takeover", "activity", *_RESTLESS}
    facts = {key: value for key, value in status.items() if key not in rising}
    objects = {k: v for k, v in digest["objects"].items() if not k.startswith("records/")}
    return {**facts, **objects}
