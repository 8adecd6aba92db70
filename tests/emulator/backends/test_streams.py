from __future__ import annotations

import socket
import struct
import threading

from emulator.backends.pipes import SocketPipe
from emulator.backends.streams import ExecPipe, ExecStream


def frame(stream: int, data: bytes) -> bytes:
    return struct.pack(">BxxxI", stream, len(data)) + data


def test_lines_that_are_cut_into_frames_come_whole():
    near, far = socket.socketpair()
    far.sendall(frame(1, b"one\ntw") + frame(2, b"noise\n") + frame(1, b"o\n") + frame(1, b"torn"))
    far.shutdown(socket.SHUT_WR)
    assert list(ExecPipe(ExecStream(near)).lines()) == [b"one\n", b"two\n"]


def test_frame_that_ends_with_the_connection_is_left_out():
    near, far = socket.socketpair()
    far.sendall(frame(1, b"whole\n") + frame(1, b"half a frame\n")[:-4])
    far.close()
    assert list(ExecPipe(ExecStream(near)).lines()) == [b"whole\n"]


def test_communicate_tells_output_from_errors_and_ends_the_input():
    near, far = socket.socketpair()

    def program() -> None:
        taken = b"".join(iter(lambda: far.recv(65536), b""))
        far.sendall(frame(1, b"%d" % len(taken)) + frame(2, b"trouble"))
        far.close()

    threading.Thread(target=program).start()
    assert ExecStream(near).communicate(b"x" * 1_000_000) == (b"1000000", b"trouble")


def test_program_that_ends_without_reading_its_input_is_no_failure():
    near, far = socket.socketpair()
    far.sendall(frame(1, b"bye"))
    far.close()
    assert ExecStream(near).communicate(b"x" * 1_000_000) == (b"bye", b"")


def test_hanging_up_ends_a_reader_in_another_thread():
    for make in (SocketPipe, lambda peer: ExecPipe(ExecStream(peer))):
        near, far = socket.socketpair()
        pipe = make(near)
        reader = threading.Thread(target=lambda lines=pipe.lines: list(lines()))
        reader.start()
        pipe.close()
        reader.join(5)
        assert not reader.is_alive()
        far.close()
