"""The runner's end of a node's control channel: time, commands, events (docs/design.md)."""

from __future__ import annotations

import base64
import contextlib
import itertools
import json
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Protocol

from emulator.lab import CommandRefused, NodeDown
from emulator.timekeeper import ServedTimekeeper

CALL_LIMIT_S = 120.0


class Pipe(Protocol):
    """Standard input and output of a program on a node."""

    def send(self, line: bytes) -> None:
        """Write one line; OSError when the program is gone."""

    def lines(self) -> Iterable[bytes]:
        """Yield lines until the program ends."""

    def close(self) -> None:
        """End it; harmless when repeated."""


class NodeLink:
    """Speaks with one appliance.

    Args:
        name: the node.
        pipe: to `python -m emulator.appliance.link` on that node.
        timekeeper: who serves its Calendar; None: it has the real clock.
        on_event: called with each `event` message, in order.
        ahead: how far its clock is ahead of the lab's Calendar.

    Attributes:
        call_limit_s: after how long without an answer the appliance counts as hanging.
    """

    def __init__(
        self,
        name: str,
        pipe: Pipe,
        timekeeper: ServedTimekeeper | None,
        on_event: Callable[[str, Mapping[str, Any]], None],
        ahead: timedelta = timedelta(),
    ) -> None:
        self._name = name
        self._pipe = pipe
        self._timekeeper = timekeeper
        self._on_event = on_event
        self.call_limit_s = CALL_LIMIT_S
        self._numbers = itertools.count(1)
        self._answers: dict[int, Mapping[str, Any]] = {}
        self._changed = threading.Condition()
        self._halts: dict[int, Callable[[], None]] = {}
        self._ready = False
        self._gone = False
        self._writing = threading.Lock()
        now = timekeeper.join(name, self._release) if timekeeper else None
        instant = now.isoformat() if now else None
        self._send({"type": "welcome", "now": instant, "ahead_s": ahead.total_seconds()})
        self._reader = threading.Thread(target=self._read, name=f"link-{name}", daemon=True)
        self._reader.start()

    @property
    def gone(self) -> bool:
        """Whether the appliance's end has closed."""
        return self._gone

    def await_ready(self, limit_s: float) -> None:
        """Wait until the appliance has booted.

        Raises:
            NodeDown: it ended, or did not come up in time.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._ready or self._gone, limit_s)
            if not self._ready:
                raise NodeDown(
                    f"{self._name} did not come up within {limit_s:.0f} s",
                    remedy=f"read its log: standby-lab exec {self._name} -- appliancectl log",
                )

    def call(self, argv: Sequence[str], stdin: bytes = b"") -> Mapping[str, Any]:
        """Run an `appliancectl` command on the node; the `result` of its answer.

        Raises:
            CommandRefused: the answer is an error.
            NodeDown: the node is gone, or does not answer.
        """
        data = base64.b64encode(stdin).decode()
        return self._ask(" ".join(argv), {"type": "call", "argv": list(argv), "stdin": data})

    def pull(self, lever: str, values: Mapping[str, Any]) -> Any:
        """Pull a lever of the node's rig (`emulator.appliance.rig`); what it answers.

        Raises:
            CommandRefused: it cannot be pulled.
            NodeDown: the node is gone, or does not answer.
        """
        return self._ask(lever, {"type": "pull", "lever": lever, "with": dict(values)})["value"]

    def at_halt(self, number: int, action: Callable[[], None]) -> None:
        """Have something done when the node stands still at a tripwire; then it goes on."""
        with self._changed:
            self._halts[number] = action
            self._changed.notify_all()

    def _ask(self, what: str, message: Mapping[str, Any]) -> Mapping[str, Any]:
        number = next(self._numbers)
        self._send({**message, "id": number})
        with self._changed:
            self._changed.wait_for(lambda: number in self._answers or self._gone, self.call_limit_s)
            answer = self._answers.pop(number, None)
        if answer is None:
            raise NodeDown(f"{self._name} did not answer `{what}`: it is off or hangs")
        if not answer["ok"]:
            error = answer["error"]
            raise CommandRefused(error["code"], error["message"], error.get("remedy", ""))
        result: Mapping[str, Any] = answer["result"]
        return result

    def close(self) -> None:
        """End the channel; the node's holds are given back."""
        self._pipe.close()
        self._end()

    def _act(self, number: int) -> None:
        """Do what was wanted of a tripwire; the node may have ended by it."""
        with self._changed:  # the answer that named the number may still be on its way
            self._changed.wait_for(lambda: number in self._halts or self._gone, CALL_LIMIT_S)
            action = self._halts.pop(number, None)
        if action is not None:
            action()
        with contextlib.suppress(NodeDown):
            self._send({"type": "go-on", "number": number})

    def _release(self, now: datetime) -> None:
        try:
            self._send({"type": "release", "now": now.isoformat()})
        except NodeDown:
            self._end()

    def _send(self, message: Mapping[str, Any]) -> None:
        try:
            with self._writing:
                self._pipe.send(json.dumps(message).encode() + b"\n")
        except OSError as error:
            raise NodeDown(f"{self._name} is off: its control channel is closed") from error

    def _read(self) -> None:
        for line in self._pipe.lines():
            self._take(json.loads(line))
        self._end()

    def _end(self) -> None:
        with self._changed:
            self._gone = True
            self._changed.notify_all()
        if self._timekeeper:
            self._timekeeper.leave(self._name)

    def _take(self, message: Mapping[str, Any]) -> None:
        kind = message["type"]
        if kind == "event":
            self._on_event(self._name, message)
        elif kind == "result":
            with self._changed:
                self._answers[message["id"]] = message["answer"]
                self._changed.notify_all()
        elif kind == "halted":
            threading.Thread(target=self._act, args=(message["number"],), daemon=True).start()
        elif kind == "ready":
            with self._changed:
                self._ready = True
                self._changed.notify_all()
        elif kind == "hold" and self._timekeeper:
            now = self._timekeeper.hold(self._name, message["why"])
            with contextlib.suppress(NodeDown):  # it has ended since; what it said before counts
                self._send({"type": "granted", "seq": message["seq"], "now": now.isoformat()})
        elif kind == "idle" and self._timekeeper:
            until = message["until"]
            self._timekeeper.idle(self._name, datetime.fromisoformat(until) if until else None)
