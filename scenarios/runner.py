"""Runs a scenario: fixed phases, everything recorded, teardown always.

The runner records and never judges; checkers judge the record (`scenarios.checkers`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from emulator.lab import CommandRefused, Lab, LabError, LabMaker, NodeInfo
from scenarios.blueprint import Blueprint
from scenarios.browsing import PageTrouble
from scenarios.checkers import judge
from scenarios.clients import crowd_returns, returns
from scenarios.clock import wall_clock
from scenarios.declining import DrillEnded
from scenarios.downtime import Downtime, measure_downtime
from scenarios.drill import Drill, Pair
from scenarios.entering import find_entries
from scenarios.evidence import Altered, RunFolder, load
from scenarios.feasible import impossible
from scenarios.models.scenario import Step
from scenarios.narration import Narrator
from scenarios.outage import Outage, lost_objects, measure
from scenarios.record import Plan, Record, Telephone, Times, Watch
from scenarios.reporting.findings import graded
from scenarios.reporting.writing import write_reports
from scenarios.steps import Say, describe, perform
from scenarios.trace import trace_hash, trace_of
from scenarios.verdict import Judgement, Verdict, worst
from scenarios.visiting import look

MAIL_LIMIT = timedelta(minutes=30)  # on the Calendar, for mails to leave
CALM_S = 1.0  # real, for clients to come back
_DECLINED = (DrillEnded, CommandRefused, PageTrouble)


def leave(_lab: Lab) -> None:
    """Let a lab go at once."""


@dataclass(frozen=True)
class Order:
    """What is to be run, and where its evidence goes.

    Attributes:
        plan: scenario, seed, backend, times.
        drawn: the lab, and what its administrators know.
        maker: makes the lab.
        folder: of this run's evidence; it must not exist.
        perform: carries out a step.
        now: the clock of whoever runs it.
        linger: called with the lab when the drill is over, before the lab is removed.
    """

    plan: Plan
    drawn: Blueprint
    maker: LabMaker
    folder: Path
    perform: Callable[[Step, Drill, Say], None] = perform
    now: Callable[[], datetime] = wall_clock
    linger: Callable[[Lab], None] = leave


@dataclass(frozen=True)
class Outcome:
    """A run that was judged.

    Attributes:
        record: what was recorded.
        judgements: by checker.
        folder: where the evidence is.
    """

    record: Record
    judgements: Mapping[str, Judgement]
    folder: Path

    @property
    def verdict(self) -> Verdict:
        """The worst of all judgements."""
        return worst(one.verdict for one in self.judgements.values())

    @property
    def outage(self) -> Outage | None:
        """How long the address was away, if it moved."""
        return measure(self.record)

    @property
    def downtime(self) -> Downtime | None:
        """How long a rollback took the telephony away, if there was one."""
        return measure_downtime(self.record)

    @property
    def lost(self) -> tuple[str, ...]:
        """Named changes that the new holder does not have."""
        return lost_objects(self.record)

    @property
    def trace_hash(self) -> str:
        """SHA-256 of the trace."""
        return trace_hash(trace_of(self.record.events))

    def row(self) -> dict[str, Any]:
        """Return the run as `--format json` shows it."""
        total_s = None if self.outage is None else self.outage.total_s
        downtime_s = None if self.downtime is None else self.downtime.total_s
        times = self.record.times
        return {
            "scenario": self.record.plan.scenario.id,
            "seed": self.record.plan.seed,
            "backend": self.record.plan.backend,
            "verdict": self.verdict.value,
            "trace_hash": self.trace_hash,
            "outage_s": None if total_s is None else round(total_s, 3),
            "took_s": None if times is None else round(times.took_s, 3),
            "downtime_s": None if downtime_s is None else round(downtime_s, 3),
            "lost_objects": len(self.lost),
            "run": str(self.folder),
        }


@dataclass
class Seen:
    """What stations recorded while the drill ran."""

    stations: tuple[NodeInfo, ...] = ()
    address: str = ""
    observed: Watch | None = None
    pings: dict[str, Watch] = field(default_factory=dict)
    telephones: dict[str, Telephone] = field(default_factory=dict)
    crowd: dict[str, Watch] = field(default_factory=dict)
    pcap: bytes = b""
    logs: Mapping[str, bytes] = field(default_factory=dict)  # of boxes that were replaced


def run(order: Order, narrator: Narrator) -> Outcome:
    """Run a scenario, store its evidence, judge it.

    Raises:
        LabError: the lab broke; what was recorded until then is in the folder.
    """
    folder = RunFolder.make(order.folder)
    began = order.now()
    try:
        lab = _build(order, narrator)
    except BaseException:
        folder.discard()
        raise
    seen = Seen()
    try:
        folder.point_latest()
        folder.write_plan(order.plan)
        go_through(order, lab, narrator, seen)
        order.linger(lab)
    finally:
        narrator.phase("teardown")
        with narrator.step("evidence stored, lab removed"):
            try:
                _store(order, lab, folder, seen)
            finally:
                lab.down()
    narrator.phase("check")
    folder.write_times(Times(began, order.now()))
    folder.scan(order.drawn.secrets)
    folder.seal()
    return judged(order.folder, narrator)


def judged(path: Path, narrator: Narrator) -> Outcome:
    """Judge a stored run, write its summary and its reports.

    Raises:
        NotARun: the folder is none.
        Altered: it was changed since the run, so that it makes no sense any more.
    """
    record = load(path)
    try:
        return _judged(path, record, narrator)
    except Exception as error:
        if record.sealed is not None and record.sealed.broken:
            changed = ", ".join(record.sealed.broken[:5])
            raise Altered(f"{path}: {changed} is not as the run wrote it: {error}") from error
        raise


def _judged(path: Path, record: Record, narrator: Narrator) -> Outcome:
    outcome = Outcome(record, judge(record), path)
    for name, one in outcome.judgements.items():
        if one.verdict not in {Verdict.PASSED, Verdict.NOT_APPLICABLE}:
            for line in one.evidence:
                narrator.note(f"{one.verdict.value}: {name}: {line}")
    RunFolder(path).write_json("summary.json", summary(outcome))
    write_reports(path, record, outcome.judgements)
    return outcome


def summary(outcome: Outcome) -> dict[str, Any]:
    """Return the content of `summary.json`."""
    outage = outcome.outage
    return {
        **outcome.row(),
        "title": outcome.record.plan.scenario.title,
        "covers": list(outcome.record.plan.scenario.covers),
        "commit": outcome.record.plan.commit,
        "grade": graded(outcome.record, outcome.judgements).value,
        "outage_phases_s": {} if outage is None else dict(outage.phases()),
        "lost": list(outcome.lost),
        "telephones": [one.row() for one in returns(outcome.record)],
        "crowd_back_s": list(crowd_returns(outcome.record)),
        "judgements": {
            name: {"verdict": one.verdict.value, "evidence": list(one.evidence)}
            for name, one in outcome.judgements.items()
        },
    }


def _build(order: Order, narrator: Narrator) -> Lab:
    narrator.phase(f"build ({order.plan.backend})")
    with narrator.step(f"two appliances, {order.plan.scenario.lab.phones} phone(s)") as say:
        lab = order.maker.make(order.drawn.spec, order.folder)
        say(order.drawn.spec.subnet)
    return lab


def go_through(order: Order, lab: Lab, narrator: Narrator, seen: Seen) -> None:
    """Take a lab that was built through the phases, from the steady state to the final reads.

    Raises:
        LabError: the lab broke; what was seen until then is in `seen`.
    """
    missing = impossible(order.plan.scenario, lab)
    if missing:
        raise LabError(
            f"{order.plan.backend} cannot do here what the drill asks for: {'; '.join(missing)}",
            remedy="--backend sim can do all of it",
        )
    pair = Pair(lab, order.plan.scenario.lab, order.plan.start, order.drawn.access)
    drill = Drill(pair, spares=order.drawn.spares)
    seen.logs = drill.logs
    _begin(drill, narrator, "steady state")
    lab.timekeeper.settle()
    seen.stations = lab.describe()
    seen.address = next(one.address for one in seen.stations if one.name == "pbx1")
    for name in drill.running():
        look(drill, name, "steady")
    lab.wire.capture()
    with _watching(lab, seen):
        _take_steps(order, drill, narrator)
        _begin(drill, narrator, "quiet")
        with narrator.step("everything has ended, mails have left"):
            _await_quiet(drill)
            lab.pause(CALM_S)
    _begin(drill, narrator, "final reads")
    with narrator.step("states of the appliances, holders of the addresses"):
        _read_finally(drill, seen)
        seen.pcap = lab.wire.pcap()


def _begin(drill: Drill, narrator: Narrator, phase: str) -> None:
    narrator.phase(phase)
    drill.lab.note("phase", phase)


@contextmanager
def _watching(lab: Lab, seen: Seen) -> Iterator[None]:
    """Let the observer and every phone watch the active's address meanwhile."""
    lab.observer.watch(seen.address)
    for phone in lab.phones.values():
        phone.watch(seen.address)
    yield
    for name, phone in lab.phones.items():
        pings = phone.stop()
        seen.pings[name] = Watch(seen.address, pings.sent, pings.answers)
    for name, telephone in lab.telephones.items():
        seen.telephones[name] = Telephone.of(telephone, seen.address)
    many = {} if lab.crowd is None else lab.crowd.answers()
    seen.crowd = {one: Watch(seen.address, len(got), got) for one, got in many.items()}
    replies = lab.observer.stop()
    answers = tuple((one.at_s, one.mac) for one in replies)
    seen.observed = Watch(seen.address, len(answers), answers)


