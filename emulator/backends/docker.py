"""Labs in containers, on any Docker Engine that `DOCKER_HOST` names.

An internal bridge network is the LAN. The switch node is a container in the namespaces of
the engine's host, where the bridge and the ends of all cables are, and lays them: Docker
would give addresses of its own, and takes half a second for it. So three containers make a
lab of two appliances with all its stations.
"""

from __future__ import annotations

import contextlib
import shutil
import tarfile
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any, BinaryIO, Literal

import docker
from docker.errors import APIError, DockerException, NotFound
from docker.types import IPAMConfig, IPAMPool
from requests.exceptions import RequestException

from emulator.addressing import table_of
from emulator.backends import (
    Completed,
    Lan,
    NodePlan,
    Plug,
    Record,
    interface_of,
)
from emulator.backends.archives import packed, poured
from emulator.backends.console import Console
from emulator.backends.streams import Coming, ExecPipe, ExecStream
from emulator.lab import LabError, NodeDown
from emulator.nodelink import Pipe

LAB = "standby-lab.lab"
NODE = "standby-lab.node"
FOLDER = "standby-lab.folder"
SWITCH = "switch"
STATE = "/var/lib/appliance"
# As Dockerfile.appliance places them.
LINK = "/opt/standby-lab/emulator/appliance/link.py"
LONGEST_INTERFACE = 15
ENGINE_LIMIT_S = 60
CLEAR_LIMIT_S = 20.0
CONNECTIONS = 32  # one stays taken for each control channel
# A container cannot write this itself: an address that was added while another one of its
# subnet was there must outlive that one, or a takeover would drop what it took over.
SYSCTLS = {"net.ipv4.conf.all.promote_secondaries": "1"}
CAPABILITIES = {
    "appliance": ("NET_ADMIN", "NET_RAW"),
    "switch": ("NET_ADMIN", "NET_RAW", "SYS_ADMIN"),  # the last one makes the stations' namespaces
}
FIRST_PROCESS = (
    *("python3", "-m", "emulator.node_init", "--state", STATE, "--changed", "/etc/shadow"),
    *(f"--volatile={folder}" for folder in ("/run", "/run/sshd", "/tmp", "/root")),  # noqa: S108 - of the container
)
# No output before the first line of input: the client library loses what comes too early.
GATE = ("sh", "-c", 'read -r go; exec "$@"', "sh")


