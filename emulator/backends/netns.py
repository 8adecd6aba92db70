"""Labs in Linux namespaces: a network, mount, PID and UTS namespace for each node.

The bridge stands in a network namespace of its own, kept by a holder process, because a
firewall of the host (Docker's, for one) would drop what crosses a bridge of the host. A
veth leads from the host to that bridge, so that a browser and ssh reach the nodes.
Namespaces are referred to by process ids and entered with `nsenter`; nothing is mounted
or named outside of them, so the death of the processes is the end of the lab.
"""

from __future__ import annotations

import contextlib
import hashlib
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from ipaddress import IPv4Network
from pathlib import Path
from typing import Literal

from emulator.backends import Completed, Lan, NodePlan, Plug, Record
from emulator.backends.pipes import SocketPipe
from emulator.backends.processes import FOLDER, LAB, NODE, LabProcess, kill, labelled
from emulator.lab import LabError, NodeDown
from emulator.nodelink import Pipe

BRIDGE = "lan0"
HOLDER = "lan-holder"
CONNECT_LIMIT_S = 60.0
RETRY_S = 0.005
COMMAND_LIMIT_S = 120.0

INIT = Path(__file__).with_name("node-init.sh")
SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
NAMESPACES = ("--mount", "--uts", "--ipc", "--pid", "--fork", "--kill-child")


