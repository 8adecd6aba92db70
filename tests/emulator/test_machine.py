"""What the facts about a computer mean for each backend."""

from __future__ import annotations

import dataclasses
import http.server
import io
import json
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from emulator import facts as facts_module
from emulator.facts import Engine, Facts
from emulator.machine import BACKENDS, PURPOSES, judge, main, render
from emulator.provision import (
    DEBIAN_PACKAGES,
    POLICY_TEXT,
    ProvisionError,
    install,
    package_for,
)

ROOT = Path(__file__).parents[2]
ADDRESS = facts_module.DEFAULT_ENGINE
COMPLETE = Facts(
    python=(3, 11, 2),
    venv=True,
    debian=True,
    root=False,
    tools={
        name: f"/usr/bin/{name}"
        for name in (
            "ip",
            "nsenter",
            "unshare",
            "newuidmap",
            "sshd",
            "nft",
            "kamailio",
            "kamailio's SQLite",
            "rtpengine",
            "baresip",
            "sipp",
            "strace",
            "mmdebstrap",
            "chromium",
        )
    },
    engine=Engine(ADDRESS, "20.10", free_bytes=4_000_000_000),
    namespaces="",
    forbidding=(),
    links={"veth": "", "bridge": ""},
    free_bytes=4_000_000_000,
)


def without(tool: str) -> Facts:
    kept = {name: path for name, path in COMPLETE.tools.items() if name != tool}
    return dataclasses.replace(COMPLETE, tools=kept)


def with_engine(failure: str, address: str = ADDRESS) -> Facts:
    return dataclasses.replace(COMPLETE, engine=Engine(address, "", failure))


NO_RIGHTS = dataclasses.replace(COMPLETE, namespaces="Operation not permitted", links={})


def test_a_complete_computer_runs_every_backend_and_chooses_docker() -> None:
    found = judge(COMPLETE)
    assert all(not found.lacks(purpose) for purpose in PURPOSES)
    backend, why = found.best_backend()
    assert backend == "docker"
    assert ADDRESS in why


@pytest.mark.parametrize(
    ("facts", "backend"),
    [
        (with_engine("absent"), "netns"),
        (dataclasses.replace(NO_RIGHTS, engine=Engine(ADDRESS, "", "absent")), "sim"),
        (NO_RIGHTS, "docker"),
        (without("sshd"), "docker"),
        (without("mmdebstrap"), "docker"),
        (without("chromium"), "docker"),
        (dataclasses.replace(COMPLETE, engine=Engine(ADDRESS, "20.10", free_bytes=1)), "netns"),
    ],
)
def test_the_best_backend_is_the_first_that_lacks_nothing(facts: Facts, backend: str) -> None:
    assert judge(facts).best_backend()[0] == backend


def test_the_reason_names_what_was_passed_over() -> None:
    _, why = judge(with_engine("absent")).best_backend()
    assert why.startswith(f"no docker: Docker Engine: nothing listens at {ADDRESS}")


@pytest.mark.parametrize(
    ("facts", "purpose", "remedy"),
    [
        (without("sshd"), "netns", "sudo apt-get install -y openssh-server"),
        (
            dataclasses.replace(without("sshd"), root=True),
            "netns",
            "apt-get install -y openssh-server",
        ),
        (
            dataclasses.replace(without("sshd"), debian=False),
            "netns",
            "install the package that brings sshd (Debian calls it openssh-server)",
        ),
        (without("newuidmap"), "rootless", "sudo apt-get install -y uidmap"),
        (without("rtpengine"), "netns", "sudo apt-get install -y rtpengine-daemon"),
        (
            without("kamailio's SQLite"),
            "netns",
            "sudo apt-get install -y kamailio-sqlite-modules",
        ),
        (without("mmdebstrap"), "image", "sudo apt-get install -y mmdebstrap"),
        (without("chromium"), "browser", "sudo apt-get install -y chromium"),
        (dataclasses.replace(COMPLETE, venv=False), "sim", "sudo apt-get install -y python3-venv"),
        (NO_RIGHTS, "netns", "run it as root: sudo -s"),
        (
            dataclasses.replace(NO_RIGHTS, forbidding=("user.max_user_namespaces",)),
            "netns",
            "sudo sysctl -w user.max_user_namespaces=15000, or run it as root: sudo -s",
        ),
        (
            dataclasses.replace(NO_RIGHTS, root=True),
            "netns",
            "start this container with --privileged",
        ),
        (
            dataclasses.replace(COMPLETE, links={"veth": "Unknown device type", "bridge": ""}),
            "netns",
            "sudo modprobe veth",
        ),
        (with_engine("denied"), "docker", 'sudo usermod -aG docker "$USER", then log in again'),
        (with_engine("absent"), "docker", "sudo apt-get install -y docker.io"),
        (
            with_engine("absent", "tcp://198.18.0.1:2375"),
            "docker",
            "start the engine at tcp://198.18.0.1:2375, or let DOCKER_HOST name another",
        ),
    ],
)
def test_each_lack_has_its_exact_remedy(facts: Facts, purpose: str, remedy: str) -> None:
    assert [one.remedy for one in judge(facts).lacks(purpose)] == [remedy]


