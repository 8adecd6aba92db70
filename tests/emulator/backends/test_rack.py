"""A lab on nodes that were cleared is like one on new nodes, whatever the lab before did."""

from __future__ import annotations

import json
import secrets
import smtplib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from emulator import factory
from emulator.addressing import table_of
from emulator.backends import LabBackend, Lan
from emulator.company import Company
from emulator.hosted import HostedLab
from emulator.lab import ApplianceSpec, LabError, LabSpec
from emulator.levers import Obstruction
from emulator.rack import Rack
from emulator.registry import Registry
from emulator.subnets import parse_subnet

START = datetime(2025, 1, 14, 8, tzinfo=UTC)
BOXES = ("pbx1", "pbx2")


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Registry:
    return Registry(tmp_path_factory.mktemp("state"))


@pytest.fixture(scope="module")
def backend(make_backend, registry: Registry) -> LabBackend:
    return make_backend(registry.labs_folder)


@pytest.fixture
def rack(backend: LabBackend, registry: Registry, free_subnet) -> Iterator[Rack]:
    subnet = str(free_subnet(backend))
    made = Rack(backend, registry, f"rack-{subnet.split('.')[2]}")
    yield made
    made.clear_out()


def spec_for(rack: Rack) -> LabSpec:
    made = factory.pair(1, rack.name, rack.subnet, START, secrets.token_bytes, Company(users=2))
    boxes = (ApplianceSpec("pbx1", made.pbx1, made.sounds), ApplianceSpec("pbx2", made.pbx2))
    return LabSpec(rack.name, rack.subnet, boxes, seed=1, start=START)


def lan_of(lab: HostedLab) -> Lan:
    return Lan(lab.spec.name, parse_subnet(lab.spec.subnet))


def run(lab: HostedLab, node: str, *argv: str) -> str:
    status, out, errors = lab.execute(node, argv)
    assert status == 0, errors
    return out.decode()


def neighbours(lab: HostedLab, node: str) -> set[tuple[str, str]]:
    rows = json.loads(run(lab, node, "ip", "-j", "neigh"))
    return {(row["dst"], row["lladdr"]) for row in rows if "lladdr" in row}


def addresses(lab: HostedLab, node: str) -> list[tuple[str, str, list[str]]]:
    rows = json.loads(run(lab, node, "ip", "-j", "addr"))
    return [
        (row["ifname"], row["address"], [one["local"] for one in row["addr_info"]]) for row in rows
    ]


def programs(lab: HostedLab, node: str) -> list[str]:
    """Return what runs on a node; the SIP server's workers, which come one by one, as one."""
    found = run(lab, node, "sh", "-c", "cat /proc/[0-9]*/comm").split()
    return sorted([one for one in found if one != "kamailio"] + list({"kamailio"} & set(found)))


def portrait_of_box(lab: HostedLab, name: str) -> dict[str, Any]:
    """Return all that tells one life of an appliance from another, but what is drawn anew."""
    node = lab.appliance(name)
    status = dict(node.ctl(["status"]))
    status.pop("health")  # uptime and free space pass by themselves
    return {
        "status": status,
        "digest": node.ctl(["content", "digest"]),
        "state": sorted(lab.levers.paths(name, "")),
        "module": node.files("module/redundanz"),
        "log": [json.loads(line)["event"] for line in node.read("log/events.jsonl").splitlines()],
        "mails": node.ctl(["mail", "list"]),
        "volatile": run(lab, name, "sh", "-c", "find /run /etc | sort"),
        "accounts": [line.split(":")[0] for line in run(lab, name, "cat", "/etc/shadow").split()],
        "addresses": addresses(lab, name),
        "routes": json.loads(run(lab, name, "ip", "-j", "route")),
        "neighbours": neighbours(lab, name),
        "programs": programs(lab, name),
    }


def portrait(lab: HostedLab, backend: LabBackend) -> dict[str, Any]:
    """Return what a lab looks like once it has booted."""
    lab.timekeeper.settle()
    seen: dict[str, Any] = {name: portrait_of_box(lab, name) for name in BOXES}
    for name in ("mail", "observer", "phone1"):
        seen[name] = addresses(lab, name), neighbours(lab, name)
    lan = lan_of(lab)
    bridge = backend.bridge(lan)
    for name, argv, own in (
        ("cables", ("ls", f"/sys/class/net/{bridge}/brif"), ""),
        ("shapers", ("tc", "qdisc", "show"), "tbf"),
        ("filters", ("nft", "list", "tables"), table_of(bridge)),
    ):
        done = backend.execute(lan, "switch", argv)
        assert done.status == 0, done.err
        seen[name] = [one for one in done.out.decode().split() if own in one]
    seen["taken"] = lab.mail.messages()
    seen["events"] = sorted((one.node, one.source, one.event) for one in lab.events())
    seen["holders"] = [
        {one.mac for one in lab.observer.who_has(lab.appliance(name).address, 0.1)}
        for name in BOXES
    ]
    return seen


