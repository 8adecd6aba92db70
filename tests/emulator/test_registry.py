from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

import pytest

from emulator.lab import ApplianceSpec, LabError, LabSpec
from emulator.registry import Owner, Registry, state_folder


class Host:
    """A backend that has nothing but labels."""

    name = "netns"

    def __init__(self, *labels: str) -> None:
        self.left = set(labels)

    def labels(self) -> frozenset[str]:
        return frozenset(self.left)

    def subnets(self) -> Mapping[IPv4Network, str]:
        return {}

    def destroy(self, lab: str) -> None:
        self.left.discard(lab)


def spec(name: str = "demo", subnet: str = "198.18.9.0/24") -> LabSpec:
    pbx1 = ApplianceSpec("pbx1", {"root_password": "secret"})
    return LabSpec(name, subnet, (pbx1,), seed=7, start=datetime(2025, 1, 14, 8, tzinfo=UTC))


def disown(registry: Registry, name: str) -> None:
    """Make a lab belong to a process that has ended."""
    ended = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    owner = Owner.of(ended.pid)
    assert owner is not None
    ended.communicate()
    file = registry.labs_folder / name / "lab.json"
    row = json.loads(file.read_text())
    row["owner"] = {"pid": owner.pid, "started": owner.started}
    file.write_text(json.dumps(row))


def test_state_lies_where_the_environment_says(tmp_path: Path):
    assert state_folder({"XDG_STATE_HOME": str(tmp_path)}) == tmp_path / "standby-lab"
    assert state_folder({}) == Path.home() / ".local" / "state" / "standby-lab"


def test_entered_lab_is_found_again_as_it_was(tmp_path: Path):
    Registry(tmp_path).enter(spec(), Host())
    found = Registry(tmp_path).lab("demo")
    assert found.spec == spec()
    assert found.owner is not None
    assert found.owner.alive()


def test_file_with_the_passwords_is_for_its_owner_alone(tmp_path: Path):
    registry = Registry(tmp_path)
    registry.enter(spec(), Host())
    file = registry.labs_folder / "demo" / "lab.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


def test_second_lab_of_a_name_is_refused_with_what_to_do(tmp_path: Path):
    registry = Registry(tmp_path)
    registry.enter(spec(), Host())
    with pytest.raises(LabError, match="a lab named demo exists already") as refusal:
        registry.enter(spec(), Host())
    assert "standby-lab down demo" in refusal.value.remedy


def test_unknown_lab_is_refused_with_the_names_that_there_are(tmp_path: Path):
    registry = Registry(tmp_path)
    registry.enter(spec(), Host())
    with pytest.raises(LabError, match=r"no lab named other \(up: demo\)"):
        registry.lab("other")


def test_ledger_has_a_line_before_the_thing_is_made(tmp_path: Path):
    registry = Registry(tmp_path)
    record = registry.enter(spec(), Host())
    record({"what": "network", "name": "n"})
    record({"what": "containers", "label": "demo"})
    lines = (registry.labs_folder / "demo" / "ledger.jsonl").read_text().splitlines()
    assert [json.loads(line)["what"] for line in lines] == ["network", "containers"]


def test_subnets_of_two_registries_on_one_folder_differ(tmp_path: Path):
    chosen = {Registry(tmp_path).free_subnet(Host()) for _ in range(3)}
    assert len(chosen) == 3


def test_subnet_of_a_lab_is_in_use_until_the_lab_has_left(tmp_path: Path):
    registry = Registry(tmp_path)
    subnet = registry.free_subnet(Host())
    registry.enter(spec(subnet=str(subnet)), Host())
    with pytest.raises(LabError, match="in use: the lab demo"):
        registry.free_subnet(Host(), str(subnet))
    registry.leave("demo")
    assert registry.free_subnet(Host(), str(subnet)) == subnet


def test_subnet_claimed_by_a_process_that_ended_is_free(tmp_path: Path):
    program = (
        "import sys; from pathlib import Path; from emulator.registry import Registry;"
        "host = type('Host', (), {'subnets': lambda self: {}})();"
        "print(Registry(Path(sys.argv[1])).free_subnet(host))"
    )
    argv = [sys.executable, "-c", program, str(tmp_path)]
    claimed = subprocess.run(argv, capture_output=True, text=True, check=True).stdout.strip()
    assert str(Registry(tmp_path).free_subnet(Host())) == claimed


def test_subnets_of_two_state_folders_differ(tmp_path: Path):
    ours, theirs = Registry(tmp_path / "ours"), Registry(tmp_path / "theirs")
    pool = "198.19.252.0/22"
    first = ours.free_subnet(Host(), pool=pool)
    assert theirs.free_subnet(Host(), pool=pool) != first
    with pytest.raises(LabError, match="in use: a lab of another state folder"):
        theirs.free_subnet(Host(), str(first))
    ours.enter(spec(subnet=str(first)), Host())
    ours.leave("demo")
    assert theirs.free_subnet(Host(), str(first)) == first


