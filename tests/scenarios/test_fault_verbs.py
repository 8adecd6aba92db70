"""Each fault verb of the language: what it does, that it ends, and what it leaves.

Every verb meets a pair of its own in simulation, which is looked at before, during and after.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, get_args

import pytest
from drills import Maker, Wrapped, order, small

from emulator.lab import Lab, LabError
from scenarios.faulting import Faults, fault_of
from scenarios.feasible import impossible
from scenarios.loading import read
from scenarios.making import Workshop
from scenarios.models.faults import FaultStep
from scenarios.models.scenario import Scenario
from scenarios.narration import Silence
from scenarios.places import NewPlaces
from scenarios.runner import run

HOUR = timedelta(hours=1)
LOG = "log/events.jsonl"
NOBODY: tuple[str, ...] = ()
ENDS = {"run.succeeded", "run.failed", "run.refused"}
COPY = "  - copy disk: {of: pbx1, as: sunday}\n"
TEXT = """
id: one-fault
title: A pair that one fault befalls
covers: [T1]
lab:
  users: 2
  phones: 1
  attempts max: 1
  schedule: {every: 1 day, first in: 20 h}
  module: {stall limit: 3 s}
steps:
{COPY}  - {STEP}
expect:
  - answers: {for: pbx1, only: pbx1}
"""


def scenario(step: str) -> Scenario:
    text = TEXT.replace("{STEP}", step).replace("{COPY}", COPY if "swap disk" in step else "")
    return read(text, "one-fault.yaml")


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    plan = scenario("wait: 1 s").lab
    made = Workshop(tmp_path, Silence(), NewPlaces(Silence())).pair("verbs", "sim", plan, 1).lab
    yield made
    made.down()


# What is looked at


def transfer(lab: Lab) -> str:
    """Order a run; how it ended, and why."""
    known = len(lab.events())

    def ends() -> list[str]:
        fresh = lab.events()[known:]
        return [one.cause or one.event for one in fresh if one.event in ENDS]

    lab.appliance("pbx1").ctl(["redundancy", "run"])
    keeper = lab.timekeeper
    keeper.advance(keeper.now() + HOUR, lambda: bool(ends()))
    return ends()[0]


def slowly(lab: Lab) -> str:
    """Order a run; whether it took seconds."""
    since_s = lab.wall_s()
    ended = transfer(lab)
    return f"{ended}, slowly" if lab.wall_s() - since_s > 2 else ended


def holders(lab: Lab) -> tuple[str, ...]:
    """Ask who has pbx1's address."""
    replies = lab.observer.who_has(lab.levers.address("pbx1"))
    mac = next(str(one.factory["mac"]) for one in lab.spec.appliances if one.name == "pbx1")
    return tuple("pbx1" if one.mac == mac else "a stranger" for one in replies)


def pings(lab: Lab) -> str:
    """Let the phone ping pbx1's address for two seconds."""
    phone = lab.phones["phone1"]
    phone.watch(lab.levers.address("pbx1"))
    lab.pause(2.0)
    seen = phone.stop()
    share = len(seen.answers) / seen.sent
    return "all" if share == 1 else "none" if share == 0 else "some"


_numbers = itertools.count(1)


def mailed(lab: Lab) -> str:
    """Queue a message at pbx1; what became of the first that was tried then."""
    known = len(lab.events())
    since_s = lab.wall_s()
    number = next(_numbers)
    mail = {"message_id": f"<{number}@x>", "recipient": f"to{number}@x.test"}
    text = json.dumps([{**mail, "subject": "s", "body": "b"}]).encode()

    def tried() -> list[str]:
        return [one.event for one in lab.events()[known:] if one.source == "mail"]

    lab.appliance("pbx1").ctl(["mail", "enqueue"], text)
    keeper = lab.timekeeper
    keeper.advance(keeper.now() + HOUR, lambda: bool(tried()))
    return f"{tried()[0]}, slowly" if lab.wall_s() - since_s > 3 else tried()[0]


def stored(lab: Lab) -> bytes:
    """Read the first stored file of pbx1."""
    path = lab.levers.paths("pbx1", "blobs")[0]
    return lab.levers.read("pbx1", path)


def unsynced(lab: Lab) -> str:
    """Cut pbx1's power; how much is left of what its log has got since the last cut."""

    def cut() -> int:
        lab.levers.power_off("pbx1")
        size = len(lab.levers.read("pbx1", LOG))
        lab.levers.boot("pbx1")
        return size

    durable, written = cut(), len(lab.levers.read("pbx1", LOG))
    share = (cut() - durable) / (written - durable)
    return "all" if share == 1 else "half" if 0.4 < share < 0.6 else f"{share:.0%}"


