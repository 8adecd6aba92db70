"""A node's first process as the lab speaks with it (`emulator.node_init`)."""

from __future__ import annotations

import contextlib
import json
import queue
import threading
from collections.abc import Callable, Iterable, Sequence

from emulator.node_init import CLEAR, CLEARED, HUNG_UP, START


class Console:
    """Gives orders, and carries the control channel of a program that the node relays to.

    Args:
        send: writes to the process's standard input; OSError when it is gone.
        lines: what comes from its standard output; they end with the process.
        first: no program has run on the node before this process; else it cannot be cleared.

    Attributes:
        blank: no program has run on the node, or all that it left was taken away.
    """

    def __init__(
        self, send: Callable[[bytes], None], lines: Iterable[bytes], *, first: bool
    ) -> None:
        self.blank = first
        self._send = send
        self._first = first
        self._writing = threading.Lock()
        self._answered = threading.Event()
        self._gone = False
        self._life: ConsolePipe | None = None  # of the program that was started last
        self._taken = False
        threading.Thread(target=self._read, args=(lines,), name="console", daemon=True).start()

    def start(self, program: Sequence[str], files: bytes = b"") -> None:
        """Run a program, a Python module and its arguments.

        Args:
            program: what to run.
            files: a tar file for the node's state folder.

        Raises:
            OSError: the node is gone.
        """
        order = json.dumps({"size": len(files), "program": list(program)}).encode()
        self.blank = False
        self._life, self._taken = ConsolePipe(self._pass), False
        with self._writing:
            self._send(START + order + b"\n" + files)

    def clear(self, limit_s: float) -> bool:
        """Have all that runs killed and the node emptied; whether that was done in time."""
        life, self._life = self._life, None
        if life is not None:
            life.close()
        if not self.clearable:
            return False
        self._answered.clear()
        try:
            with self._writing:
                self._send(CLEAR)
        except OSError:
            return False
        self.blank = self._answered.wait(limit_s) and not self._gone
        return self.blank

    @property
    def clearable(self) -> bool:
        """Whether the node is as it was made, but for what one process's programs have left."""
        return self._first and not self._gone

    def take_pipe(self) -> ConsolePipe | None:
        """Return the control channel that came with the last program; once."""
        if self._taken:
            return None
        self._taken = True
        return self._life

    def _pass(self, life: ConsolePipe, line: bytes) -> None:
        with self._writing:
            if life is not self._life:
                raise BrokenPipeError("the program has ended")
            self._send(line)

    def _read(self, lines: Iterable[bytes]) -> None:
        with contextlib.suppress(OSError, ValueError):
            for line in lines:
                if line == CLEARED:
                    self._answered.set()
                elif self._life is not None:
                    self._life.said.put(None if line == HUNG_UP else line)
        self._gone = True
        self._answered.set()
        if self._life is not None:
            self._life.close()


class ConsolePipe:
    """One program's control channel (`emulator.nodelink.Pipe`)."""

    def __init__(self, pass_on: Callable[[ConsolePipe, bytes], None]) -> None:
        self._pass_on = pass_on
        self.said: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()

    def send(self, line: bytes) -> None:
        """Write one line."""
        self._pass_on(self, line)

    def lines(self) -> Iterable[bytes]:
        """Yield lines until the program ends, or the node is cleared."""
        while (line := self.said.get()) is not None:
            yield line

    def close(self) -> None:
        """Listen no more; the program goes on."""
        self.said.put(None)