class NetnsBackend:
    """Hosts labs in namespaces; needs root.

    Args:
        folder: where the files of nodes lie, one folder a lab.
    """

    name: Literal["netns"] = "netns"

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._children: list[subprocess.Popen[bytes]] = []
        self._inits: dict[tuple[str, str], int] = {}
        self._lock = threading.Lock()

    def create_lan(self, lan: Lan, record: Record) -> None:
        """Make the switch's namespace, its bridge, and the host's own cable to it."""
        record({"what": "folder", "path": str(self._folder / lan.lab / "nodes")})
        record({"what": "processes", "label": lan.lab})
        record({"what": "interface", "name": lan.interface})
        argv = ["unshare", "--net", "sh", "-c", "echo up; exec sleep infinity"]
        holder = self._spawn(argv, lan.lab, HOLDER)
        self._first_line(holder, f"the switch of {lan.lab}")
        self._inits[lan.lab, HOLDER] = holder.pid
        _ip(
            f"link add {lan.interface} type veth peer name host netns {holder.pid}",
            f"link set {lan.interface} alias {self._mark()}",
            f"addr add {lan.host_address}/{lan.subnet.prefixlen} dev {lan.interface}",
            f"link set {lan.interface} up",
        )
        _ip(
            f"link add {BRIDGE} type bridge stp_state 0 forward_delay 0 mcast_snooping 0",
            f"link set host master {BRIDGE} up",
            f"link set {BRIDGE} up",
            inside=holder.pid,
        )

    def bridge(self, lan: Lan) -> str:  # noqa: ARG002 - the protocol's signature; a namespace each
        """Return the bridge's name in the switch's namespace."""
        return BRIDGE

    def state_folder(self, lan: Lan, node: str) -> str:
        """Return the folder of the host that is the node's disk."""
        return str(self._home(lan.lab, node) / "state")

    def boot(self, lan: Lan, node: NodePlan, plug: Plug) -> None:  # noqa: ARG002 - the protocol's; the host's own `ip` does it
        """Start a node's namespaces, plug its cable in, then start its program."""
        home = self._home(lan.lab, node.name)
        switch = self._init(lan.lab, HOLDER)
        own_net = node.role == "appliance"
        if not home.exists():
            self._furnish(home, node)
        elif own_net:
            self._unplug(lan, node.name)
        argv = ["unshare", "--net"] if own_net else ["nsenter", f"--net=/proc/{switch}/ns/net"]
        argv += [*(() if own_net else ("unshare",)), *NAMESPACES]
        argv += ["sh", str(INIT), str(home), node.name, sys.executable, "-m", *node.program]
        holder = self._spawn(argv, lan.lab, node.name)
        try:
            init = int(self._first_line(holder, node.name))
            if own_net:
                cable = self.cable(lan, node.name)
                ends = f"netns {switch} type veth peer name eth0 netns {init}"
                _ip(f"link add {cable} {ends}")
                _ip(f"link set {cable} master {BRIDGE} up", inside=switch)
            self._inits[lan.lab, node.name] = init
            if holder.stdin is None:
                raise NodeDown(f"{node.name} cannot be started: its console is closed")
            holder.stdin.write(b"go\n")
            holder.stdin.close()
        except OSError as error:
            raise NodeDown(f"{node.name} ended before its program was started: {error}") from error

    def power_off(self, lan: Lan, node: str) -> None:
        """Take the link away, then kill the PID namespace's first process.

        The cable itself is removed last: a node that saw its port vanish would report it.
        """
        init = self._init(lan.lab, node)
        with contextlib.suppress(LabError):  # the node's own end made it vanish already
            _ip(f"link set {self.cable(lan, node)} down", inside=self._init(lan.lab, HOLDER))
        kill([init])
        self._unplug(lan, node)
        del self._inits[lan.lab, node]
        self._reap()

    def running(self, lan: Lan, node: str) -> bool:
        """Say whether a node's first process lives."""
        try:
            init = self._init(lan.lab, node)
        except NodeDown:
            return False
        return any(one.pid == init for one in self._processes(lan.lab))

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

    def read(self, lan: Lan, node: str, path: str) -> bytes:
        """Read a file of the node's disk."""
        return (self._home(lan.lab, node) / "state" / path).read_bytes()

    def files(self, lan: Lan, node: str, path: str) -> list[str]:
        """List a folder of the node's disk."""
        folder = self._home(lan.lab, node) / "state" / path
        return sorted(entry.name for entry in folder.iterdir()) if folder.is_dir() else []

    def log(self, lan: Lan, node: str) -> bytes:
        """Return what the node's program wrote to its standard streams."""
        path = self._home(lan.lab, node) / "log"
        return path.read_bytes() if path.exists() else b""

    def destroy(self, lab: str) -> None:
        """Kill the lab's processes, then remove the host's cable and the nodes' files."""
        kill(one.pid for one in self._processes(lab) if one.init or one.node == HOLDER)
        kill(one.pid for one in self._processes(lab))
        self._inits = {key: pid for key, pid in self._inits.items() if key[0] != lab}
        self._reap()
        interface = Lan.interface_of(lab)
        # The kernel may have removed it with the namespace, and another state folder may have
        # a lab of that name; neither shows our mark.
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
        return {"PATH": path, "LANG": "C.UTF-8", "HOME": "/", **labels}

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
                remedy="run as root on a kernel with namespaces and overlayfs, or --backend sim",
            )
        child.stdout.close()
        child.stderr.close()
        return line

    def _reap(self) -> None:
        with self._lock:
            self._children = [child for child in self._children if child.poll() is None]

    def _furnish(self, home: Path, node: NodePlan) -> None:
        for part in ("state", "etc", "work", "home"):
            (home / part).mkdir(parents=True, mode=0o700)
        (home / "etc").chmod(0o755)
        # Nothing that is done on a node may reach the host: root's home is the node's.
        lines = Path("/etc/passwd").read_text().splitlines(keepends=True)
        passwd = "".join(_rehome(line, str(home / "home")) for line in lines)
        _place(home / "etc" / "passwd", passwd.encode(), 0o644)
        _place(home / "etc" / "hostname", f"{node.name}\n".encode(), 0o644)
        _place(home / "etc" / "hosts", f"127.0.0.1 localhost {node.name}\n".encode(), 0o644)
        _place(home / "etc" / "resolv.conf", b"", 0o644)
        for path, content in node.files.items():
            _place(home / "state" / path, content, 0o600)

    def _last_words(self, lan: Lan, node: str) -> str:
        last = self.log(lan, node).decode(errors="replace").strip().splitlines()[-1:]
        return f": {last[0]}" if last else ""


def _rehome(line: str, home: str) -> str:
    fields = line.split(":")
    if fields[0] == "root":
        fields[5] = home
    return ":".join(fields)


def _place(path: Path, content: bytes, mode: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode)
    path.write_bytes(content)


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
