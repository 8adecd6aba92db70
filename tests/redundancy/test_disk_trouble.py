"""This appliance's own disk takes nothing for a while (T11)."""

from __future__ import annotations

import errno
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import pytest
from pair import ACTIVE, Pair, status
from test_overlap import HOUR, Daemon

from redundancy.console import Decision
from redundancy.engine import Engine
from redundancy.engine_console import EngineConsole
from redundancy.errors import DiskFailed, Refused
from redundancy.fakes.time import START
from redundancy.orders import Order
from redundancy.role import fingerprint

FULL = OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.covers("T11")
@pytest.mark.parametrize(
    ("number", "code"), [(errno.ENOSPC, "disk-full"), (errno.EIO, "disk-error")]
)
def test_what_cannot_be_written_down_is_not_remembered_as_done(number: int, code: str) -> None:
    pair = Pair("pbx1")
    pair.services.store.failing = [OSError(number, "no")]
    with pytest.raises(DiskFailed) as caught:
        pair.journal.intend("run-1", "import")
    assert caught.value.code == code
    assert pair.journal.records() == []


@pytest.mark.covers("T11", "D2", "D5")
def test_a_run_that_a_full_disk_broke_off_looks_and_goes_on_when_there_is_space() -> None:
    daemon = Daemon(attempts_max=1)
    store, remote = daemon.services.store, daemon.services.remote

    def fill(argv: Sequence[str], payload: bytes) -> Mapping[str, Any]:
        store.failing = [FULL]
        return daemon._import(argv, payload)

    remote.answer("import", fill)
    daemon.until(HOUR + timedelta(minutes=30))
    # The record of success could not be written; a minute later the standby is looked at.
    events = [one.event for one in daemon.engine.journal.records("run-1")]
    assert events[-1] == "run.succeeded"
    assert sum(one.argv[0] == "import" for one in remote.calls) == 1
    assert [one.cause for one in daemon.services.reports if one.event == "trouble"] == ["disk-full"]


def test_what_an_appliance_declines_that_ends_is_no_trouble() -> None:
    daemon = Daemon()

    def end(_argv: Sequence[str], _payload: bytes) -> Mapping[str, Any]:
        daemon.engine.stop()
        raise Refused("booting", "the appliance is still booting")

    daemon.services.local.answer("status", end)
    daemon.until(HOUR + timedelta(minutes=30))
    assert daemon.told("trouble") == []


@pytest.mark.covers("F6", "T11")
def test_a_switchover_that_a_full_disk_broke_off_is_completed_when_there_is_space() -> None:
    pair = Pair("pbx2")
    local, calendar = pair.services.local, pair.services.calendar
    taken = {"operation": "switchover-1", "epoch": 2, "settled": False}
    own = fingerprint("BBBBB-BBBBB-BBBBB-22222")

    def take_over(_argv: Sequence[str], _payload: bytes) -> Mapping[str, Any]:
        pair.services.store.failing = [FULL]
        lineage = {"epoch": 2, "holder": own, "generation": 4}
        network = {**status("pbx2")["network"], "address": ACTIVE}
        local.answer("status", status("pbx2", lineage=lineage, takeover=taken, network=network))
        return taken

    local.answer("takeover", take_over)
    local.answer("modules activate", {"modules": ["trunks"]})
    local.answer("users list", {"users": []})
    local.answer("settle", {**taken, "settled": True})
    engine = Engine(pair.services)
    console = EngineConsole(pair.services, engine)
    order: Order[Decision] = Order("admin", calendar.bell())
    calendar.at(START + timedelta(seconds=1), lambda: engine.orders.put(click))
    calendar.at(START + timedelta(minutes=5), engine.stop)

    def click() -> None:
        console._switch(order, engine.look, confirmed=True, override="")

    engine.start()
    pair.services.run("redundanz")
    told = [one.event for one in engine.journal.records("switchover-1")]
    assert told[-1] == "switchover.finished"
    assert "switchover.resumed" in told
    assert pair.services.addresses.announced == [ACTIVE] * 5
    assert order.decision is not None
    assert (order.decision.outcome, order.decision.code) == ("claimed", "unfinished")
    assert ("why", "disk-full") in order.decision.reasons
    assert order.decision.address == ACTIVE


@pytest.mark.covers("F6", "T11")
def test_a_click_that_a_full_disk_broke_off_before_the_claim_is_refused() -> None:
    pair = Pair("pbx2")
    pair.services.store.failing = [FULL]
    engine = Engine(pair.services)
    order: Order[Decision] = Order("admin", pair.services.calendar.bell())

    with pytest.raises(DiskFailed):
        EngineConsole(pair.services, engine)._switch(
            order, engine.look, confirmed=True, override=""
        )

    assert order.decision is not None
    assert (order.decision.outcome, order.decision.code) == ("refused", "disk-full")


@pytest.mark.covers("F1", "T11")
def test_a_disk_that_stays_full_keeps_nobody_waiting_for_an_answer() -> None:
    daemon = Daemon()
    answered: list[str] = []

    def fill(_argv: Sequence[str], _payload: bytes) -> Mapping[str, Any]:
        daemon.services.store.failing = [FULL] * 20  # the run cannot even fail
        return {}

    daemon.services.remote.answer("fence", fill)
    daemon.at(
        HOUR + timedelta(seconds=30),
        lambda: daemon.engine.orders.put(lambda: answered.append("done")),
    )
    daemon.until(HOUR + timedelta(minutes=5))
    assert answered == ["done"]


@pytest.mark.covers("D5", "T11")
def test_a_run_is_over_only_when_the_mail_about_it_could_be_queued() -> None:
    daemon = Daemon(attempts_max=1)
    local, remote = daemon.services.local, daemon.services.remote
    queue, refusals = daemon.pair.mails, [Refused("disk-full", "no room")] * 3
    remote.answer("import", Refused("disk-full", "no room"))

    def enqueue(_argv: Sequence[str], _payload: bytes) -> Mapping[str, Any]:
        if refusals:
            raise refusals.pop()
        return {"queued": 1, "known": 0}

    local.answer("mail enqueue", enqueue)
    daemon.until(HOUR + timedelta(minutes=30))

    records = daemon.engine.journal.records("run-1")
    assert [one.event for one in records][-1] == "run.failed"
    assert not refusals
    failed = next(one for one in records if one.event == "run.failed")
    attempt = next(one for one in records if one.event == "attempt.failed")
    assert failed.at - attempt.at == timedelta(minutes=3), "a look a minute until there is room"
    assert len({one["message_id"] for one in queue()}) == 1
