"""Steps of a rollback carried out through the fakes."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any

import pytest
from pair import ACTIVE, KEYS, STANDBY, Pair, configuration, network, origin, status

from redundancy import rollback_view, rolling_back
from redundancy.client import Appliance
from redundancy.console import StepDecision
from redundancy.contract import Status
from redundancy.engine import Engine
from redundancy.errors import Refused
from redundancy.journal import Journal
from redundancy.role import fingerprint
from redundancy.rolling_back import RollingBack
from redundancy.situation import Situation
from redundancy.watch import CloseWatch

MAC = "02:00:00:00:00:10"
HELD = {"epoch": 2, "holder": fingerprint(KEYS["pbx2"]), "generation": 5}
BACKUP = {
    "file": "full.sar", "path": "/backups/full.sar", "epoch": 2, "generation": 6,
    "version": "8.1.2.5", "taken_at": "2030-01-07T12:00:00Z", "size": 1000, "sha256": "ab" * 32,
}  # fmt: skip


class Box:
    """One appliance whose answers follow what was ordered of it."""

    def __init__(self, name: str, **changes: Any) -> None:
        self.pair = Pair(name)
        self.now = status(name, lineage=HELD, **changes)
        self.kept: Mapping[str, Any] | None = None
        self.deadly = -1  # the command before which the power goes
        local = self.pair.services.local
        local.answer("status", lambda _argv, _data: self._count(self.now))
        local.answer("record get", lambda _argv, _data: self._count({"values": self.kept}))
        local.answer("record put", self._keep)
        local.answer("network set", self._readdress)
        local.answer("epoch open", self._open)
        local.answer("backup compare", {"objects": ["users/7"]})
        for one in ("modules rest", "modules activate"):
            local.answer(one, lambda _argv, _data: self._count({"modules": []}))
        local.answer("shutdown", {})
        local.answer("backup create", BACKUP)
        local.answer("backup hold", {})

    def order(self, step: str) -> StepDecision:
        answers: list[StepDecision] = []
        self._rolling(answers.append).order(rolling_back.named(step), "admin")
        return answers[0]

    def close_after_run(self) -> None:
        self._rolling(lambda _decision: None).close_after_run()

    def _rolling(self, answer: Callable[[StepDecision], None]) -> RollingBack:
        services = self.pair.services
        watch = CloseWatch(services.addresses, services.stopwatch)
        # A journal that is read anew, as after a restart.
        self.pair.journal = Journal(services.store, services.calendar, services.report)
        return RollingBack(
            services, self.pair.journal, self.pair.settings, self.pair.desk, watch, answer
        )

    def view(self) -> Any:
        local = Appliance(self.pair.services.local)
        current = Status.model_validate(self.now)
        return rollback_view.view(local, self.pair.journal, Situation(current, self.pair.settings))

    def commands(self) -> list[str]:
        reads = ("status", "record get", "module get", "mail")
        return [one for one in self.pair.services.local.commands() if not one.startswith(reads)]

    def _count(self, answer: Mapping[str, Any]) -> Mapping[str, Any]:
        self.deadly -= 1
        if self.deadly == 0:
            raise PowerLost
        return answer

    def _keep(self, _argv: Sequence[str], data: bytes) -> Mapping[str, Any]:
        self.kept = json.loads(data)
        return self._count({})

    def _readdress(self, argv: Sequence[str], _data: bytes) -> Mapping[str, Any]:
        self.now = {**self.now, "network": network(argv[argv.index("--address") + 1])}
        return self._count({})

    def _open(self, argv: Sequence[str], _data: bytes) -> Mapping[str, Any]:
        lineage = {**self.now["lineage"], "epoch": int(argv[-1])}
        self.now = {**self.now, "lineage": {**lineage, "holder": fingerprint(KEYS["pbx1"])}}
        return self._count(self.now["lineage"])


class PowerLost(BaseException):
    """What ends a program in the middle of everything."""


@pytest.fixture
def acting() -> Box:
    return Box("pbx2", network=network(ACTIVE), origin=origin(3))


@pytest.fixture
def original(acting: Box) -> Box:
    acting.order("backup")
    restored = {**origin(5), "epoch": 2}
    box = Box("pbx1", origin=restored, modules=[])
    box.kept = acting.kept
    return box


@pytest.mark.covers("D16", "D18")
def test_the_backup_carries_the_record_of_its_rollback(acting: Box) -> None:
    assert acting.order("backup").outcome == "done"
    words = [one.split()[:2] for one in acting.commands()]
    assert words == [["record", "put"], ["backup", "create"], ["backup", "hold"]]
    assert acting.kept is not None
    (line,) = acting.kept["records"]
    assert line["detail"]["network"]["address"] == ACTIVE
    assert acting.view().unsaved == ("users/7",)


@pytest.mark.covers("D16", "R57")
def test_the_acting_active_goes_to_its_own_address_and_its_modules_rest(acting: Box) -> None:
    acting.order("backup")
    assert acting.order("readdress") == StepDecision("accepted", "readdress")
    assert any(f"network set --address {STANDBY}" in one for one in acting.commands())
    assert acting.commands()[-1] == "modules rest"
    assert acting.view().lost == ("users/7",)
    assert acting.order("shutdown").outcome == "accepted"
    assert acting.commands()[-1] == "shutdown"
    assert acting.view().next.name == "import"


def test_it_does_not_go_where_another_answers(acting: Box) -> None:
    acting.order("backup")
    acting.pair.services.addresses.answer(STANDBY, MAC)
    assert acting.order("readdress").code == "address-answers"
    assert not any(one.startswith("network") for one in acting.commands())


def test_without_an_address_of_its_own_it_stays_and_a_mail_says_so(acting: Box) -> None:
    acting.pair.settings = configuration(standby_server="")
    acting.order("backup")
    acting.order("readdress")
    assert acting.view().refused[1] == "standby-address-missing"
    assert len(acting.pair.mails()) == 1


@pytest.mark.covers("D18")
def test_the_original_goes_on_where_the_record_leaves_off(original: Box) -> None:
    assert original.view().next.name == "import"
    for step in ("import", "identity", "phones"):
        assert original.order(step).outcome == "done", step
    words = [" ".join(one.split()[:2]) for one in original.commands()]
    assert words == ["epoch open", "module put", "modules activate"]
    assert original.pair.services.addresses.announced == [ACTIVE] * 5
    assert original.now["lineage"]["epoch"] == 3
    assert original.view().next.name == "redundancy"
    assert original.order("redundancy").code == "not-protected"


def test_the_next_run_that_succeeds_ends_the_rollback(original: Box) -> None:
    for step in ("import", "identity", "phones"):
        original.order(step)
    original.pair.journal.tell("run-1", "run.succeeded")
    assert original.view().protected
    assert original.order("redundancy").outcome == "done"
    assert "rollback.finished" in original.pair.services.events()


@pytest.mark.covers("R57")
def test_once_the_pair_is_protected_nothing_is_left_to_a_person(original: Box) -> None:
    for step in ("import", "identity", "phones"):
        original.order(step)
    assert original.order("redundancy").code == "not-protected"
    assert original.view().refused[1] == "not-protected"
    original.pair.journal.tell("run-1", "run.succeeded")
    seen = original.view()
    assert (seen.next, seen.refused, seen.protected) == (None, None, True)


def test_a_run_does_not_stand_for_the_phones(original: Box) -> None:
    for step in ("import", "identity"):
        original.order(step)
    original.pair.journal.tell("run-1", "run.succeeded")
    assert original.view().next.name == "phones"


@pytest.mark.covers("R57", "D5")
def test_a_rollback_that_no_run_has_followed_is_not_ended_and_nothing_is_said(
    original: Box,
) -> None:
    original.pair.journal.tell("run-1", "run.succeeded")
    for step in ("import", "identity", "phones"):
        original.order(step)
    original.close_after_run()
    assert original.view().next.name == "redundancy"
    assert original.pair.mails() == []
    original.pair.journal.tell("run-2", "run.succeeded")
    original.close_after_run()
    assert original.view().next is None


@pytest.mark.covers("R57", "F6")
@pytest.mark.parametrize("deadly", range(1, 8))
def test_a_rollback_that_was_cut_off_as_it_began_goes_on_under_its_number(
    acting: Box, deadly: int
) -> None:
    for step in ("backup", "readdress", "abandon"):
        acting.order(step)
    acting.deadly = deadly
    with contextlib.suppress(PowerLost):
        acting.order("backup")
    acting.deadly = -1
    assert acting.order("backup").outcome == "done"
    begun = [one for one in acting.pair.journal.records() if one.event == "rollback.started"]
    assert [one.operation for one in begun] == ["rollback-1", "rollback-2"]


@pytest.mark.covers("R57", "F6")
def test_a_power_cut_right_after_the_run_that_ends_the_rollback_does_not_keep_it_open(
    original: Box,
) -> None:
    for step in ("import", "identity", "phones"):
        original.order(step)
    original.pair.journal.tell("run-1", "run.succeeded")
    services = original.pair.services
    daemon = Engine(services)
    services.calendar.at(services.calendar.now() + timedelta(minutes=1), daemon.stop)
    daemon.start()
    services.run("redundanz")
    assert "rollback.finished" in services.events()


@pytest.mark.parametrize("step", ["import", "identity"])
@pytest.mark.covers("R58")
def test_the_original_takes_nothing_that_another_holds(original: Box, step: str) -> None:
    if step == "identity":
        original.order("import")
    original.pair.services.addresses.answer(ACTIVE, MAC)
    decision = original.order(step)
    assert (decision.code, decision.reasons) == ("address-answers", (("mac", MAC),))
    assert original.commands() == []
    assert original.now["lineage"]["epoch"] == 2


def test_with_the_licences_of_the_other_box_it_does_not_become_the_active(original: Box) -> None:
    original.order("import")
    original.now = {**original.now, "licences": status("pbx2")["licences"]}
    assert original.order("identity").code == "licences-missing"
    assert len(original.pair.mails()) == 1


def test_replacement_hardware_takes_the_part_once_the_configuration_names_its_key(
    original: Box,
) -> None:
    own = "CCCCC-CCCCC-CCCCC-33333"
    licences = [
        {"kind": "server", "fingerprint": fingerprint(own), "redacted": "…"},
        {"kind": "user", "users": 9, "fingerprint": "u-new", "redacted": "…"},
        {"kind": "module", "module": "redundanz", "fingerprint": "m-new", "redacted": "…"},
    ]
    original.now = {**original.now, "hardware_id": "hw-new", "licences": licences}
    original.order("import")
    assert original.order("identity").code == "licences-missing"
    original.pair.settings = configuration(licence_key=own)
    original.order("identity")
    assert any(one.startswith("epoch open") for one in original.commands())


def test_a_record_that_nobody_would_have_written_counts_as_none(original: Box) -> None:
    for wrong in ({}, {"records": 7}, {"records": [{"at": "x"}]}, {"records": [{}]}):
        original.kept = wrong
        assert original.view().part is None
    with pytest.raises(Refused, match="knows of no rollback"):
        original.order("import")


@pytest.mark.parametrize("deadly", range(1, 40))
@pytest.mark.parametrize("step", ["backup", "readdress", "identity"])
def test_a_step_that_was_cut_off_is_completed_when_it_is_ordered_again(
    acting: Box, original: Box, step: str, deadly: int
) -> None:
    box = original if step == "identity" else acting
    before = {"backup": [], "readdress": ["backup"], "identity": ["import"]}[step]
    for one in before:
        box.order(one)
    box.deadly = deadly
    try:
        box.order(step)
    except PowerLost:
        box.order(step)
    box.deadly = -1
    assert step in [one.name for one in box.view().steps if one.stand == "done"]


def test_every_refusal_is_one_message(acting: Box) -> None:
    acting.order("backup")
    acting.pair.services.addresses.answer(STANDBY, MAC)
    for _ in range(2):
        acting.order("readdress")
    identifiers = [one["message_id"] for one in acting.pair.mails()]
    assert len(identifiers) == len(set(identifiers)) == 2


def test_a_step_that_does_not_exist_is_refused_with_the_list() -> None:
    with pytest.raises(Refused) as refused:
        rolling_back.named("jump")
    assert "readdress" in refused.value.remedy