def committed(lab: Lab) -> str:
    """Add a user to pbx1 and cut its power; whether the user is there afterwards."""
    login = add_user(lab)
    lab.levers.power_off("pbx1")
    lab.levers.boot("pbx1")
    return "kept" if login in logins(lab) else "lost"


def add_user(lab: Lab) -> str:
    login = str(7000 + next(_numbers))
    lab.appliance("pbx1").ctl(["users", "add", "--login", login, "--name", "Ann"])
    return login


def logins(lab: Lab) -> set[str]:
    return {str(one["login"]) for one in lab.appliance("pbx1").ctl(["users", "list"])["users"]}


@dataclass(frozen=True)
class Case:
    """A fault, what is looked at, and what is seen before, during and after it."""

    step: str
    look: Callable[[Lab], Any]
    before: Any
    during: Any
    after: Any


def passing(step: str, during: str, look: Callable[[Lab], Any] = transfer) -> Case:
    """A fault of a run after which all is as before."""
    return Case(step, look, "run.succeeded", during, "run.succeeded")


LOST = "connection-lost"
CASES = [
    passing("cut transfer: {into: pbx2, after: 60 %}", LOST),
    passing("flip bit: {into: pbx2, after: 60 %}", "checksum"),
    passing("hold receiver: {into: pbx2, after: 60 %}", LOST),
    passing("feign import: {node: pbx2}", "not-imported"),
    passing("drop: {from: pbx1, to: pbx2}", LOST),
    passing("drop one way: {from: pbx1, to: pbx2}", LOST),
    passing("drop one way: {from: pbx2, to: pbx1}", LOST),
    passing("reset: {from: pbx1, to: pbx2}", LOST),
    passing("throttle: {into: pbx2, to: 2 kB/s}", "run.succeeded, slowly", slowly),
    passing("part lan: {off: [pbx1]}", LOST),
    passing("fill disk: {on: pbx2, leaving: 1 kB}", "disk-full"),
    passing("fail reads: {on: pbx2, of: blobs}", "disk-error"),
    passing("stop ssh: {node: pbx2}", LOST),
    passing("move ssh: {node: pbx2, to: 2222}", LOST),
    passing("change password: {node: pbx2}", "authentication-failed"),
    passing("freeze: pbx2", LOST),
    passing("kill: {node: pbx2, back in: 2 s}", LOST),
    Case("power off: pbx1", holders, ("pbx1",), NOBODY, NOBODY),  # `power on` ends it
    Case("unplug: pbx1", holders, ("pbx1",), NOBODY, ("pbx1",)),
    Case("part lan: {off: [pbx1]}", holders, ("pbx1",), NOBODY, ("pbx1",)),
    Case("freeze: pbx1", holders, ("pbx1",), ("pbx1",), ("pbx1",)),  # its kernel answers
    Case("rogue: {takes: pbx1}", holders, ("pbx1",), ("pbx1", "a stranger"), ("pbx1",)),
    Case("lose packets: {of: pbx1, part: 50 %}", pings, "all", "some", "all"),
    Case("flap: {node: pbx1, down: 200 ms, up: 1 s, times: 2}", pings, "all", "some", "all"),
    Case("change host key: pbx2", transfer, "run.succeeded", *["host-key-changed"] * 2),
    Case("disk cache: {of: pbx1, is: torn}", unsynced, "0%", "half", "0%"),
    Case("disk cache: {of: pbx1, is: kept}", unsynced, "0%", "all", "0%"),
    Case("disk cache: {of: pbx1, is: lying}", committed, "kept", "lost", "kept"),
    Case("mail server: {is: down}", mailed, "sent", "deferred", "sent"),
    Case("mail server: {is: refusing}", mailed, "sent", "deferred", "sent"),
    Case("mail server: {is: greylisting}", mailed, "sent", "deferred", "sent"),
    Case("mail server: {is: slow, answers after: 5 s}", mailed, "sent", "sent, slowly", "sent"),
]
DAMAGES = tuple(f"damage: {{on: pbx1, file: blob, by: {way}}}" for way in ("one bit", "truncation"))
SWAP = "swap disk: {of: pbx1, to: sunday}"
LACKING = {
    *("drop", "drop one way", "reset", "throttle", "lose packets", "part lan"),
    *("unplug", "flap", "rogue", "freeze", "disk cache", "swap disk"),
}  # what a kernel, or a simulated disk, must be able to do; the rig and the plug are everywhere


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.step)
def test_a_fault_acts_from_its_beginning_to_its_end_and_the_history_tells_it(
    lab: Lab, case: Case
) -> None:
    faults = Faults(lab)
    assert case.look(lab) == case.before

    name = faults.begin(scenario(case.step).steps[-1])
    assert case.look(lab) == case.during
    faults.end(name)

    assert case.look(lab) == case.after
    told = {one.event: one.detail for one in lab.events() if one.event.startswith("fault")}
    assert [told[one]["name"] for one in ("fault", "fault.fired", "fault.ended")] == [name] * 3
    assert told["fault.ended"]["fired"] > 0
    with pytest.raises(LabError, match="there is no fault"):
        faults.end(name)