def test_an_old_python_stops_every_backend() -> None:
    found = judge(dataclasses.replace(COMPLETE, python=(3, 10, 9)))
    assert all(found.lacks(backend) for backend in BACKENDS)


def test_the_packages_to_install_are_those_of_the_lacks_without_repetition() -> None:
    tools = {
        name: path for name, path in COMPLETE.tools.items() if name not in ("nsenter", "unshare")
    }
    found = judge(dataclasses.replace(COMPLETE, tools=tools))
    assert found.packages() == ("util-linux",)


def test_every_looked_for_program_has_a_package() -> None:
    needed = set(COMPLETE.tools)
    assert {package_for(program) for program in needed} <= {one.name for one in DEBIAN_PACKAGES}


def test_the_table_is_plain_without_colour_and_shows_remedies() -> None:
    table = render(judge(without("sshd")), colour=False)
    assert "\x1b" not in table
    assert "-> sudo apt-get install -y openssh-server" in table
    assert "\x1b[31m" in render(judge(without("sshd")), colour=True)


def test_a_requirement_that_is_not_met_exits_with_4_and_the_remedy(tmp_path: Path) -> None:
    out, err = io.StringIO(), io.StringIO()
    environment = {"DOCKER_HOST": f"unix://{tmp_path}/none.sock"}
    code = main(["--require", "docker", "--format", "json"], environment, out, err)
    assert code == 4
    assert "required for docker: Docker Engine: nothing listens" in err.getvalue()
    assert "docker" not in json.loads(out.getvalue())["usable"]


def test_an_unknown_requirement_is_a_usage_error(capsys) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--require", "podman"], {}, io.StringIO(), io.StringIO())
    assert ended.value.code == 2
    assert (
        "'podman' is none of docker, netns, sim, image, syscalls, browser"
        in capsys.readouterr().err
    )


def test_the_survey_runs_without_any_installed_package() -> None:
    bare = [sys.executable, "-S", "-E", "-m", "emulator.machine", "--format", "json"]
    done = subprocess.run(bare, cwd=ROOT, check=True, capture_output=True, timeout=10)
    assert json.loads(done.stdout)["backend"] in BACKENDS


class _NotDocker(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"hello")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its signature
        """Say nothing."""


def test_a_server_that_is_no_engine_is_told_apart() -> None:
    with http.server.HTTPServer(("127.0.0.1", 0), _NotDocker) as server:
        threading.Thread(target=server.handle_request, daemon=True).start()
        found = facts_module.engine({"DOCKER_HOST": f"tcp://127.0.0.1:{server.server_port}"})
    assert found.version == ""
    assert found.failure.startswith("silent: ")


@pytest.mark.parametrize("address", ["ssh://box", "nonsense", "tcp://"])
def test_an_address_that_is_not_spoken_is_said_to_be_unsupported(address: str) -> None:
    assert facts_module.engine({"DOCKER_HOST": address}).failure.startswith("unsupported: ")


@pytest.fixture
def apt(tmp_path: Path, monkeypatch) -> Path:
    """A stand-in for apt-get that notes how it was called and what the policy said."""
    script = tmp_path / "apt-get"
    script.write_text(
        '#!/bin/sh\ncd "$(dirname "$0")"\necho "$@" >> calls\ncat policy >> seen\n'
        'echo "E: no such package"\ntest "$1" != install || exit "$(cat code)"\n'
    )
    script.chmod(0o755)
    (tmp_path / "code").write_text("0")
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    return tmp_path


def test_installing_starts_no_service_and_leaves_no_policy_behind(apt: Path) -> None:
    said: list[str] = []
    install(["nftables", "iproute2"], said.append, policy=apt / "policy")
    calls = (apt / "calls").read_text().splitlines()
    assert calls == ["update -qq", "install -y -qq --no-install-recommends nftables iproute2"]
    assert "exit 101" in (apt / "seen").read_text()
    assert not (apt / "policy").exists()
    assert said == ["installing nftables, iproute2 (apt-get)"]


def test_a_policy_of_the_administrator_is_respected_and_stays(apt: Path) -> None:
    (apt / "policy").write_text("#!/bin/sh\nexit 0\n")
    install(["nftables"], lambda _: None, policy=apt / "policy")
    assert (apt / "policy").read_text() == "#!/bin/sh\nexit 0\n"


def test_a_policy_that_a_killed_run_left_is_removed(apt: Path) -> None:
    (apt / "policy").write_text(POLICY_TEXT)
    install(["nftables"], lambda _: None, policy=apt / "policy")
    assert not (apt / "policy").exists()


def test_a_failed_installation_shows_the_last_lines_and_leaves_no_policy(apt: Path) -> None:
    (apt / "code").write_text("100")
    with pytest.raises(ProvisionError, match="install ended with 100:\n  E: no such package"):
        install(["nftables"], lambda _: None, policy=apt / "policy")
    assert not (apt / "policy").exists()