def _take_steps(order: Order, drill: Drill, narrator: Narrator) -> None:
    """Take the steps in order; one that is declined ends them, and the drill has failed."""
    _begin(drill, narrator, "steps")
    for number, step in enumerate(order.plan.scenario.whole, 1):
        text = describe(step)
        drill.lab.note("step", text, position=number)
        try:
            with narrator.step(text) as say:
                order.perform(step, drill, say)
            drill.faults.look()
        except _DECLINED as error:
            drill.lab.note("expectation", Verdict.FAILED.value, text=f"{text}: {error}")
            narrator.note(f"{error}")
            break
    _begin(drill, narrator, "heal")
    drill.faults.end_all()
    drill.lab.timekeeper.settle()


def _await_quiet(drill: Drill) -> None:
    """Wait until nothing moves and every queued mail of a running appliance has left."""
    lab = drill.lab
    lab.timekeeper.settle()
    lab.timekeeper.advance(lab.timekeeper.now() + MAIL_LIMIT, lambda: not _waiting_mails(drill))


def _waiting_mails(drill: Drill) -> set[str]:
    running = drill.running()
    told = [one for one in drill.lab.events() if one.node in running]
    # Two threads tell of a mail, so that it may have been sent before it is said to be queued.
    queued, sent = (
        {str(one.detail["message_id"]) for one in told if (one.source, one.event) == which}
        for which in (("appliance", "mail.queued"), ("mail", "sent"))
    )
    return queued - sent


