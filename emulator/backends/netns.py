"""Labs in Linux namespaces: a network, mount, PID and UTS namespace for each node.

For root, or for an ordinary user inside of `emulator.backends.rootless`.

The bridge stands in a network namespace of its own, kept by a holder process, because a
firewall of the host (Docker's, for one) would drop what crosses a bridge of the host. A
veth leads from the host to that bridge, so that a browser and ssh reach the nodes.
Namespaces are referred to by process ids and entered with `nsenter`; nothing is mounted
or named outside of them, so the death of the processes is the end of the lab.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from ipaddress import IPv4Network
from pathlib import Path
from typing import IO, BinaryIO, Literal

from emulator.backends import Completed, Lan, NodePlan, Plug, Record, interface_of
from emulator.backends.console import Console
from emulator.backends.disk import blank, fill, furnish
from emulator.backends.pipes import SocketPipe
from emulator.backends.processes import (
    FOLDER,
    LAB,
    NODE,
    LabProcess,
    go_on,
    kill,
    labelled,
    lives,
    stop,
)
from emulator.backends.rootless import ANCHOR
from emulator.lab import LabError, NodeDown
from emulator.nodelink import Pipe

BRIDGE = "lan0"
HOLDER = "lan-holder"
CONNECT_LIMIT_S = 60.0
RETRY_S = 0.005
COMMAND_LIMIT_S = 120.0
CLEAR_LIMIT_S = 20.0

INIT = Path(__file__).with_name("node-init.sh")
SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
NAMESPACES = ("--mount", "--uts", "--ipc", "--pid", "--fork", "--kill-child")


class NetnsBackend:
    """Hosts labs in namespaces.

    Args:
        folder: where the files of nodes lie, one folder a lab.
    """

    name: Literal["netns"] = "netns"

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._children: list[subprocess.Popen[bytes]] = []
        self._inits: dict[tuple[str, str], int] = {}
        self._consoles: dict[tuple[str, str], Console] = {}
        self._lock = threading.Lock()

    def create_lan(self, lan: Lan, record: Record) -> None:
        """Make the switch's namespace, its bridge, and the host's own cable to it."""
        record({"what": "folder", "path": str(self._folder / lan.lab / "nodes")})
        record({"what": "processes", "label": lan.lab})
        interface = self.interface(lan.lab)
        record({"what": "interface", "name": interface})
        argv = ["unshare", "--net", "sh", "-c", "echo up; exec sleep infinity"]
        holder = self._spawn(argv, lan.lab, HOLDER)
        self._first_line(holder, f"the switch of {lan.lab}")
        self._inits[lan.lab, HOLDER] = holder.pid
        # An ordinary user's part of the host is a namespace too, and ends with its last process.
        self._spawn(["sleep", "infinity"], lan.lab, ANCHOR)
        _ip(
            f"link add {interface} type veth peer name host netns {holder.pid}",
            f"link set {interface} alias {self._mark()}",
            f"addr add {lan.host_address}/{lan.subnet.prefixlen} dev {interface}",
            f"link set {interface} up",
        )
        _ip(
            f"link add {BRIDGE} type bridge stp_state 0 forward_delay 0 mcast_snooping 0",
            f"link set host master {BRIDGE} up",
            f"link set {BRIDGE} up",
            inside=holder.pid,
        )

    def interface(self, lab: str) -> str:
        """Return the name of a lab's interface on the host."""
        return interface_of(self._folder, lab)

    def bridge(self, lan: Lan) -> str:  # noqa: ARG002 - the protocol's signature; a namespace each
        """Return the bridge's name in the switch's namespace."""
        return BRIDGE

    def state_folder(self, lan: Lan, node: str) -> str:
        """Return the folder of the host that is the node's disk."""
        return str(self._home(lan.lab, node) / "state")

    def boot(self, lan: Lan, node: NodePlan, plug: Plug) -> None:  # noqa: ARG002 - the protocol's; the host's own `ip` does it
        """Start a node's namespaces, plug its cable in, then start its program."""
        home = self._home(lan.lab, node.name)
        if not home.exists():
            furnish(home, node.name)
        elif node.role == "appliance":
            self._unplug(lan, node.name)
        known = self._consoles.get((lan.lab, node.name))
        console = known if known and known.blank else self._power_on(lan, node, home)
        if blank(home / "state"):
            fill(home / "state", node)
        try:
            if node.role == "appliance":
                self._plug_in(lan, node.name)
            console.start(node.program)
        except OSError as error:
            raise NodeDown(f"{node.name} ended before its program was started: {error}") from error

    def _power_on(self, lan: Lan, node: NodePlan, home: Path) -> Console:
        """Make a node's namespaces, and meet its first process."""
        key, first = (lan.lab, node.name), blank(home / "state")
        if node.role == "appliance":
            argv = ["unshare", "--net"]
        else:
            argv = ["nsenter", f"--net=/proc/{self._init(lan.lab, HOLDER)}/ns/net", "unshare"]
        argv += [*NAMESPACES, "sh", str(INIT), str(home), node.name, sys.executable, "-m"]
        argv += ["emulator.node_init", "--state", str(home / "state"), "--changed", "/etc/shadow"]
        volatile = ("/run", "/run/appliance", "/run/sshd", str(home / "home"))
        argv += [*(f"--volatile={folder}" for folder in volatile), *node.loading()]
        holder = self._spawn(argv, lan.lab, node.name)
        self._inits[key] = int(self._first_line(holder, node.name))
        if holder.stdin is None or holder.stdout is None:
            raise NodeDown(f"{node.name} cannot be started: it has no console")
        console = Console(_writer(holder.stdin), holder.stdout, first=first)
        self._consoles[key] = console
        return console

    def clear(self, lan: Lan, node: str) -> None:
        """Empty a node in place if it is on and nobody has pulled its plug; else remove it."""
        console = self._consoles.get((lan.lab, node))
        if console is not None and console.clearable:
            self._unplug(lan, node)
            _ip(f"neigh flush dev {self.interface(lan.lab)}")  # of whom the last browser has met
            if console.clear(CLEAR_LIMIT_S):
                return
        if self.running(lan, node):
            self.power_off(lan, node)
        self._forget(lan.lab, node)
        shutil.rmtree(self._home(lan.lab, node), ignore_errors=True)

    def power_off(self, lan: Lan, node: str) -> None:
        """Kill the PID namespace's first process, then remove the cable.

        In this order: a node that saw its port vanish would report it.
        """
        kill([self._init(lan.lab, node)])
        self._unplug(lan, node)
        self._forget(lan.lab, node)
        self._reap()

    def discard(self, lan: Lan, node: str) -> None:
        """Remove a node's cable and its files."""
        self._unplug(lan, node)
        shutil.rmtree(self._home(lan.lab, node))

    def running(self, lan: Lan, node: str) -> bool:
        """Say whether a node's first process lives and has a program."""
        console = self._consoles.get((lan.lab, node))
        if console is not None and console.blank:
            return False
        try:
            return lives(self._init(lan.lab, node))
        except NodeDown:
            return False

    def cable(self, lan: Lan, node: str) -> str:  # noqa: ARG002 - the protocol's signature
        """Return the name of the cable's end in the switch's namespace."""
        return node

    def connect(self, lan: Lan, node: str, socket_path: str) -> Pipe:
        """Connect to a Unix socket on the node; no program in between is needed."""
        init = self._init(lan.lab, node)
        tick = threading.Event()
        for _ in range(int(CONNECT_LIMIT_S / RETRY_S)):
            peer = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            try:
                peer.connect(f"/proc/{init}/root{socket_path}")
            except OSError:
                peer.close()
                if not Path(f"/proc/{init}/root").exists():
                    raise NodeDown(
                        f"{node} ended while booting{self._last_words(lan, node)}"
                    ) from None
                tick.wait(RETRY_S)
            else:
                return SocketPipe(peer)
        raise NodeDown(f"{node} does not listen at {socket_path}{self._last_words(lan, node)}")

    def execute(self, lan: Lan, node: str, argv: Sequence[str], stdin: bytes = b"") -> Completed:
        """Run a program inside the node's namespaces."""
        target = str(self._init(lan.lab, node))
        entry = ["nsenter", "-t", target, "--mount", "--uts", "--ipc", "--net", "--pid", "--"]
        done = subprocess.run(
            [*entry, *argv],
            input=stdin,
            capture_output=True,
            check=False,
            timeout=COMMAND_LIMIT_S,
            cwd="/",
            env=self._environment(lan.lab, node),
        )
        return Completed(done.returncode, done.stdout, done.stderr)

    def copy(self, lan: Lan, node: str, path: str, into: BinaryIO) -> None:
        """Write a file of the node's disk to another."""
        with (self._home(lan.lab, node) / "state" / path).open("rb") as source:
            shutil.copyfileobj(source, into)

    def files(self, lan: Lan, node: str, path: str) -> list[str]:
        """List a folder of the node's disk."""
        folder = self._home(lan.lab, node) / "state" / path
        return sorted(entry.name for entry in folder.iterdir()) if folder.is_dir() else []

    def paths(self, lan: Lan, node: str, path: str) -> list[str]:
        """Return every file below a folder of the node's disk, sorted."""
        root = self._home(lan.lab, node) / "state"
        found = (root / path).rglob("*")
        return sorted(str(one.relative_to(root)) for one in found if one.is_file())

    def write(self, lan: Lan, node: str, path: str, content: bytes) -> None:
        """Overwrite a file of the node's disk."""
        (self._home(lan.lab, node) / "state" / path).write_bytes(content)

    def freeze(self, lan: Lan, node: str) -> None:
        """Stop every process in the node's PID namespace."""
        stop(self._init(lan.lab, node))

    def thaw(self, lan: Lan, node: str) -> None:
        """Let every process in the node's PID namespace go on."""
        go_on(self._init(lan.lab, node))

    def log(self, lan: Lan, node: str) -> bytes:
        """Return what the node's program wrote to its standard streams."""
        path = self._home(lan.lab, node) / "log"
        return path.read_bytes() if path.exists() else b""

    def destroy(self, lab: str) -> None:
        """Kill the lab's processes, then remove the host's cable and the nodes' files."""
        kill(one.pid for one in self._processes(lab) if one.init or one.node == HOLDER)
        kill(one.pid for one in self._processes(lab))
        for key in [key for key in self._inits if key[0] == lab]:
            self._forget(*key)
        self._reap()
        interface = self.interface(lab)
        # The kernel may have removed it with the namespace; what else has that name lacks our mark.
        with contextlib.suppress(LabError, OSError):
            if Path(f"/sys/class/net/{interface}/ifalias").read_text().strip() == self._mark():
                _ip(f"link del {interface}")
        shutil.rmtree(self._folder / lab / "nodes", ignore_errors=True)

    def labels(self) -> frozenset[str]:
        """Return the labs of which a process is left."""
        return frozenset(one.lab for one in labelled() if one.folder == str(self._folder))

    def subnets(self) -> Mapping[IPv4Network, str]:
        """Return nothing: what is in use here are this computer's own routes."""
        return {}

    def _mark(self) -> str:
        """Return what says of an interface that it belongs to this state folder."""
        return f"standby-lab-{hashlib.sha256(str(self._folder).encode()).hexdigest()[:16]}"

    def _home(self, lab: str, node: str) -> Path:
        return self._folder / lab / "nodes" / node

    def _plug_in(self, lan: Lan, node: str) -> None:
        switch, cable = self._init(lan.lab, HOLDER), self.cable(lan, node)
        ends = f"netns {switch} type veth peer name eth0 netns {self._init(lan.lab, node)}"
        _ip(f"link add {cable} {ends}")
        _ip(f"link set {cable} master {BRIDGE} up", inside=switch)

    def _forget(self, lab: str, node: str) -> None:
        self._inits.pop((lab, node), None)
        self._consoles.pop((lab, node), None)

    def _unplug(self, lan: Lan, node: str) -> None:
        """Remove a cable; the kernel does so too, but some time after a node's end."""
        with contextlib.suppress(LabError):  # it is gone already
            _ip(f"link del {self.cable(lan, node)}", inside=self._init(lan.lab, HOLDER))

    def _init(self, lab: str, node: str) -> int:
        """Return the node's first process; also of a lab that another process has made."""
        known = self._inits.get((lab, node))
        if known is None:
            found = (one for one in self._processes(lab) if one.node == node)
            known = next((one.pid for one in found if one.init or node == HOLDER), None)
        if known is None:
            raise NodeDown(
                f"{node} of lab {lab} is off",
                remedy=f"see what is left of the lab: standby-lab inspect {lab}",
            )
        self._inits[lab, node] = known
        return known

    def _processes(self, lab: str) -> list[LabProcess]:
        return [one for one in labelled() if (one.lab, one.folder) == (lab, str(self._folder))]

    def _environment(self, lab: str, node: str) -> dict[str, str]:
        labels = {LAB: lab, NODE: node, FOLDER: str(self._folder)}
        path = f"{Path(sys.executable).parent}:{SYSTEM_PATH}"
        return {
            "PATH": path,
            "LANG": "C.UTF-8",
            "HOME": str(self._home(lab, node) / "home"),
            "XDG_CACHE_HOME": str(self._folder.parent / "cache"),  # what libraries note of /etc
            **labels,
        }

    def _spawn(self, argv: Sequence[str], lab: str, node: str) -> subprocess.Popen[bytes]:
        try:
            child = subprocess.Popen(
                argv,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
                cwd="/",
                env=self._environment(lab, node),
            )
        except FileNotFoundError as error:
            raise LabError(
                f"{error.filename} is missing, which makes namespaces",
                remedy="install it: apt-get install util-linux iproute2",
            ) from error
        with self._lock:
            self._children.append(child)
        return child

    def _first_line(self, child: subprocess.Popen[bytes], what: str) -> str:
        if child.stdout is None or child.stderr is None:
            raise LabError(f"{what} has no console")
        line = child.stdout.readline().decode().strip()
        if not line:
            reason = child.stderr.read().decode(errors="replace").strip()
            raise LabError(
                f"no namespaces for {what}: {reason}",
                remedy="standby-lab doctor says what this computer allows; or --backend sim",
            )
        child.stderr.close()
        return line

    def _reap(self) -> None:
        with self._lock:
            self._children = [child for child in self._children if child.poll() is None]

    def _last_words(self, lan: Lan, node: str) -> str:
        last = self.log(lan, node).decode(errors="replace").strip().splitlines()[-1:]
        return f": {last[0]}" if last else ""


def _writer(pipe: IO[bytes]) -> Callable[[bytes], None]:
    """Return what writes to a pipe, past its buffer: what was not taken is not tried again."""

    def write(data: bytes) -> None:
        while data:
            data = data[os.write(pipe.fileno(), data) :]

    return write


def _ip(*lines: str, inside: int | None = None) -> None:
    """Run iproute2 commands in one batch, on the host or in a process's network namespace."""
    entry = [] if inside is None else ["nsenter", f"--net=/proc/{inside}/ns/net"]
    done = subprocess.run(
        [*entry, "ip", "-batch", "-"],
        input="\n".join(lines).encode(),
        capture_output=True,
        check=False,
    )
    if done.returncode:
        reason = done.stderr.decode(errors="replace").strip().splitlines()[:1]
        raise LabError(
            f"the lab's network cannot be set up: {''.join(reason)} ({lines[0]})",
            remedy="choose another --name; what a killed run left: standby-lab doctor --repair",
        )
