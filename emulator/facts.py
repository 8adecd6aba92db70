"""Facts about this computer that decide which backends it can host.

Standard library only, and readable by any Python 3: this runs before there is a virtual
environment, also to say that the Python is too old. Every question has a deadline, so
that all of them together take less than two seconds.
"""

from __future__ import annotations

import http.client
import importlib.util
import json
import os
import shutil
import socket
import ssl
import subprocess
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

ENGINE_LIMIT_S = 0.9
ATTEMPT_LIMIT_S = 0.5
DEFAULT_ENGINE = "unix:///var/run/docker.sock"
SYSTEM_FOLDERS = ("/usr/local/sbin", "/usr/sbin", "/sbin")  # often missing in a user's PATH
USER_NAMESPACES_OFF = {  # sysctl(8): the value with which ordinary users can make none
    "kernel.unprivileged_userns_clone": "0",
    "kernel.apparmor_restrict_unprivileged_userns": "1",
    "user.max_user_namespaces": "0",
}
TOOLS = (
    "ip", "nsenter", "unshare", "newuidmap", "sshd", "nft", "strace", "mmdebstrap", "debootstrap",
    "kamailio", "rtpengine", "baresip", "sipp", "apt-get", "docker", "chromium",
    "chromium-browser", "google-chrome",
)  # fmt: skip
SQLITE_OF_KAMAILIO = "kamailio's SQLite"  # no program, but its own package
SQLITE_MODULE = "*/kamailio/modules/db_sqlite.so"


@dataclass(frozen=True)
class Engine:
    """What answers at the Docker Engine's address.

    Attributes:
        address: as `DOCKER_HOST` would name it.
        version: the engine's version, "" when none answers.
        failure: why none answers: "absent", "denied", "silent: …", "unsupported: …".
        free_bytes: room where the engine keeps its images; None where that cannot be told.
    """

    address: str
    version: str
    failure: str = ""
    free_bytes: int | None = None


@dataclass(frozen=True)
class Facts:
    """Everything that was found out, before it is judged.

    Attributes:
        python: version of the interpreter that asks.
        venv: whether it can make (or already is) a virtual environment.
        debian: whether packages come by apt-get here.
        root: whether this is the superuser.
        tools: path by name, of those of `TOOLS` that exist.
        engine: the Docker Engine.
        namespaces: "" when they can be made, else why not.
        forbidding: the settings of the kernel that forbid them to ordinary users, by name.
        links: for `veth` and `bridge`: "" when such a link can be made, else why not; empty
            when that could not be tried for want of a namespace.
        free_bytes: room in the folder of the project.
    """

    python: tuple[int, int, int]
    venv: bool
    debian: bool
    root: bool
    tools: Mapping[str, str]
    engine: Engine
    namespaces: str
    forbidding: tuple[str, ...]
    links: Mapping[str, str]
    free_bytes: int


def gather(environment: Mapping[str, str], folder: Path) -> Facts:
    """Look at this computer.

    Args:
        environment: `DOCKER_HOST`, `DOCKER_TLS_VERIFY`, `DOCKER_CERT_PATH` and `PATH` count.
        folder: where the project lies.
    """
    found = tools(environment)
    with ThreadPoolExecutor(1) as aside:
        answer = aside.submit(engine, environment)
        namespaces = _namespaces(found)
        links = {} if namespaces else {kind: _link(found, kind) for kind in ("veth", "bridge")}
    return Facts(
        python=(sys.version_info[0], sys.version_info[1], sys.version_info[2]),
        venv=sys.prefix != sys.base_prefix or importlib.util.find_spec("ensurepip") is not None,
        debian="apt-get" in found and Path("/etc/debian_version").exists(),
        root=os.geteuid() == 0,
        tools=found,
        engine=answer.result(),
        namespaces=namespaces,
        forbidding=tuple(
            name for name, value in USER_NAMESPACES_OFF.items() if _setting(name) == value
        ),
        links=links,
        free_bytes=shutil.disk_usage(folder).free,
    )


