"""The hosted lab with real appliances in it, on every backend that hosts real nodes."""

from __future__ import annotations

import secrets
import socket
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from emulator import factory
from emulator.company import Company
from emulator.hosted import HostedLab, HostedMaker
from emulator.lab import ApplianceSpec, LabError, LabSpec, NodeDown
from emulator.registry import Registry

START = datetime(2025, 1, 14, 8, tzinfo=UTC)


def spec_for(name: str, subnet: str, start: datetime | None) -> LabSpec:
    company = Company(users=2)
    boxes = factory.pair(1, name, subnet, START, secrets.token_bytes, company)
    pbx1 = ApplianceSpec("pbx1", boxes.pbx1, boxes.sounds)
    appliances = (pbx1, ApplianceSpec("pbx2", boxes.pbx2))
    return LabSpec(name, subnet, appliances, seed=1, start=start)


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Registry:
    return Registry(tmp_path_factory.mktemp("state"))


@pytest.fixture(scope="module")
def maker(make_backend, registry: Registry) -> HostedMaker:
    return HostedMaker(make_backend(registry.labs_folder), registry)


@pytest.fixture(scope="module")
def lab(
    maker: HostedMaker, free_subnet, make_backend, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[HostedLab]:
    subnet = str(free_subnet(make_backend(Path("/nowhere"))))
    name = f"hosted-{subnet.split('.')[2]}"
    made = maker.make(spec_for(name, subnet, START), tmp_path_factory.mktemp("work"))
    yield made
    made.down()


def test_lab_that_was_made_answers_ssh_and_pages(lab: HostedLab):
    for name in ("pbx1", "pbx2"):
        node = lab.appliance(name)
        with socket.create_connection((node.address, 22), timeout=5) as ssh:
            assert ssh.recv(4) == b"SSH-"
        with node.browser() as browser:
            assert browser.get("/").status_code < 500


def test_inspect_shows_every_node_with_its_address_and_mac(lab: HostedLab):
    rows = {one.name: one for one in lab.describe()}
    assert set(rows) == {"pbx1", "pbx2", "mail", "observer", "phone1"}
    assert all(one.health == "up" for one in rows.values())
    replies = lab.observer.who_has(rows["pbx1"].address, 0.2)
    assert [one.mac for one in replies] == [rows["pbx1"].mac]
    assert rows["pbx1"].ssh.endswith(f"root@{rows['pbx1'].address}")


def test_events_are_numbered_and_carry_the_served_calendar(lab: HostedLab):
    lab.timekeeper.settle()
    lab.note("phase", "test", what="here")
    events = lab.events()
    assert [one.number for one in events] == list(range(1, len(events) + 1))
    assert {(one.node, one.event) for one in events} >= {("pbx1", "booted"), ("pbx2", "booted")}
    assert events[-1].detail == {"what": "here"}
    assert events[-1].served == lab.timekeeper.now()


def test_appliance_gets_its_address_once_and_no_other(lab: HostedLab):
    changes = [
        (one.event, one.detail["address"])
        for one in lab.events()
        if one.source == "address" and one.node == "pbx2"
    ]
    assert changes == [("added", lab.appliance("pbx2").address)]


def test_cable_out_is_an_event_of_the_wire(lab: HostedLab):
    lab.wire.carrier("mail", up=False)
    mail = next(one.address for one in lab.describe() if one.name == "mail")
    assert lab.observer.who_has(mail, 0.05) == ()
    lab.wire.carrier("mail", up=True)
    assert len(lab.observer.who_has(mail, 0.2)) == 1
    carriers = [one for one in lab.events() if (one.node, one.source) == ("mail", "wire")]
    assert [one.detail["up"] for one in carriers] == [False, True]


def test_program_runs_on_a_station_in_its_own_namespace(lab: HostedLab):
    status, out, _ = lab.execute("observer", ["ip", "-br", "address", "show", "eth0"])
    assert status == 0
    assert b".40/24" in out
    with pytest.raises(LabError, match="has no node nobody"):
        lab.execute("nobody", ["true"])


def test_login_shell_finds_appliancectl_as_on_a_real_box(lab: HostedLab):
    status, out, errors = lab.execute("pbx1", ["bash", "-lc", "appliancectl --json status"])
    assert status == 0, errors
    assert b'"ok": true' in out


def test_power_off_silences_an_appliance_and_boot_brings_its_state_back(lab: HostedLab):
    node = lab.appliance("pbx1")
    node.ctl(["users", "list"])
    lab.timekeeper.settle()
    node.power_off()
    assert lab.observer.who_has(node.address, 0.05) == ()
    with pytest.raises(NodeDown):
        node.ctl(["status"])
    with pytest.raises(NodeDown):
        node.power_off()
    assert "identity.db" in node.files("")
    assert b"booted" in node.read("log/events.jsonl")
    assert next(one.health for one in lab.describe() if one.name == "pbx1") == "off"
    moved = lab.timekeeper.now() + timedelta(minutes=5)
    lab.timekeeper.advance(moved)
    assert lab.timekeeper.now() == moved
    node.boot()
    boots = [one for one in lab.events() if (one.node, one.event) == ("pbx1", "booted")]
    assert boots[-1].served == moved
    assert len(lab.observer.who_has(node.address, 0.2)) == 1


def test_appliance_that_cannot_boot_takes_the_whole_lab_with_it(
    maker: HostedMaker, registry: Registry, free_subnet, make_backend, tmp_path: Path
):
    backend = make_backend(registry.labs_folder)
    subnet = str(free_subnet(backend))
    good = spec_for(f"broken-{subnet.split('.')[2]}", subnet, START)
    box = {**good.appliances[0].factory, "licences": ["nonsense"]}
    broken = replace(good, appliances=(ApplianceSpec("pbx1", box), good.appliances[1]))
    with pytest.raises(LabError, match="pbx1"):
        maker.make(broken, tmp_path)
    assert good.name not in backend.labels()
    assert good.name not in {one.spec.name for one in registry.labs()}
    assert (tmp_path / "nodes" / "pbx1.log").read_text()


def test_kept_lab_is_attached_anew_and_taken_down(
    maker: HostedMaker, registry: Registry, free_subnet, make_backend, tmp_path: Path
):
    backend = make_backend(registry.labs_folder)
    subnet = str(free_subnet(backend))
    name = f"kept-{subnet.split('.')[2]}"
    lab = maker.make(spec_for(name, subnet, None), tmp_path)
    with pytest.raises(LabError, match="belongs to a run"):
        maker.attach(name, tmp_path)
    lab.keep()
    assert registry.repair([backend]) == ()
    again = HostedMaker(make_backend(registry.labs_folder), registry).attach(name, tmp_path)
    try:
        assert again.appliance("pbx2").ctl(["status"])["name"] == "pbx2"
        assert len(again.observer.who_has(again.appliance("pbx1").address, 0.2)) == 1
        again.appliance("pbx1").power_off()
        again.appliance("pbx1").boot()
        assert len(again.observer.who_has(again.appliance("pbx1").address, 0.2)) == 1
    finally:
        again.down()
        again.down()
    assert name not in backend.labels()
