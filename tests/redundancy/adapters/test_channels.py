"""One contract for every Channel: the local program, SSH, and the fake."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from loopback import Sshd

from redundancy.adapters.local import LocalChannel
from redundancy.adapters.ssh import SshTransport
from redundancy.adapters.ssh_channel import Limits
from redundancy.errors import (
    ConnectionLost,
    DefiniteError,
    Fenced,
    IndefiniteError,
    Refused,
    Stalled,
)
from redundancy.fakes import FakeChannel
from redundancy.ports import Channel, Payload

BIG = 24 * 1024 * 1024  # more than any buffer on the way


def payload(size: int, stall_limit_s: float = 20.0) -> Payload:
    return Payload(io.BytesIO(b"p" * size), size, stall_limit_s, lambda _sent: None)


@pytest.fixture
def local(program: Path) -> LocalChannel:
    return LocalChannel(str(program))


@pytest.fixture
def fake() -> FakeChannel:
    def digest(_argv: object, data: bytes) -> dict[str, object]:
        return {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()}

    channel = FakeChannel()
    channel.answer("echo", lambda argv, _data: {"argv": list(argv[1:])})
    channel.answer("digest", digest)
    channel.answer("refuse busy", Refused("busy", "no", remedy="do this"))
    channel.answer("refuse fenced", Fenced("no"))
    channel.answer("silent", IndefiniteError("no answer"))
    return channel


@pytest.fixture(params=["local", "ssh", "fake"])
def channel(request: pytest.FixtureRequest) -> Iterator[Channel]:
    if request.param == "ssh":
        found: Channel = SshTransport().connect(request.getfixturevalue("sshd").access)
    else:
        found = request.getfixturevalue(request.param)
    yield found
    found.close()


@pytest.fixture(params=["local", "ssh"])
def real(request: pytest.FixtureRequest) -> Iterator[Callable[[float], Channel]]:
    """Give channels with a chosen answer limit."""
    opened: list[Channel] = []

    def make(answer_limit_s: float) -> Channel:
        if request.param == "ssh":
            limits = Limits(answer_s=answer_limit_s)
            access = request.getfixturevalue("sshd").access
            opened.append(SshTransport(limits=limits).connect(access))
        else:
            program = request.getfixturevalue("program")
            opened.append(LocalChannel(str(program), answer_limit_s))
        return opened[-1]

    yield make
    for one in opened:
        one.close()


def test_arguments_arrive_as_they_were_given(channel: Channel) -> None:
    argv = ["two words", "quote'\"", "$HOME", "*", "", "ü", "a;b|c"]
    assert channel.call(["echo", *argv])["argv"] == argv


@pytest.mark.parametrize("size", [0, 1, 5_000_000])
def test_payload_arrives_whole_and_is_reported(channel: Channel, size: int) -> None:
    data = (b"0123456789abcdef" * (size // 16 + 1))[:size]
    reported: list[int] = []
    answer = channel.call(["digest"], Payload(io.BytesIO(data), size, 20.0, reported.append))
    assert answer == {"size": size, "sha256": hashlib.sha256(data).hexdigest()}
    assert reported == sorted(reported)
    assert (reported or [0])[-1] == size


def test_refusal_carries_code_message_and_remedy(channel: Channel) -> None:
    with pytest.raises(Refused) as caught:
        channel.call(["refuse", "busy"])
    assert (caught.value.code, caught.value.message, caught.value.remedy) == (
        "busy",
        "no",
        "do this",
    )


def test_fenced_has_a_class_of_its_own(channel: Channel) -> None:
    with pytest.raises(Fenced):
        channel.call(["refuse", "fenced"])


def test_command_without_an_answer_is_indefinite(channel: Channel) -> None:
    with pytest.raises(IndefiniteError):
        channel.call(["silent"])


def test_channel_serves_again_after_a_refusal(channel: Channel) -> None:
    with pytest.raises(Refused):
        channel.call(["refuse", "busy"])
    assert channel.call(["echo", "again"])["argv"] == ["again"]


def test_close_may_be_repeated(channel: Channel) -> None:
    channel.close()
    channel.close()


@pytest.mark.parametrize("size", [10, BIG])
def test_answer_before_the_payload_is_consumed_wins(
    real: Callable[[float], Channel], size: int
) -> None:
    with pytest.raises(Refused) as caught:
        real(20).call(["refuse-early"], payload(size))
    assert caught.value.code == "busy"


def test_command_that_dies_in_its_payload_is_definite(real: Callable[[float], Channel]) -> None:
    with pytest.raises(ConnectionLost):
        real(20).call(["die-early"], payload(BIG))


def test_command_that_dies_before_it_answers_is_indefinite(
    real: Callable[[float], Channel],
) -> None:
    with pytest.raises(IndefiniteError):
        real(20).call(["die"])


def test_payload_that_is_not_taken_stalls(real: Callable[[float], Channel]) -> None:
    with pytest.raises(Stalled):
        real(20).call(["hang-early"], payload(BIG, stall_limit_s=0.4))


def test_answer_that_does_not_come_is_indefinite(real: Callable[[float], Channel]) -> None:
    with pytest.raises(IndefiniteError):
        real(0.4).call(["hang"], payload(100))


def test_much_noise_does_not_block_the_answer(real: Callable[[float], Channel]) -> None:
    assert len(real(20).call(["chatty"])["long"]) == 4_000_000


def test_answer_of_another_contract_is_refused(real: Callable[[float], Channel]) -> None:
    with pytest.raises(Refused) as caught:
        real(20).call(["future"])
    assert caught.value.code == "contract"


def test_answer_that_is_no_json_is_indefinite(real: Callable[[float], Channel]) -> None:
    with pytest.raises(IndefiniteError):
        real(20).call(["garbage"])


class BrokenDisk(io.RawIOBase):
    """Reads a while, then fails as a dying disk does."""

    def __init__(self) -> None:
        self.left = 3

    def read(self, size: int = -1) -> bytes:
        self.left -= 1
        if self.left < 0:
            raise OSError(5, "Input/output error")
        return b"x" * size


def test_failing_disk_here_is_definite_and_named(real: Callable[[float], Channel]) -> None:
    broken = replace(payload(BIG), stream=BrokenDisk())
    with pytest.raises(DefiniteError, match="cannot be read on this appliance"):
        real(20).call(["digest"], broken)


def test_far_command_has_ended_before_a_failing_disk_here_is_told(
    sshd: Sshd, tmp_path: Path
) -> None:
    """Whoever tries again must not meet what an attempt has left behind (T15)."""
    channel = SshTransport().connect(sshd.access)
    broken = replace(payload(BIG), stream=BrokenDisk())
    with pytest.raises(DefiniteError, match="cannot be read on this appliance"):
        channel.call(["leave", str(tmp_path / "ended")], broken)
    assert (tmp_path / "ended").exists()
    channel.close()


def test_missing_program_is_refused() -> None:
    with pytest.raises(Refused) as caught:
        LocalChannel("no-such-appliancectl").call(["status"])
    assert caught.value.code == "no-appliancectl"


def test_fake_fails_in_the_middle_of_a_payload(fake: FakeChannel) -> None:
    fake.fail("digest", ConnectionLost("cut"), after_bytes=600)
    with pytest.raises(ConnectionLost):
        fake.call(["digest"], payload(1000))
    assert fake.call(["digest"], payload(1000))["size"] == 1000
    assert [len(one.payload) for one in fake.calls] == [600, 1000]


def test_fake_refuses_what_is_not_scripted(fake: FakeChannel) -> None:
    with pytest.raises(Refused):
        fake.call(["unheard-of"])