def tools(environment: Mapping[str, str]) -> dict[str, str]:
    """Find the programs of `TOOLS`, also in the folders of the system's own."""
    places = environment.get("PATH", os.defpath).split(os.pathsep)
    path = os.pathsep.join([*places, *SYSTEM_FOLDERS])
    paths = {name: shutil.which(name, path=path) for name in TOOLS}
    paths[SQLITE_OF_KAMAILIO] = next(map(str, Path("/usr/lib").glob(SQLITE_MODULE)), None)
    return {name: place for name, place in paths.items() if place is not None}


class _UnixConnection(http.client.HTTPConnection):
    """HTTP over a socket of the file system, as Docker Engine speaks it."""

    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=ENGINE_LIMIT_S)
        self._path = path

    def connect(self) -> None:
        """Connect to the file instead of a port."""
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


def _connection(address: str, environment: Mapping[str, str]) -> http.client.HTTPConnection:
    parts = urlsplit(address)
    if parts.scheme == "unix":
        return _UnixConnection(parts.path)
    if parts.scheme not in ("tcp", "http", "https") or parts.hostname is None:
        raise ValueError(f"{parts.scheme or address}")
    if parts.scheme == "https" or environment.get("DOCKER_TLS_VERIFY"):
        return http.client.HTTPSConnection(
            parts.hostname,
            parts.port or 2376,
            timeout=ENGINE_LIMIT_S,
            context=_tls(Path(environment.get("DOCKER_CERT_PATH", "~/.docker")).expanduser()),
        )
    return http.client.HTTPConnection(parts.hostname, parts.port or 2375, timeout=ENGINE_LIMIT_S)


def _tls(folder: Path) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(folder / "ca.pem"))
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    return context


def engine(environment: Mapping[str, str]) -> Engine:
    """Ask the Docker Engine who it is and where it keeps its images."""
    address = environment.get("DOCKER_HOST") or DEFAULT_ENGINE
    try:
        connection = _connection(address, environment)
    except ValueError as reason:
        return Engine(address, "", f"unsupported: {reason}")
    except OSError as reason:
        return Engine(address, "", f"silent: {reason}")
    try:
        information = _get(connection, "/info")
    except (FileNotFoundError, ConnectionRefusedError):
        return Engine(address, "", "absent")
    except PermissionError:
        return Engine(address, "", "denied")
    except (OSError, http.client.HTTPException, ValueError) as reason:
        return Engine(address, "", f"silent: {reason or type(reason).__name__}")
    finally:
        connection.close()
    local = address.startswith("unix:")
    free_bytes = _free_bytes(information.get("DockerRootDir", "")) if local else None
    return Engine(address, information.get("ServerVersion", "unknown"), "", free_bytes)


def _get(connection: http.client.HTTPConnection, path: str) -> Mapping[str, str]:
    connection.request("GET", path)
    answer = connection.getresponse()
    body = answer.read()
    if answer.status != http.client.OK:
        raise ValueError(f"status {answer.status}")
    information = json.loads(body)
    if not isinstance(information, dict):
        raise ValueError("not a Docker Engine")  # noqa: TRY004 - one kind for all wrong answers
    return information


def _free_bytes(folder: str) -> int | None:
    try:
        return shutil.disk_usage(folder).free
    except OSError:
        return None


def _namespaces(found: Mapping[str, str]) -> str:
    if "unshare" not in found:
        return "the tool unshare is missing"
    return _try([*_apart(found), "--mount", "--pid", "--fork", "true"])


def _apart(found: Mapping[str, str]) -> list[str]:
    """Return how a network namespace is made: an ordinary user needs one of users around it."""
    own = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    return [found["unshare"], *own, "--net"]


def _setting(name: str) -> str:
    try:
        return Path("/proc/sys", *name.split(".")).read_text().strip()
    except OSError:
        return ""


def _link(found: Mapping[str, str], kind: str) -> str:
    if "ip" not in found:
        return "the tool ip is missing"
    return _try([*_apart(found), found["ip"], "link", "add", "probe0", "type", kind])


def _try(argv: list[str]) -> str:
    try:
        done = subprocess.run(
            argv, check=False, capture_output=True, text=True, timeout=ATTEMPT_LIMIT_S
        )
    except subprocess.TimeoutExpired:
        return "no answer in time"
    except OSError as reason:
        return str(reason)
    return "" if done.returncode == 0 else done.stderr.strip() or f"exit {done.returncode}"
