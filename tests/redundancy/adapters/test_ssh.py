"""SSH against a real sshd: keys, passwords, cuts and stalls."""

from __future__ import annotations

import errno
import io
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import paramiko
import pytest
from loopback import Sshd, free_port
from relay import Relay

from redundancy.adapters.ssh import Patience, SshTransport
from redundancy.adapters.ssh_channel import Limits, SshChannel
from redundancy.errors import (
    AuthenticationFailed,
    ConnectionLost,
    HostKeyChanged,
    IndefiniteError,
    RedundancyError,
    Refused,
    Stalled,
)
from redundancy.fakes import FakeTransport
from redundancy.ports import Payload, StandbyAccess, Transport

BIG = 24 * 1024 * 1024


def payload(size: int, stall_limit_s: float = 20.0) -> Payload:
    return Payload(io.BytesIO(b"p" * size), size, stall_limit_s, lambda _sent: None)


@pytest.fixture
def relay(sshd: Sshd) -> Iterator[Relay]:
    one = Relay(sshd.access.port)
    yield one
    one.close()


@pytest.fixture(params=["ssh", "fake"])
def far(request: pytest.FixtureRequest) -> tuple[Transport, StandbyAccess, str]:
    """Give a transport, the access that works, and the host key that is shown."""
    if request.param == "fake":
        fake = FakeTransport(request.getfixturevalue("scripted"))
        fake.password = "right"
        return fake, StandbyAccess("root", "right", "198.18.0.20"), fake.key
    sshd: Sshd = request.getfixturevalue("sshd")
    return SshTransport(), sshd.access, sshd.key("ed25519")


@pytest.fixture
def scripted() -> Any:
    from redundancy.fakes import FakeChannel  # noqa: PLC0415 - used by one parameter only

    channel = FakeChannel()
    channel.answer("echo", {"argv": []})
    return channel


def test_host_key_is_shown_without_login(far: tuple[Transport, StandbyAccess, str]) -> None:
    transport, access, key = far
    assert transport.host_key(replace(access, password="wrong")) == key


def test_pinned_key_is_accepted(far: tuple[Transport, StandbyAccess, str]) -> None:
    transport, access, key = far
    channel = transport.connect(replace(access, host_key=key))
    assert channel.call(["echo"]) == {"argv": []}
    channel.close()


@pytest.mark.covers("D11", "T8")
def test_other_key_than_the_pinned_one_stops_before_the_password(
    far: tuple[Transport, StandbyAccess, str],
) -> None:
    transport, access, _ = far
    with pytest.raises(HostKeyChanged):
        transport.connect(replace(access, password="wrong", host_key="ssh-ed25519 AAAAother"))


def test_wrong_password_is_named_as_such(far: tuple[Transport, StandbyAccess, str]) -> None:
    transport, access, _ = far
    with pytest.raises(AuthenticationFailed):
        transport.connect(replace(access, password="wrong"))


@pytest.mark.parametrize("kind", ["ecdsa", "rsa"])
def test_pinned_key_of_another_kind_is_asked_for(sshd: Sshd, kind: str) -> None:
    channel = SshTransport().connect(replace(sshd.access, host_key=sshd.key(kind)))
    assert channel.call(["echo"]) == {"argv": []}
    channel.close()


def test_only_aes_gcm_is_spoken(sshd: Sshd) -> None:
    channel = SshTransport().connect(sshd.access)
    assert "gcm" in channel._transport.remote_cipher
    channel.close()


@pytest.mark.parametrize("share", [0.0, 0.1, 0.6, 0.95])
def test_cut_in_the_payload_is_definite(sshd: Sshd, relay: Relay, share: float) -> None:
    channel = SshTransport().connect(sshd.through(relay.port))
    relay.cut_after(relay.seen + 300 + int(BIG * share))
    with pytest.raises(ConnectionLost) as caught:
        channel.call(["digest"], payload(BIG))
    assert "EOFError" not in caught.value.message


@pytest.mark.parametrize("size", [None, 1000])
def test_cut_while_the_answer_is_awaited_is_indefinite(
    sshd: Sshd, relay: Relay, tmp_path: Path, size: int | None
) -> None:
    channel = SshTransport().connect(sshd.through(relay.port))
    hanging = tmp_path / "hanging"
    os.mkfifo(hanging)
    with ThreadPoolExecutor(1) as pool:
        given = payload(size) if size else None
        waiting = pool.submit(channel.call, ["hang", str(hanging)], given)
        hanging.read_bytes()  # the far command has all that it needs to act
        relay.cut()
        with pytest.raises(IndefiniteError):
            waiting.result(20)