class DockerBackend:
    """Hosts labs on a Docker Engine.

    Args:
        client: the engine's API.
        image: the tag of the appliance image.
        folder: the state folder that labs are registered in; a label, nothing lies there.
    """

    name: Literal["docker"] = "docker"

    def __init__(self, client: docker.APIClient, image: str, folder: Path) -> None:
        self._client = client
        self._image = image
        self._folder = str(folder)
        self._consoles: dict[tuple[str, str], tuple[ExecStream, Console]] = {}
        self._begun_s: dict[tuple[str, str], float] = {}  # when programs on cleared nodes began

    @classmethod
    def connect_engine(cls, image: str, folder: Path) -> DockerBackend:
        """Connect to the engine of the environment.

        Raises:
            LabError: none answers.
        """
        with _translated("connect"):
            client = docker.from_env(timeout=ENGINE_LIMIT_S, max_pool_size=CONNECTIONS)
            return cls(client.api, image, folder)

    def create_lan(self, lan: Lan, record: Record) -> None:
        """Make the internal network; its bridge has a name that we know."""
        record({"what": "network", "name": self._network(lan)})
        pool = IPAMPool(subnet=str(lan.subnet), gateway=str(lan.host_address))
        with _translated(f"make the network {lan.subnet}"):
            self._client.create_network(
                self._network(lan),
                driver="bridge",
                internal=True,
                ipam=IPAMConfig(pool_configs=[pool]),
                options={"com.docker.network.bridge.name": self.interface(lan.lab)},
                labels={LAB: lan.lab, FOLDER: self._folder},
                check_duplicate=True,
            )
        record({"what": "containers", "label": lan.lab})

    def interface(self, lab: str) -> str:
        """Return the name of a lab's interface on the host."""
        return interface_of(self._folder, lab)

    def bridge(self, lan: Lan) -> str:
        """Return the bridge's name on the engine's host."""
        return self.interface(lan.lab)

    def state_folder(self, lan: Lan, node: str) -> str:  # noqa: ARG002 - the protocol's signature
        """Return the folder in the container that a kill and a start leave alone."""
        return STATE

    def boot(self, lan: Lan, node: NodePlan, plug: Plug) -> None:
        """Start a node's program; before that its container, made the first time.

        Attaching is cheap, in comparison with an exec; so the control channel comes with
        the start, and so do the files.
        """
        name = self._container(lan, node.name)
        with _translated(f"start {node.name}"):
            console = self._cleared(lan, node.name)
            first = console is not None or not self._exists(name)
            if console is None and first:
                self._create(lan, node)
            if first and node.large_files:
                self._client.put_archive(name, STATE, poured(node.large_files))
            console = console or self._power_on(lan, node.name, first=first)
            if node.role == "appliance":
                pid = self._client.inspect_container(name)["State"]["Pid"]
                plug(self.cable(lan, node.name), int(pid))
            console.start(node.program, packed(node.files) if first and node.files else b"")

    def _cleared(self, lan: Lan, node: str) -> Console | None:
        """Return the first process of a container that was cleared and awaits a program."""
        known = self._consoles.get((lan.lab, node))
        return known[1] if known is not None and known[1].blank else None

    def _power_on(self, lan: Lan, node: str, *, first: bool) -> Console:
        """Start a container, and meet its first process."""
        name = self._container(lan, node)
        wanted = {"stdin": 1, "stdout": 1, "stream": 1}
        stream = ExecStream(self._client.attach_socket(name, params=wanted))
        self._client.start(name)
        console = Console(stream.send, ExecPipe(stream).lines(), first=first)
        self._consoles[lan.lab, node] = stream, console
        return console

    def clear(self, lan: Lan, node: str) -> None:
        """Empty a container in place if it is on and nobody has killed it; else remove it."""
        known = self._consoles.get((lan.lab, node))
        if known is not None and known[1].clear(CLEAR_LIMIT_S):
            self._begun_s[lan.lab, node] = time.time()  # noqa: TID251 - the engine stamps its logs so
            return
        self._detach((lan.lab, node))
        with _translated(f"remove {node}"):
            self._remove({"Id": self._container(lan, node)})

    def power_off(self, lan: Lan, node: str) -> None:
        """Kill the container's processes at once."""
        self._detach((lan.lab, node))
        with _translated(f"kill {node}"):
            self._client.kill(self._container(lan, node))
            self._client.wait(self._container(lan, node))

    def discard(self, lan: Lan, node: str) -> None:
        """Remove a node's container."""
        with _translated(f"remove {node}"):
            self._client.remove_container(self._container(lan, node), force=True, v=True)

    def running(self, lan: Lan, node: str) -> bool:
        """Say whether a node's container runs and has a program."""
        if self._cleared(lan, node):
            return False
        with _translated(f"look at {node}"):
            try:
                state = self._client.inspect_container(self._container(lan, node))["State"]
            except NotFound:
                return False
            return bool(state["Running"])

    def cable(self, lan: Lan, node: str) -> str:
        """Return the cable's name on the engine's host."""
        return f"{self.interface(lan.lab)}.{node}"[:LONGEST_INTERFACE]

    def connect(self, lan: Lan, node: str, socket_path: str) -> Pipe:
        """Take the channel that came with the start, or run a program that joins the socket."""
        known = self._consoles.get((lan.lab, node))
        pipe = known[1].take_pipe() if known else None
        if pipe is not None:
            return pipe
        argv = ["python3", "-S", "-E", LINK, socket_path]
        with _translated(f"connect to {node}"):
            return ExecPipe(self._exec(lan, node, argv)[1])

    def execute(self, lan: Lan, node: str, argv: Sequence[str], stdin: bytes = b"") -> Completed:
        """Run a program in the node's container."""
        with _translated(f"run {argv[0]} on {node}"):
            number, stream = self._exec(lan, node, argv)
            out, err = stream.communicate(stdin)
            status = self._client.exec_inspect(number)["ExitCode"]
        return Completed(int(status), out, err)

    def copy(self, lan: Lan, node: str, path: str, into: BinaryIO) -> None:
        """Copy a file out of the container.

        Raises:
            FileNotFoundError: there is none.
            IsADirectoryError: it is a folder.
        """
        with self._archive(lan, node, path) as archive:
            content = archive.extractfile(next(iter(archive)))
            if content is None:
                raise IsADirectoryError(path)
            shutil.copyfileobj(content, into)

    def files(self, lan: Lan, node: str, path: str) -> list[str]:
        """List a folder in the container."""
        try:
            with self._archive(lan, node, path) as archive:
                parts = (Path(entry.name).parts[1:] for entry in archive)
                return sorted(inner[0] for inner in parts if len(inner) == 1)
        except FileNotFoundError:
            return []

    def paths(self, lan: Lan, node: str, path: str) -> list[str]:
        """Return every file below a folder in the container, sorted."""
        try:
            with self._archive(lan, node, path) as archive:
                files = [Path(one.name) for one in archive if one.isfile()]
        except FileNotFoundError:
            return []
        return sorted(str(Path(path).joinpath(*one.parts[1:])) for one in files)

    def write(self, lan: Lan, node: str, path: str, content: bytes) -> None:
        """Overwrite a file in the container."""
        folder, _, name = f"{STATE}/{path}".rpartition("/")
        with _translated(f"write {path} of {node}"):
            self._client.put_archive(self._container(lan, node), folder, packed({name: content}))

    def freeze(self, lan: Lan, node: str) -> None:
        """Pause the container: the kernel freezes its processes."""
        with _translated(f"freeze {node}"):
            self._client.pause(self._container(lan, node))

    def thaw(self, lan: Lan, node: str) -> None:
        """Let the container's processes go on."""
        with _translated(f"thaw {node}"):
            self._client.unpause(self._container(lan, node))

    def log(self, lan: Lan, node: str) -> bytes:
        """Return what the container's program wrote; standard output is the control channel."""
        with _translated(f"read the log of {node}"):
            since_s = self._begun_s.get((lan.lab, node))
            name = self._container(lan, node)
            return bytes(self._client.logs(name, stdout=False, since=since_s))

    def destroy(self, lab: str) -> None:
        """Remove the lab's nodes, the cables, the switch, then the network.

        Docker keeps the namespace of a dead container for up to a minute, and so would the
        kernel keep its cable.
        """
        mine = {"label": [f"{LAB}={lab}", f"{FOLDER}={self._folder}"]}
        with _translated(f"remove lab {lab}"), ThreadPoolExecutor() as pool:
            containers = self._client.containers(all=True, filters=mine)
            switches = [one for one in containers if one["Labels"][NODE] == SWITCH]
            list(pool.map(self._remove, (one for one in containers if one not in switches)))
            for switch in switches:
                self._remove_cables(switch, self.interface(lab))
                self._remove(switch)
            for network in self._client.networks(filters=mine):
                with contextlib.suppress(NotFound):
                    self._client.remove_network(network["Id"])
        # Not before: a switch that is hung up on ends, and it removes the cables.
        for key in [key for key in self._consoles if key[0] == lab]:
            self._detach(key)

    def labels(self) -> frozenset[str]:
        """Return the labs of this state folder of which an object is left."""
        mine = {"label": [LAB, f"{FOLDER}={self._folder}"]}
        with _translated("list labs"):
            objects = self._client.containers(all=True, filters=mine)
            objects += self._client.networks(filters=mine)
        return frozenset(one["Labels"][LAB] for one in objects)

    def subnets(self) -> Mapping[IPv4Network, str]:
        """Return the subnets of the engine's networks."""
        with _translated("list networks"):
            networks = self._client.networks()
        return {
            IPv4Network(pool["Subnet"]): f"the Docker network {network['Name']}"
            for network in networks
            for pool in network["IPAM"]["Config"] or []
            if ":" not in pool["Subnet"]
        }

    def _create(self, lan: Lan, node: NodePlan) -> None:
        on_host = node.role == "switch"
        self._client.create_container(
            self._image,
            command=[*FIRST_PROCESS, "--relay", node.socket, *node.loading()],
            stdin_open=True,
            name=self._container(lan, node.name),
            hostname=None if on_host else node.name,
            labels={LAB: lan.lab, NODE: SWITCH if on_host else node.name, FOLDER: self._folder},
            host_config=self._client.create_host_config(
                cap_add=list(CAPABILITIES[node.role]),
                network_mode="host" if on_host else "none",
                sysctls=None if on_host else SYSCTLS,
                pid_mode="host" if on_host else None,
            ),
        )

    def _detach(self, key: tuple[str, str]) -> None:
        self._begun_s.pop(key, None)
        known = self._consoles.pop(key, None)
        if known is not None:
            known[0].close()

    def _exists(self, container: str) -> bool:
        try:
            self._client.inspect_container(container)
        except NotFound:
            return False
        return True

    def _remove_cables(self, switch: Mapping[str, Any], interface: str) -> None:
        self._client.start(switch["Id"])  # a switch that ended by itself; harmless when it runs
        script = (
            f"for end in /sys/class/net/{interface}.*; do ip link del ${{end##*/}}; done;"
            f" nft delete table bridge {table_of(interface)} 2>/dev/null;"
            f" nft delete table netdev {table_of(interface)} 2>/dev/null; true"
        )
        made = self._client.exec_create(switch["Id"], ["sh", "-c", script])
        self._client.exec_start(made["Id"])

    def _remove(self, container: Mapping[str, Any]) -> None:
        with contextlib.suppress(NotFound):
            self._client.remove_container(container["Id"], force=True, v=True)

    def _exec(self, lan: Lan, node: str, argv: Sequence[str]) -> tuple[str, ExecStream]:
        made = self._client.exec_create(self._container(lan, node), [*GATE, *argv], stdin=True)
        stream = ExecStream(self._client.exec_start(made["Id"], socket=True))
        stream.send(b"go\n")
        return str(made["Id"]), stream

    def _network(self, lan: Lan) -> str:
        """Return a name that no lab of another state folder has: the engine knows one each."""
        return f"standby-lab-{lan.lab}-{self.interface(lan.lab)}"

    def _container(self, lan: Lan, node: str) -> str:
        return f"{self._network(lan)}-{node}"

    @contextlib.contextmanager
    def _archive(self, lan: Lan, node: str, path: str) -> Iterator[tarfile.TarFile]:
        with _translated(f"read {path} of {node}"):
            try:
                pieces, _ = self._client.get_archive(self._container(lan, node), f"{STATE}/{path}")
            except NotFound as error:
                raise FileNotFoundError(path) from error
            with tarfile.open(fileobj=Coming(pieces), mode="r|") as archive:
                yield archive


@contextlib.contextmanager
def _translated(what: str) -> Iterator[None]:
    """Turn what the client library raises into a `LabError`."""
    try:
        yield
    except APIError as error:
        if error.status_code == 409 and "not running" in str(error.explanation):  # noqa: PLR2004 - HTTP's "conflict"
            raise NodeDown(f"cannot {what}: the node is off") from error
        raise LabError(
            f"Docker Engine refuses to {what}: {error.explanation}",
            remedy="see what is left of earlier labs: standby-lab doctor",
        ) from error
    except (DockerException, RequestException) as error:
        raise LabError(
            f"cannot {what}: no Docker Engine answers ({error})",
            remedy="start Docker (standby-lab doctor tells how), or use --backend netns",
        ) from error
