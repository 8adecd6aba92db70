"""The appliance's end of the control channel (docs/design.md, "The control channel").

In a served lab there is one connection, it comes before anything else happens, and its
end means fail-stop. With the real clock, runners come and go.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import queue
import socket
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from emulator.appliance.commands.table import CONTRACT_VERSION

Call = Callable[[Sequence[str], bytes], Mapping[str, Any]]
Pull = Callable[[str, Mapping[str, Any]], Any]


@dataclass(frozen=True)
class Welcome:
    """What a runner that serves the time says first.

    Attributes:
        now: the lab's instant.
        ahead: how far this box's clock is ahead of it.
    """

    now: datetime
    ahead: timedelta


class Uplink:
    """Speaks with the lab's runner.

    Args:
        path: of the listening Unix socket.
        on_end: called when the connection ends, in a served lab.
    """

    def __init__(self, path: Path, on_end: Callable[[], None]) -> None:
        self._on_end = on_end
        self._writing = threading.Lock()
        self._peers: list[socket.socket] = []
        self._booted = False
        self._welcome: queue.Queue[Welcome | None] = queue.Queue()
        self._granted: Callable[[int, datetime], None] = lambda _sequence, _now: None
        self._release: Callable[[datetime], None] = lambda _now: None
        self._call: Call | None = None
        self._pull: Pull | None = None
        self._halts: dict[int, threading.Event] = {}
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(str(path))
        path.chmod(0o600)
        self._listener.listen()
        threading.Thread(target=self._accept, name="uplink", daemon=True).start()

    def await_welcome(self) -> Welcome | None:
        """Wait for a runner; what it says, or None where time is real."""
        return self._welcome.get()

    def serve_time(
        self,
        granted: Callable[[int, datetime], None],
        release: Callable[[datetime], None],
    ) -> None:
        """Pass the timekeeper's messages to the served Calendar."""
        self._granted = granted
        self._release = release

    def serve_calls(self, call: Call, pull: Pull) -> None:
        """Pass commands to the appliance and levers to its rig, and say that it has booted."""
        self._pull = pull
        self._call = call
        with self._writing:
            self._booted = True
            self._write({"type": "ready"})

    def hold(self, sequence: int, why: str) -> None:
        """Ask the timekeeper for the Calendar to stand."""
        self._say({"type": "hold", "seq": sequence, "why": why})

    def idle(self, until: datetime | None) -> None:
        """Tell the timekeeper that all threads wait."""
        self._say({"type": "idle", "until": until.isoformat() if until else None})

    def event(
        self, served: datetime, source: str, event: str, cause: str, detail: Mapping[str, Any]
    ) -> None:
        """Tell the runner what happened; stamped with the kernel's clock."""
        wall_s = time.time()  # noqa: TID251 - takeover is measured on the kernel's clock
        row = {"source": source, "event": event, "cause": cause, "detail": dict(detail)}
        self._say({"type": "event", "wall": wall_s, "served": served.isoformat(), **row})

    def halt(self, number: int) -> None:
        """Tell the runner that a tripwire was reached, and stand still until it has acted."""
        went_on = self._halts[number] = threading.Event()
        self._say({"type": "halted", "number": number})
        went_on.wait()

    def _say(self, message: Mapping[str, Any]) -> None:
        with self._writing:
            self._write(message)

    def _write(self, message: Mapping[str, Any]) -> None:
        data = json.dumps(message).encode() + b"\n"
        for peer in tuple(self._peers):
            with contextlib.suppress(OSError):
                peer.sendall(data)

    def _accept(self) -> None:
        while True:
            peer, _ = self._listener.accept()
            threading.Thread(target=self._serve, args=(peer,), daemon=True).start()

    def _serve(self, peer: socket.socket) -> None:
        served = False
        with peer, peer.makefile("rb") as lines, contextlib.suppress(OSError, ValueError):
            for line in lines:
                message = json.loads(line)
                if message["type"] == "welcome":
                    served = message["now"] is not None
                    self._join(peer, message)
                else:
                    self._take(peer, message)
        with self._writing, contextlib.suppress(ValueError):
            self._peers.remove(peer)
        if served:
            self._on_end()

    def _join(self, peer: socket.socket, message: Mapping[str, Any]) -> None:
        with self._writing:
            self._peers.append(peer)
            if self._booted:
                peer.sendall(json.dumps({"type": "ready"}).encode() + b"\n")
        if message["now"] is None:
            self._welcome.put(None)
        else:
            ahead = timedelta(seconds=message["ahead_s"])
            self._welcome.put(Welcome(datetime.fromisoformat(message["now"]), ahead))

    def _take(self, peer: socket.socket, message: Mapping[str, Any]) -> None:
        kind = message["type"]
        if kind == "granted":
            self._granted(message["seq"], datetime.fromisoformat(message["now"]))
        elif kind == "release":
            self._release(datetime.fromisoformat(message["now"]))
        elif kind == "go-on":
            self._halts.pop(message["number"]).set()
        elif kind in {"call", "pull"}:
            threading.Thread(target=self._answer, args=(peer, message), daemon=True).start()

    def _answer(self, peer: socket.socket, message: Mapping[str, Any]) -> None:
        if self._call is None or self._pull is None:
            error = {"code": "booting", "message": "the appliance is still booting", "remedy": ""}
            answer: Mapping[str, Any] = {"contract": CONTRACT_VERSION, "ok": False, "error": error}
        elif message["type"] == "call":
            answer = self._call(message["argv"], base64.b64decode(message["stdin"]))
        else:
            answer = self._pulled(self._pull, message)
        data = json.dumps({"type": "result", "id": message["id"], "answer": answer}).encode()
        with self._writing, contextlib.suppress(OSError):
            peer.sendall(data + b"\n")

    @staticmethod
    def _pulled(pull: Pull, message: Mapping[str, Any]) -> Mapping[str, Any]:
        try:
            value = pull(message["lever"], message["with"])
        except (KeyError, TypeError, OSError, NotImplementedError) as error:
            words = f"{message['lever']}: {error}"
            return {"ok": False, "error": {"code": "lever", "message": words, "remedy": ""}}
        return {"ok": True, "result": {"value": value}}


def fail_stop() -> None:
    """End this process at once: in a served lab nobody is left to serve time (SIGKILL-safe)."""
    os._exit(70)