def test_repair_leaves_labs_with_a_living_owner_and_labs_that_stay_alone(tmp_path: Path):
    registry = Registry(tmp_path)
    host = Host("demo", "stays")
    registry.enter(spec(), host)
    registry.enter(spec("stays", "198.18.8.0/24"), host)
    registry.keep("stays")
    assert registry.repair([host]) == ()
    assert host.left == {"demo", "stays"}


def test_repair_removes_labs_whose_owner_ended_and_labels_without_a_lab(tmp_path: Path):
    registry = Registry(tmp_path)
    host = Host("demo", "lost")
    registry.enter(spec(), host)
    disown(registry, "demo")
    assert registry.repair([host]) == ("demo", "lost")
    assert host.left == set()
    assert registry.labs() == ()


def test_repair_forgets_a_lab_that_stayed_until_the_computer_was_restarted(tmp_path: Path):
    registry = Registry(tmp_path)
    registry.enter(spec(), Host("demo"))
    registry.keep("demo")
    assert registry.repair([Host()]) == ("demo",)


def test_leaving_twice_is_harmless(tmp_path: Path):
    registry = Registry(tmp_path)
    registry.enter(spec(), Host())
    registry.leave("demo")
    registry.leave("demo")
    assert registry.labs() == ()


def test_process_id_that_means_another_process_now_is_not_the_owner():
    me = Owner.of(1)
    assert me is not None
    assert me.alive()
    assert not Owner(me.pid, me.started + 1).alive()


def test_owner_that_was_killed_and_that_nobody_has_waited_for_is_dead():
    killed = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    owner = Owner.of(killed.pid)
    assert owner is not None
    killed.kill()
    os.waitid(os.P_PID, killed.pid, os.WEXITED | os.WNOWAIT)
    assert not owner.alive()
    killed.communicate()


def of_another_version(registry: Registry, name: str, change: Callable[[dict[str, Any]], Any]):
    """Leave a lab's file as another version of the program would have written it."""
    file = registry.labs_folder / name / "lab.json"
    file.write_text(json.dumps(change(json.loads(file.read_text()))))


def without_format(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name != "format"}


def without_sounds(row: dict[str, Any]) -> dict[str, Any]:
    for one in row["spec"]["appliances"]:
        del one["sounds"]
    return row


def with_a_word_more(row: dict[str, Any]) -> dict[str, Any]:
    row["spec"]["weather"] = "fine"
    return row


CHANGES: list[Callable[[dict[str, Any]], Any]] = [
    without_format,
    without_sounds,
    with_a_word_more,
    lambda row: {**row, "format": 99},
    lambda row: {**row, "spec": None},
    lambda row: {**row, "spec": []},
    lambda _row: [],
    lambda _row: {},
]


@pytest.mark.parametrize("change", CHANGES)
def test_a_lab_of_another_version_is_named_and_can_only_be_removed(tmp_path: Path, change: Any):
    registry = Registry(tmp_path)
    registry.enter(spec("old"), Host())
    registry.enter(spec("new", "198.18.10.0/24"), Host())
    of_another_version(registry, "old", change)
    with pytest.raises(LabError, match="the lab old was made by another version") as refusal:
        registry.lab("old")
    assert "standby-lab down old" in refusal.value.remedy
    with pytest.raises(LabError, match="another version"):
        registry.enter(spec("old", "198.18.11.0/24"), Host())
    assert registry.names() == ("new", "old")
    assert [one.spec.name for one in registry.labs()] == ["new"]
    registry.leave("old")
    assert registry.names() == ("new",)


def test_what_can_be_read_of_another_versions_lab_is_used(tmp_path: Path):
    registry = Registry(tmp_path)
    registry.enter(spec("old"), Host())
    of_another_version(registry, "old", without_sounds)
    found = registry.outline("old")
    assert (found.backend, found.subnet) == ("netns", IPv4Network("198.18.9.0/24"))
    assert found.owner is not None
    with pytest.raises(LabError, match="in use"):
        registry.free_subnet(Host(), "198.18.9.0/24")


def test_repair_removes_what_a_killed_run_of_another_version_left(tmp_path: Path):
    registry, host = Registry(tmp_path), Host("old", "kept")
    registry.enter(spec("old"), host)
    registry.enter(spec("kept", "198.18.10.0/24"), host)
    registry.keep("kept")
    disown(registry, "old")
    for name in ("old", "kept"):
        of_another_version(registry, name, without_format)
    assert registry.repair([host]) == ("old",)
    assert host.left == {"kept"}
    assert registry.names() == ("kept",)
