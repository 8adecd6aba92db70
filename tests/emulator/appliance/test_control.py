"""The control socket's streams: a descriptor that was given back belongs to others."""

from __future__ import annotations

import os
import subprocess
import threading

import pytest

from emulator.appliance.__main__ import install_command
from emulator.appliance.linux.control import PeerStream

LIMIT_S = 10.0


def test_a_released_stream_touches_no_descriptor_that_was_opened_since() -> None:
    read, write = os.pipe()
    stream = PeerStream(read, client=1)
    stream.release()
    fresh = [os.pipe() for _ in range(4)]  # these reuse the numbers that were given back
    stream.close()
    del stream  # the garbage collector closes once more
    for reader, writer in fresh:
        os.set_blocking(reader, False)
        with pytest.raises(BlockingIOError):
            os.read(reader, 100)
        os.close(reader)
        os.close(writer)
    os.close(write)


def test_closing_ends_a_reader_that_waits() -> None:
    read, write = os.pipe()
    stream = PeerStream(read, client=1)
    ended: list[Exception] = []

    def wait_for_bytes() -> None:
        try:
            stream.read(100)
        except ConnectionAbortedError as error:
            ended.append(error)

    reader = threading.Thread(target=wait_for_bytes)
    reader.start()
    stream.close()
    reader.join(LIMIT_S)
    assert len(ended) == 1
    stream.release()
    os.close(write)


@pytest.mark.parametrize("line", ["poweroff", "halt", "shutdown -h now", "shutdown now"])
def test_root_switches_an_appliance_off_as_any_linux(tmp_path, line):
    install_command(tmp_path)
    (tmp_path / "appliancectl").write_text('#!/bin/sh\necho "asked: $*"\n')
    done = subprocess.run(
        ["sh", "-c", f"{tmp_path}/{line}"], capture_output=True, text=True, check=True
    )
    assert done.stdout == "asked: shutdown\n"


@pytest.mark.parametrize("line", ["shutdown", "shutdown -r now", "shutdown -h +5", "shutdown -c"])
def test_what_shutdown_cannot_do_is_said_and_switches_nothing_off(tmp_path, line):
    install_command(tmp_path)
    (tmp_path / "appliancectl").write_text('#!/bin/sh\necho "asked: $*"\n')
    done = subprocess.run(
        ["sh", "-c", f"{tmp_path}/{line}"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert "shutdown -h now" in done.stderr