@pytest.mark.parametrize("size", [600_000, 2_000_000])
def test_cut_is_definite_also_when_the_payload_fits_into_buffers(
    sshd: Sshd, relay: Relay, tmp_path: Path, size: int
) -> None:
    channel = SshTransport().connect(sshd.through(relay.port))
    hanging = tmp_path / "hanging"
    os.mkfifo(hanging)
    with ThreadPoolExecutor(1) as pool:
        reading = ["read-part", str(size // 10), str(hanging)]
        waiting = pool.submit(channel.call, reading, payload(size))
        hanging.read_bytes()
        relay.cut()
        with pytest.raises(ConnectionLost):
            waiting.result(20)


def test_cut_before_a_command_is_definite(sshd: Sshd, relay: Relay) -> None:
    channel = SshTransport().connect(sshd.through(relay.port))
    relay.cut()
    with pytest.raises(ConnectionLost):
        channel.call(["digest"], payload(10))


@pytest.mark.covers("D12", "T4")
def test_stalled_line_is_cut_by_progress(sshd: Sshd, relay: Relay) -> None:
    channel = SshTransport().connect(sshd.through(relay.port))
    relay.stall_after(relay.seen + 1_000_000)
    with pytest.raises(Stalled):
        channel.call(["digest"], payload(BIG, stall_limit_s=0.4))


def test_connection_is_gone_after_a_stall(sshd: Sshd) -> None:
    channel = SshTransport().connect(sshd.access)
    with pytest.raises(Stalled):
        channel.call(["hang-early"], payload(BIG, stall_limit_s=0.3))
    with pytest.raises(ConnectionLost):
        channel.call(["echo"])


def test_nobody_listening_is_connection_lost() -> None:
    with pytest.raises(ConnectionLost):
        SshTransport().connect(StandbyAccess("root", "x", "127.0.0.1", free_port()))


def test_something_else_than_ssh_is_connection_lost() -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        access = StandbyAccess("root", "x", "127.0.0.1", mute.getsockname()[1])
        with pytest.raises(ConnectionLost):
            SshTransport(Patience(handshake_s=0.2)).host_key(access)


def test_server_without_the_program_is_refused(sshd: Sshd) -> None:
    channel = SshTransport().connect(sshd.access)
    program, aside = sshd.folder / "appliancectl", sshd.folder / "aside"
    program.rename(aside)
    try:
        for given in (None, payload(10), payload(BIG)):
            with pytest.raises(Refused) as caught:
                channel.call(["digest"], given)
            assert caught.value.code == "no-appliancectl"
    finally:
        aside.rename(program)
        channel.close()


def test_import_of_the_adapter_leaves_paramiko_out() -> None:
    code = "import redundancy.adapters.ssh, sys; sys.exit('paramiko' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


FOREIGN = [
    ConnectionResetError(errno.ECONNRESET, "reset"),
    ConnectionRefusedError(errno.ECONNREFUSED, "refused"),
    BrokenPipeError(errno.EPIPE, "pipe"),
    EOFError(),
    TimeoutError("slow"),
    OSError("Socket is closed"),
    OSError(errno.EHOSTUNREACH, "no route"),
    socket.gaierror(socket.EAI_NONAME, "unknown"),
    paramiko.SSHException("broken"),
    paramiko.AuthenticationException("Authentication timeout."),
    paramiko.BadHostKeyException("host", paramiko.PKey(), paramiko.PKey()),
    paramiko.ChannelException(2, "refused"),
    paramiko.ssh_exception.NoValidConnectionsError({("127.0.0.1", 22): OSError("x")}),
    paramiko.ssh_exception.IncompatiblePeer("no common cipher"),
    ValueError("a packet that makes no sense"),
]


class BrokenTransport(paramiko.Transport):
    """A transport of which every use fails in one way."""

    def __init__(self, error: Exception) -> None:
        self.sock = socket.socket()
        self.error = error

    def open_session(self, *_args: Any, **_named: Any) -> paramiko.Channel:
        raise self.error

    def close(self) -> None:
        self.sock.close()


@pytest.mark.parametrize("error", FOREIGN, ids=lambda one: type(one).__name__)
def test_no_foreign_error_leaves_the_channel(error: Exception) -> None:
    channel = SshChannel(BrokenTransport(error), Limits())
    with pytest.raises(RedundancyError) as caught:
        channel.call(["status"])
    assert isinstance(caught.value, ConnectionLost)
    assert "EOFError" not in caught.value.message
    channel.close()


@pytest.mark.parametrize("error", FOREIGN, ids=lambda one: type(one).__name__)
def test_no_foreign_error_leaves_the_transport(
    error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_args: object) -> None:
        raise error

    monkeypatch.setattr(socket, "create_connection", fail)
    with pytest.raises(ConnectionLost):
        SshTransport().connect(StandbyAccess("root", "x", "127.0.0.1"))


@pytest.mark.covers("R35", "D15")
def test_password_is_in_no_representation() -> None:
    assert "secret" not in repr(StandbyAccess("root", "secret", "198.18.0.20"))