def leave_traces(lab: HostedLab) -> None:
    """Do to a lab what drills do, and heal nothing of it."""
    pbx1, pbx2 = (lab.appliance(name) for name in BOXES)
    pbx1.ctl(["users", "add", "--login", "9999", "--name", "Late Comer"])
    pbx1.ctl(["backup", "create", "--operation", "initial-1"])
    pbx1.pull("clock.shift", {"by_s": 3600.0})
    run(lab, "pbx2", "sh", "-c", "echo x > /run/left; sleep 1000 > /dev/null 2>&1 & true")
    run(lab, "pbx2", "sh", "-c", "passwd -d root 2>&1 || sed -i s/^root:[^:]*/root:/ /etc/shadow")
    run(lab, "pbx2", "ip", "addr", "add", f"{pbx1.address}/24", "dev", "eth0")
    run(lab, "pbx2", "sh", "-c", f"echo | timeout 2 cat > /dev/tcp/{pbx1.address}/22 || true")
    with smtplib.SMTP(f"{lan_of(lab).subnet[30]}", timeout=10) as server:
        server.sendmail("a@example.com", ["b@example.com"], "Message-ID: <1@lab>\r\n\r\nx\r\n")
    lab.levers.mail("down", 0.0)
    lab.levers.stranger(pbx2.address)
    sides = {"sources": frozenset({"pbx1"}), "targets": frozenset({"pbx2"})}
    lab.levers.obstruct(Obstruction("drop", **sides))
    lab.levers.obstruct(Obstruction("rate", **sides, bytes_per_s=50_000))
    lab.wire.capture()
    lab.phones["phone1"].watch(pbx1.address)
    lab.observer.watch(pbx2.address)
    lab.wire.carrier("mail", up=False)


def test_a_lab_on_cleared_nodes_looks_like_one_on_new_nodes(
    rack: Rack, backend: LabBackend, tmp_path: Path
):
    spec = spec_for(rack)
    fresh = rack.make(spec, tmp_path)
    first = portrait(fresh, backend)
    leave_traces(fresh)
    fresh.down()
    assert backend.labels() >= {rack.name}, "the nodes were kept"

    again = rack.make(spec, tmp_path)
    second = portrait(again, backend)
    again.down()

    assert {name: second[name] for name in second if second[name] != first[name]} == {}
    assert first == second


def test_a_node_whose_plug_was_pulled_is_new_in_the_next_lab(
    rack: Rack, backend: LabBackend, tmp_path: Path
):
    spec = spec_for(rack)
    fresh = rack.make(spec, tmp_path)
    first = portrait(fresh, backend)
    fresh.appliance("pbx1").power_off()
    pbx2 = fresh.appliance("pbx2")
    pbx2.power_off()
    pbx2.boot()
    run(fresh, "pbx2", "sh", "-c", "echo x > /run/left")
    fresh.down()

    again = rack.make(spec, tmp_path)
    assert portrait(again, backend) == first
    again.down()


def test_nothing_is_left_of_a_rack_that_was_cleared_out(
    rack: Rack, backend: LabBackend, registry: Registry, tmp_path: Path
):
    lab = rack.make(spec_for(rack), tmp_path)
    name = rack.name
    lab.down()
    rack.clear_out()
    rack.clear_out()

    assert name not in backend.labels()
    assert name not in registry.names()


def test_a_lab_that_cannot_boot_takes_the_kept_nodes_with_it(
    rack: Rack, backend: LabBackend, tmp_path: Path
):
    spec, name = spec_for(rack), rack.name
    rack.make(spec, tmp_path).down()
    box = {**spec.appliances[0].factory, "licences": ["nonsense"]}
    broken = LabSpec(
        name, spec.subnet, (ApplianceSpec("pbx1", box), spec.appliances[1]), seed=1, start=START
    )
    with pytest.raises(LabError, match="pbx1"):
        rack.make(broken, tmp_path)

    assert name not in backend.labels()
    assert (tmp_path / "nodes" / "pbx1.log").read_text()
    rack.make(spec_for(rack), tmp_path).down()
