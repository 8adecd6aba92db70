"""A lab that stays up, operated from the command line."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest

Call = Callable[..., subprocess.CompletedProcess[str]]
LAB = f"t{os.getpid()}"


@pytest.fixture(scope="module")
def call(tmp_path_factory: pytest.TempPathFactory) -> Call:
    state = str(tmp_path_factory.mktemp("state"))
    program = "from scenarios.cli import main; main()"

    def run(*argv: str, stdin: str = "", pipe: str = "") -> subprocess.CompletedProcess[str]:
        whole = [sys.executable, "-c", program, *argv]
        return subprocess.run(
            ["sh", "-c", f"{shlex.join(whole)} | {pipe}"] if pipe else whole,
            capture_output=True,
            text=True,
            check=False,
            input=stdin,
            env={**os.environ, "NO_COLOR": "1", "XDG_STATE_HOME": state},
        )

    return run


@pytest.fixture(
    scope="module",
    params=[
        pytest.param("netns", marks=pytest.mark.netns),
        pytest.param("docker", marks=pytest.mark.docker),
    ],
)
def lab(request: pytest.FixtureRequest, call: Call) -> Iterator[dict[str, Any]]:
    """A pair that is up; tests of this module operate it one after the other."""
    name = f"{LAB}-{request.param}"
    done = call(
        "up", "--name", name, "--backend", request.param, "--users", "3", "--format", "json"
    )
    try:
        assert done.returncode == 0, done.stderr
        yield json.loads(done.stdout)
    finally:
        call("down", name)


def test_up_tells_all_that_is_needed_to_reach_it(lab: dict[str, Any]) -> None:
    nodes = {node["name"]: node for node in lab["nodes"]}

    assert set(lab) >= {"name", "backend", "subnet", "nodes"}
    assert {"pbx1", "pbx2", "mail", "observer", "phone1"} == set(nodes)
    assert nodes["pbx1"]["role"] == "active"
    assert nodes["pbx2"]["role"] == "standby"
    assert nodes["pbx1"]["url"].startswith("http://198.")
    assert lab["access"]["pbx1"]["root_password"] != lab["access"]["pbx2"]["root_password"]


def test_up_again_changes_nothing(lab: dict[str, Any], call: Call) -> None:
    again = call("up", "--name", lab["name"], "--format", "json")

    assert again.returncode == 0, again.stderr
    assert "is up already" in again.stderr
    assert json.loads(again.stdout)["access"] == lab["access"]


def test_the_only_lab_needs_no_name(lab: dict[str, Any], call: Call) -> None:
    seen = json.loads(call("inspect", "--format", "json").stdout)

    assert seen["name"] == lab["name"]
    assert [row["name"] for row in json.loads(call("list", "--format", "json").stdout)] == [
        lab["name"]
    ]


def test_exec_passes_output_and_status_on(lab: dict[str, Any], call: Call) -> None:
    status = call("exec", "pbx1", "--", "appliancectl", "--json", "status")
    failed = call("exec", "pbx1", "--", "sh", "-c", "exit 7")

    assert json.loads(status.stdout)["result"]["name"] == "pbx1"
    assert failed.returncode == 7


def test_a_wrong_licence_key_is_refused_with_the_reason(lab: dict[str, Any], call: Call) -> None:
    key = "AAAAA-AAAAA-AAAAA-AAAAA"

    done = call("exec", "pbx1", "--", "appliancectl", "licences", "install", stdin=f"{key}\n")

    assert done.returncode == 1
    assert "pbx1" in done.stdout + done.stderr
    assert key not in done.stdout + done.stderr


def test_arp_names_the_holder(lab: dict[str, Any], call: Call) -> None:
    rows = json.loads(call("arp", "--format", "json").stdout)

    assert [row["nodes"] for row in rows] == [["pbx1"], ["pbx2"]]


def test_a_subnet_in_use_is_refused_by_name(lab: dict[str, Any], call: Call) -> None:
    done = call("up", "--name", "other", "--backend", lab["backend"], "--subnet", lab["subnet"])

    assert done.returncode == 4
    assert lab["subnet"] in done.stderr
    assert len(json.loads(call("list", "--format", "json").stdout)) == 1


def test_sync_brings_a_change_across_and_a_switchover_is_refused(
    lab: dict[str, Any], call: Call
) -> None:
    argv = ["users", "add", "--login", "4711", "--name", "N", "--email", "n@example.com"]
    assert call("exec", "pbx1", "--", "appliancectl", *argv).returncode == 0

    synced = call("sync", "--format", "json")
    refused = call("switchover", "--format", "json")

    assert json.loads(synced.stdout)["outcome"] == "succeeded", synced.stderr
    users = call("exec", "pbx2", "--", "appliancectl", "--json", "users", "list").stdout
    assert "4711" in users
    assert refused.returncode == 1, refused.stderr
    answer = json.loads(refused.stdout)
    assert (answer["outcome"], answer["status"]) == ("refused", 409)


def test_a_wrong_password_fails_the_transfer_and_the_log_is_pointed_at(
    lab: dict[str, Any], call: Call
) -> None:
    configure = ["exec", "pbx1", "--", "appliancectl", "redundancy", "configure"]
    shown = call("exec", "pbx1", "--", "appliancectl", "--json", "redundancy", "show").stdout
    right = json.loads(shown)["result"]["configuration"]
    right["standby_password"] = lab["access"]["pbx2"]["root_password"]
    wrong = {**right, "standby_password": "another one"}
    assert call(*configure, stdin=json.dumps(wrong)).returncode == 0

    failed = call("sync")

    assert failed.returncode == 1
    assert "authentication-failed" in failed.stdout
    assert "appliancectl redundancy log" in failed.stderr
    assert call(*configure, stdin=json.dumps(right)).returncode == 0
    assert call("sync").returncode == 0


def test_the_mail_sink_is_shown(lab: dict[str, Any], call: Call) -> None:
    done = call("mail", "--format", "json")

    assert done.returncode == 0, done.stderr
    assert all("Message-ID" not in row["subject"] for row in json.loads(done.stdout))


def test_an_unknown_node_is_refused_with_those_that_there_are(
    lab: dict[str, Any], call: Call
) -> None:
    done = call("exec", "pbx7", "--", "true")

    assert done.returncode == 4
    assert all(name in done.stderr for name in ("it has pbx1", "pbx2", "observer", "phone1"))


def test_up_keeps_the_lab_though_nobody_reads_its_words(lab: dict[str, Any], call: Call) -> None:
    name = f"{lab['name']}-mute"
    argv = ["up", "--name", name, "--backend", lab["backend"], "--users", "1", "--bare"]
    try:
        call(*argv, pipe="true")
        assert name in [row["name"] for row in json.loads(call("list", "--format", "json").stdout)]
    finally:
        call("down", name)


def test_no_line_of_a_table_ends_in_blanks(lab: dict[str, Any], call: Call) -> None:
    lines = call("inspect", lab["name"]).stdout.splitlines()

    assert lines == [line.rstrip() for line in lines]


def test_a_dead_active_is_dark_and_told_and_the_standby_takes_over(
    lab: dict[str, Any], call: Call
) -> None:
    """The last test of this module: the pair has switched afterwards."""
    assert call("exec", "pbx1", "--", "appliancectl", "shutdown").returncode == 0
    _await_end_of("pbx1", call)

    synced, executed = call("sync"), call("exec", "pbx1", "--", "true")
    answered = json.loads(call("arp", "--format", "json").stdout)
    switched = call("switchover")

    assert synced.returncode == 4
    assert f"standby-lab switchover {lab['name']}" in synced.stderr
    assert "pbx1 is off" in executed.stderr
    assert [row["nodes"] for row in answered] == [[], ["pbx2"]]
    assert switched.returncode == 0, switched.stdout
    assert switched.stdout.startswith("pbx2: claimed, its page answers:\n")
    assert max(len(line) for line in switched.stdout.splitlines()) < 80


def _await_end_of(node: str, call: Call) -> None:
    for _ in range(50):
        rows = json.loads(call("inspect", "--format", "json").stdout)["nodes"]
        if next(row["health"] for row in rows if row["name"] == node) == "off":
            return
    raise AssertionError(f"{node} does not end")
