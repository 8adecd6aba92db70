"""The machine on Linux: files, sockets, accounts; the kernel's part in a namespace."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import socket
import struct
import subprocess
import sys
import threading
import time
from pathlib import Path

import paramiko
import pytest

from emulator.appliance import appliancectl
from emulator.appliance.linux import netlink, sshd
from emulator.appliance.linux.control import ControlSocket, PeerStream
from emulator.appliance.linux.disk import LinuxDisk
from emulator.clock import RealCalendar

DEADLINE_S = 20.0


def test_disk_keeps_to_its_folder(tmp_path):
    disk = LinuxDisk(tmp_path / "state")
    for path in ("../x", "/etc/passwd", "a/../../x"):
        with pytest.raises(ValueError, match="state directory"):
            disk.open(path)


def test_disk_follows_no_symbolic_link_when_it_writes(tmp_path):
    disk = LinuxDisk(tmp_path / "state")
    (tmp_path / "state" / "link").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match="symbolic"):
        disk.create("link")


def test_transaction_that_fails_leaves_no_row(tmp_path):
    database = LinuxDisk(tmp_path).database("x.db")
    with database.transaction() as connection:
        connection.execute("CREATE TABLE t (x)")

    def fail() -> None:
        with database.transaction() as connection:
            connection.execute("INSERT INTO t VALUES (1)")
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert database.read("SELECT * FROM t") == []
    database.close()


class Echo:
    """Answers with what it was asked."""

    def __init__(self) -> None:
        self.seen: list[bytes] = []
        self.clients: list[int] = []

    def __call__(self, argv, stdin):
        if argv == ["refused"]:
            return {"ok": False, "error": {"code": "busy", "message": "no", "remedy": "wait"}}
        if argv == ["wrong"]:
            return {"ok": False, "error": {"code": "usage", "message": "no", "remedy": ""}}
        data = b""
        while piece := stdin.read(1000):
            data += piece
        self.seen.append(data)
        self.clients.append(stdin.client)
        return {"ok": True, "result": {"argv": argv, "rows": [{"a": 1}, {"a": None}]}}


@pytest.fixture
def control(tmp_path):
    echo = Echo()
    served = ControlSocket(tmp_path / "control.sock", echo, RealCalendar())
    served.start()
    yield tmp_path / "control.sock", echo
    served.close()


def ctl(path: Path, *argv: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-S", "-E", appliancectl.__file__, *argv],
        input=stdin,
        capture_output=True,
        env={"APPLIANCE_CONTROL": str(path)},
        timeout=DEADLINE_S,
        check=False,
    )


def test_client_passes_arguments_and_standard_input_and_prints_json(control):
    path, echo = control
    data = os.urandom(300_000)
    done = ctl(path, "--json", "receive", "ä b", "", stdin=data)
    assert done.returncode == 0
    assert json.loads(done.stdout)["result"]["argv"] == ["receive", "ä b", ""]
    assert echo.seen == [data]


@pytest.mark.parametrize(("command", "status"), [("refused", 1), ("wrong", 2)])
def test_client_exits_with_the_answer(control, command, status):
    path, _ = control
    assert ctl(path, "--json", command).returncode == status
    plain = ctl(path, command)
    assert plain.returncode == status
    assert b"no" in plain.stderr
    assert plain.stdout == b""


def test_client_shows_a_table_to_people(control):
    path, _ = control
    assert ctl(path, "status").stdout.decode().splitlines()[-2:] == ["  1", "  -"]


def test_client_without_an_appliance_says_so(tmp_path):
    done = ctl(tmp_path / "none.sock", "status")
    assert done.returncode == 1
    assert b"is the appliance running?" in done.stderr


def test_control_socket_is_for_its_owner_only(control):
    path, _ = control
    assert path.stat().st_mode & 0o777 == 0o600


def test_root_password_is_written_in_place_beside_the_others(tmp_path):
    shadow = tmp_path / "shadow"
    shadow.write_text("root:*:1:0:99999:7:::\nsshd:!:1::::::\n" + "x" * 500 + "\n")
    inode = shadow.stat().st_ino
    hashed = sshd.crypt("geheim", "$6$rounds=1000$salt")
    sshd.set_root_password(shadow, hashed)
    lines = shadow.read_text().splitlines()
    assert lines[0].split(":")[1] == hashed
    assert lines[1:] == ["sshd:!:1::::::", "x" * 500]
    assert shadow.stat().st_ino == inode
    assert sshd.crypt("geheim", hashed) == hashed
    assert sshd.crypt("falsch", hashed) != hashed


def test_netlink_messages_are_taken_apart_and_rubbish_is_not():
    attribute = struct.pack("=HH4s", 8, netlink.IFA_LOCAL, bytes([198, 18, 7, 10]))
    body = netlink.ADDRESS.pack(2, 24, 0, 0, 3) + attribute
    message = netlink.HEADER.pack(16 + len(body), netlink.RTM_NEWADDR, 0, 0, 0) + body
    assert list(netlink.parse(message * 2)) == [(netlink.RTM_NEWADDR, 3, "198.18.7.10")] * 2
    assert list(netlink.parse(b"\0" * 64)) == []
    other = netlink.HEADER.pack(16, 99, 0, 0, 0)
    assert list(netlink.parse(other)) == []


def test_stream_that_is_closed_too_late_touches_no_descriptor_of_others():
    stream = PeerStream(os.open("/dev/null", os.O_RDONLY), 1)
    stream.release()
    near, far = socket.socketpair()  # most likely with the numbers that became free
    with near, far:
        stream.close()
        del stream
        far.settimeout(0)
        near.settimeout(0)
        for end in (near, far):
            with pytest.raises(BlockingIOError):
                end.recv(8)


NODE = """
set -e
mount -t tmpfs tmpfs /run
mount --bind {home}/shadow /etc/shadow
mount --bind {home}/resolv.conf /etc/resolv.conf
ip link set lo up
ip link add eth0 type veth peer name out0
ip addr add 198.18.99.9/24 dev eth0
ip link set out0 up
echo ready
exec sleep 600
"""


class Node:
    """A namespace with one LAN port, in which an appliance runs."""

    def __init__(self, home: Path) -> None:
        self.home = home
        (home / "shadow").write_text("root:*:1:0:99999:7:::\nsshd:!:1::::::\n")
        (home / "resolv.conf").write_text("")
        argv = ["unshare", "-n", "-m", "-p", "-f", "--kill-child", "sh", "-c"]
        self._holder = subprocess.Popen(
            [*argv, NODE.format(home=home)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        assert self._holder.stdout.readline() == b"ready\n", self._holder.communicate()
        children = Path(f"/proc/{self._holder.pid}/task/{self._holder.pid}/children")
        self._inside = children.read_text().split()[0]
        self.program: subprocess.Popen[bytes] | None = None

    def argv(self, *argv: str) -> list[str]:
        return ["nsenter", "-t", self._inside, "-n", "-m", "-p", *argv]

    def run(self, *argv: str, **options) -> subprocess.CompletedProcess[bytes]:
        options = {"capture_output": True, "timeout": DEADLINE_S, **options}
        return subprocess.run(self.argv(*argv), check=False, **options)

    def boot(self) -> None:
        state = str(self.home / "state")
        argv = [sys.executable, "-m", "emulator.appliance", "--state", state, "--calendar", "real"]
        with (self.home / "log").open("ab") as log:
            self.program = subprocess.Popen(self.argv(*argv), stdout=log, stderr=log)
        deadline = time.monotonic() + DEADLINE_S  # noqa: TID251 - a real boot takes real time
        while self.run("/run/appliance/bin/appliancectl", "--json", "status").returncode:
            assert self.program.poll() is None, (self.home / "log").read_text()
            assert time.monotonic() < deadline  # noqa: TID251 - as above

    def ctl(self, *argv: str, stdin: bytes = b"") -> dict:
        done = self.run("/run/appliance/bin/appliancectl", "--json", *argv, input=stdin)
        return json.loads(done.stdout)

    def addresses(self) -> set[str]:
        rows = json.loads(self.run("ip", "-j", "-4", "addr", "show", "dev", "eth0").stdout)
        return {one["local"] for one in rows[0]["addr_info"]}

    def kill(self) -> None:
        self._holder.kill()
        self._holder.wait()


@pytest.fixture
def node(tmp_path, settings):
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "factory.json").write_text(json.dumps(settings.pbx2))
    made = Node(tmp_path)
    yield made
    made.kill()


@pytest.mark.netns
def test_appliance_boots_on_a_kernel_takes_over_and_ends_in_order(node, settings):
    node.boot()
    assert node.addresses() == {"198.18.7.20"}  # what was there before is dropped
    link = json.loads(node.run("ip", "-j", "link", "show", "eth0").stdout)[0]
    assert link["address"] == settings.pbx2["mac"]
    assert "198.18.7.1" in node.run("ip", "route").stdout.decode()
    network = ["--address", "198.18.7.10", "--prefix", "24", "--gateway", "198.18.7.1"]
    answer = node.ctl("takeover", "--operation", "s", "--epoch", "2", *network)
    assert answer["ok"], answer
    assert node.addresses() == {"198.18.7.10", "198.18.7.20"}
    node.ctl("settle", "--operation", "s")
    assert node.addresses() == {"198.18.7.10"}
    events = node.ctl("log")["result"]["lines"]
    moves = [
        (one["event"], one["detail"]["address"]) for one in events if one["source"] == "address"
    ]
    assert moves == [
        ("added", "198.18.7.20"),
        ("added", "198.18.7.10"),
        ("removed", "198.18.7.20"),
    ]
    assert node.ctl("shutdown")["ok"]
    assert node.program.wait(DEADLINE_S) == 0
    log = (node.home / "state" / "log" / "events.jsonl").read_text().splitlines()
    assert json.loads(log[-1])["event"] == "stopped"


@pytest.mark.netns
def test_ssh_takes_the_password_and_carries_a_payload(node, settings):
    node.boot()
    forward = Forward(node)
    with forward, paramiko.SSHClient() as client:
        client.set_missing_host_key_policy(paramiko.AutoAddPolicy())
        password = settings.credentials.root_passwords["pbx2"]
        client.connect(
            "127.0.0.1",
            forward.port,
            "root",
            password,
            look_for_keys=False,
            allow_agent=False,
            timeout=DEADLINE_S,
        )
        stdin, stdout, _ = client.exec_command("appliancectl --json status")
        stdin.channel.shutdown_write()
        assert json.loads(stdout.read())["result"]["name"] == "pbx2"
        data = os.urandom(50_000)
        digest = hashlib.sha256(data).hexdigest()
        sizes = f"--seal-size 50000 --size 50000 --sha256 {digest}"
        command = f"appliancectl --json receive 1.1.1 --file a.seal {sizes}"
        stdin, stdout, _ = client.exec_command(command)
        stdin.write(data)
        stdin.channel.shutdown_write()
        assert json.loads(stdout.read())["error"]["code"] == "not-a-backup"  # the hash held
    assert (node.home / "state" / "ssh" / "ssh_host_ed25519_key").stat().st_mode & 0o77 == 0


class Forward:
    """A port on this side that leads to port 22 inside a node."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]

    def __enter__(self):
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def __exit__(self, *_error):
        self._listener.close()

    def _serve(self) -> None:
        program = (
            "import socket,sys,os,threading\n"
            "s=socket.create_connection(('127.0.0.1',22))\n"
            "def out():\n"
            "    while d:=s.recv(65536): os.write(1,d)\n"
            "    os._exit(0)\n"
            "threading.Thread(target=out).start()\n"
            "while d:=os.read(0,65536): s.sendall(d)\n"
        )
        with contextlib.suppress(OSError):
            peer, _ = self._listener.accept()
            with peer:
                argv = self._node.argv(sys.executable, "-c", program)
                subprocess.run(argv, stdin=peer.fileno(), stdout=peer.fileno(), check=False)


def test_stream_of_a_client_ends_when_it_is_closed_from_outside(tmp_path):
    answers = []

    def dispatch(_argv, stdin):
        threading.Timer(0, stdin.close).start()
        try:
            stdin.read(10)
        except ConnectionAbortedError:
            answers.append("ended")
        return {"ok": True, "result": {}}

    served = ControlSocket(tmp_path / "control.sock", dispatch, RealCalendar())
    served.start()
    near, far = socket.socketpair()
    with near, far, socket.socket(socket.AF_UNIX) as peer:
        peer.connect(str(tmp_path / "control.sock"))
        socket.send_fds(peer, [b"receive\0"], [far.fileno()])
        assert io.BytesIO(peer.makefile("rb").read()).read(1) == b"0"
    served.close()
    assert answers == ["ended"]