@pytest.mark.parametrize("step", DAMAGES)
def test_a_stored_file_is_damaged_once_and_for_all(lab: Lab, step: str) -> None:
    faults, whole = Faults(lab), stored(lab)

    faults.end(faults.begin(scenario(step).steps[-1]))

    found = stored(lab)
    if "truncation" in step:
        assert found == whole[: len(whole) // 2]
    else:
        assert sum((a ^ b).bit_count() for a, b in zip(whole, found, strict=True)) == 1


def test_damage_to_what_is_not_there_is_refused_with_the_remedy(lab: Lab) -> None:
    step = scenario("damage: {on: pbx2, file: backup, by: one bit}").steps[-1]

    with pytest.raises(LabError, match=r"no file \.sar in backups") as caught:
        Faults(lab).begin(step)

    assert "backup" in caught.value.remedy


def test_a_box_comes_up_from_the_disk_that_it_was_given(lab: Lab) -> None:
    lab.levers.copy_disk("pbx1", "sunday")
    login = add_user(lab)
    faults, step = Faults(lab), scenario(SWAP).steps[-1]
    with pytest.raises(LabError):
        faults.begin(step)  # it is on
    lab.levers.power_off("pbx1")

    faults.end(faults.begin(step))

    lab.levers.boot("pbx1")
    assert login not in logins(lab)


@pytest.mark.parametrize("span", ["3 s on the stopwatch", "20 min on the calendar"])
def test_a_fault_with_a_time_ends_by_itself(lab: Lab, span: str) -> None:
    faults = Faults(lab)
    faults.begin(scenario(f"unplug: {{node: pbx1, for: {span}}}").steps[-1])
    assert holders(lab) == NOBODY

    lab.pause(3.0)
    lab.timekeeper.advance(lab.timekeeper.now() + timedelta(minutes=20))

    assert holders(lab) == ("pbx1",)
    faults.look()


def test_what_is_left_at_the_end_of_a_drill_is_undone_but_a_plug_that_was_pulled(lab: Lab) -> None:
    faults = Faults(lab)
    for step in ("drop: {from: pbx1, to: pbx2}", "fill disk: {on: pbx1, leaving: 1 kB}"):
        faults.begin(scenario(step).steps[-1])
    faults.end_all()
    assert transfer(lab) == "run.succeeded"

    faults.begin(scenario("power off: pbx1").steps[-1])
    faults.end_all()

    assert not lab.appliance("pbx1").running()


def test_a_fault_that_meets_nothing_never_fires(lab: Lab) -> None:
    faults = Faults(lab)

    faults.end(faults.begin(scenario("cut transfer: {into: pbx2, after: 60 %}").steps[-1]))

    told = [one.event for one in lab.events() if one.event.startswith("fault")]
    assert told == ["fault", "fault.ended"]


# What this computer cannot do


def verb_of(step: str) -> str:
    return step.partition(":")[0]


def test_every_verb_of_the_language_stands_here() -> None:
    tags = {get_args(one)[1].tag for one in get_args(get_args(FaultStep)[0])}

    assert {verb_of(one) for one in (*(case.step for case in CASES), *DAMAGES, SWAP)} == tags


@pytest.mark.parametrize("step", [*(case.step for case in CASES), *DAMAGES, SWAP])
def test_a_lab_that_lacks_something_says_before_the_first_step_which_fault_it_cannot_do(
    lab: Lab, step: str
) -> None:
    given = scenario(step)
    needs = fault_of(given.steps[-1])[0].needs()
    levers = Wrapped(lab.levers, lacks=lambda ability: f"no {ability} here")  # type: ignore[arg-type] - levers instead of a lab

    missing = impossible(given, Wrapped(lab, levers=levers))

    assert missing == [f"{need}: no {need} here" for need in sorted(needs)]
    assert bool(needs) == (verb_of(step) in LACKING)


def test_a_drill_that_cannot_be_done_here_takes_no_step(tmp_path: Path) -> None:
    def wrap(lab: Lab) -> Any:
        lacking = Wrapped(lab.levers, lacks=lambda ability: f"the kernel has no {ability}")  # type: ignore[arg-type] - levers instead of a lab
        return Wrapped(lab, levers=lacking)

    maker = Maker(wrap)
    given = small("- power off: pbx2", "- unplug: {node: pbx2, for: 1 s on the stopwatch}")

    with pytest.raises(LabError, match="carrier: the kernel has no carrier") as caught:
        run(order(given, tmp_path / "run", maker), Silence())

    assert "--backend sim" in caught.value.remedy
    assert not [one for one in maker.made[0].events() if one.event in {"step", "fault"}]
