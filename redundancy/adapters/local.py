"""The appliance that the module runs on, through its own `appliancectl`."""

from __future__ import annotations

import os
import selectors
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import IO, Any

from redundancy.adapters import envelope
from redundancy.errors import ConnectionLost, DefiniteError, IndefiniteError, Stalled
from redundancy.ports import Payload

PIECE_SIZE = 256 * 1024


class LocalChannel:
    """Runs the contract's commands as child processes.

    Args:
        program: the command line client of the contract.
        answer_limit_s: how long an answer may take once the payload is sent.
    """

    def __init__(self, program: str = "appliancectl", answer_limit_s: float = 600.0) -> None:
        self._program = program
        self._answer_limit_s = answer_limit_s

    def call(self, argv: Sequence[str], payload: Payload | None = None) -> Mapping[str, Any]:
        """Run one command; see `redundancy.ports.Channel.call`."""
        try:
            process = subprocess.Popen(
                [self._program, "--json", *argv],
                stdin=subprocess.DEVNULL if payload is None else subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            )
        except (FileNotFoundError, PermissionError) as error:
            raise envelope.no_program() from error
        except OSError as error:
            raise DefiniteError(f"`{self._program}` cannot be started: {error}") from error
        with process:
            exchange = _Exchange(process, payload, self._answer_limit_s)
            try:
                answer = exchange.run()
            finally:
                exchange.close()
        conclusive = envelope.is_conclusive(answer, process.returncode)
        if not exchange.sent_whole and not conclusive:
            raise ConnectionLost(f"`{' '.join(argv[:2])}` ended before it had read everything")
        return envelope.result(argv, answer, process.returncode)

    def close(self) -> None:
        """Do nothing: every command is a process of its own."""


class _Exchange:
    """One command's pipes: the payload goes in while the answer comes out."""

    def __init__(
        self, process: subprocess.Popen[bytes], payload: Payload | None, answer_limit_s: float
    ) -> None:
        self._process = process
        self._payload = payload
        self._answer_limit_s = answer_limit_s
        self._selector = selectors.DefaultSelector()
        self._pending = memoryview(b"")
        self._sent = 0
        self._answer = bytearray()
        self.sent_whole = payload is None

    def run(self) -> bytes:
        """Move bytes until the answer has ended.

        Raises:
            Stalled: the command took no byte of the payload within its stall limit.
            IndefiniteError: the answer did not come in time, or without end.
        """
        self._register(self._process.stdout, selectors.EVENT_READ)
        self._register(self._process.stdin, selectors.EVENT_WRITE)
        while True:
            ready = self._selector.select(self._limit_s())
            if not ready:
                raise self._out_of_time()
            for key, events in ready:
                if events & selectors.EVENT_WRITE:
                    self._feed()
                elif not self._collect(key.fd):
                    return bytes(self._answer)

    def close(self) -> None:
        """Leave no process behind, whatever happened."""
        self._selector.close()
        if self._process.stdin:
            with suppress(OSError):
                self._process.stdin.close()
        if not self._answer:
            self._process.kill()
        try:
            self._process.wait(self._answer_limit_s)
        except subprocess.TimeoutExpired:
            self._process.kill()

    def _register(self, pipe: IO[bytes] | None, events: int) -> None:
        if pipe is not None:
            os.set_blocking(pipe.fileno(), False)
            self._selector.register(pipe, events)

    def _limit_s(self) -> float:
        if self._payload is None or self._process.stdin is None or self._process.stdin.closed:
            return self._answer_limit_s
        return self._payload.stall_limit_s

    def _out_of_time(self) -> DefiniteError | IndefiniteError:
        self._process.kill()
        if self.sent_whole:
            return IndefiniteError(f"no answer within {self._answer_limit_s:g} s")
        return Stalled(f"no byte of the payload was taken within {self._limit_s():g} s")

    def _feed(self) -> None:
        """Hand over what the command takes now, and end its input after the last byte."""
        payload, pipe = self._payload, self._process.stdin
        if payload is None or pipe is None:
            return
        if not self._pending:
            wanted = min(PIECE_SIZE, payload.size - self._sent)
            self._pending = memoryview(read_piece(payload, wanted))
        try:
            taken = os.write(pipe.fileno(), self._pending) if self._pending else 0
        except BrokenPipeError:  # it answers without reading on: that answer is what counts
            self._end_input(pipe)
            return
        except BlockingIOError:  # readiness was spurious
            return
        self._pending = self._pending[taken:]
        self._sent += taken
        payload.progress(self._sent)
        if taken == 0 or self._sent == payload.size:
            self.sent_whole = True
            self._end_input(pipe)

    def _end_input(self, pipe: IO[bytes]) -> None:
        self._selector.unregister(pipe)
        pipe.close()

    def _collect(self, descriptor: int) -> bool:
        """Take a part of the answer; False at its end."""
        part = os.read(descriptor, PIECE_SIZE)
        self._answer += part
        if len(self._answer) > envelope.ANSWER_SIZE_MAX:
            self._process.kill()
            raise IndefiniteError("the answer is larger than any answer of the contract")
        return bool(part)


def read_piece(payload: Payload, size: int) -> bytes:
    """Read the next bytes of a payload.

    Raises:
        DefiniteError: this machine's own disk failed; the far side has not got everything.
    """
    try:
        return payload.stream.read(size)
    except (OSError, ValueError) as error:
        raise DefiniteError(f"the payload cannot be read on this appliance: {error}") from error