def _read_finally(drill: Drill, seen: Seen) -> None:
    for name in drill.running():
        look(drill, name, "final")
        drill.read(name, "final", "rollback", drill.node(name).ctl(["redundancy", "rollback"]))
        registrations = drill.node(name).ctl(["registrations", "list"])
        drill.read(name, "final", "registrations", registrations)
        drill.read(name, "final", "users", drill.node(name).ctl(["users", "list"]))
        drill.read(name, "final", "changes", find_entries(drill.node(name), drill.entries))
    for station in seen.stations:
        if station.name.startswith("pbx"):
            replies = drill.lab.observer.who_has(station.address)
            macs = sorted({one.mac for one in replies})
            answer = {"address": station.address, "macs": macs}
            drill.read(station.name, "final", "who-has", answer)


def _store(order: Order, lab: Lab, folder: RunFolder, seen: Seen) -> None:
    """Write everything that can still be read, whatever happened before."""
    folder.write_history(lab.events())
    folder.write_stations(seen.stations)
    folder.write_clients(seen.observed, seen.pings, seen.telephones, seen.crowd)
    folder.write_pcap(seen.pcap)
    for appliance in order.drawn.spec.appliances:
        with suppress(LabError, OSError):
            log = lab.appliance(appliance.name).read("log/events.jsonl")
            folder.write_node_log(
                appliance.name, "events.jsonl", seen.logs.get(appliance.name, b"") + log
            )
    with suppress(LabError, OSError):
        folder.write_mails(lab.mail.messages())
