"""What must be seen at the end, judged from the record; one function an expectation."""

from __future__ import annotations

from collections import defaultdict
from functools import singledispatch

from scenarios.checkers.attempt_spacing import waits
from scenarios.downtime import measure_downtime
from scenarios.models import (
    Announced,
    Answers,
    Attempts,
    Back,
    Lost,
    Mailed,
    Page,
    Present,
    Reached,
    Reported,
    RolledBack,
    Strict,
    Unchanged,
)
from scenarios.record import Record
from scenarios.verdict import Judgement, failed, inconclusive, passed

_RESTLESS = {"busy"}  # parts of a status that no click touches and that change by themselves


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
    return passed(text) if owners == [spec.only] else failed(f"{text}, not by {spec.only} alone")


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
    stands = view["next"] or "nothing"
    protected = "yes" if view["protected"] else "no"
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
    count = sum((one.node, one.event) == (spec.by, spec.event) for one in record.events)
    text = f"{spec.by} reported {spec.event} {count} time(s)"
    return passed(text) if count == spec.times else failed(f"{text}, not {spec.times}")


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
    if missing:
        return failed(f"{', '.join(missing)} is not on {spec.on}")
    return passed(f"{', '.join(spec.changes)} is on {spec.on}")


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
    gaps = [gap for node, number, gap in waits(record) if (node, number) == (spec.on, run)]
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
        mac = record.station(spec.names_mac_of).mac
        if mac not in text.lower():
            return failed(f"the page answered {status}, and does not name {mac}")
        return passed(f"the page answered {status} and names {mac}")
    return passed(f"the page answered {status}")


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
