"""SIP on Linux: Kamailio as registrar and proxy, rtpengine as the relay of the audio.

Both are Debian's. Audio passes through the box, as it does on a real one: a call that is under
way is lost with the box, and must not look as if it lived on between the two phones.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from emulator.clock import RealStopwatch
from emulator.ports import Registration, SipAccount

TEMPLATE = Path(__file__).with_name("kamailio.cfg")
PROGRAMS = ("kamailio", "rtpengine")
SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
REALM = "appliance"  # the same on both boxes: a phone's digest must count after a takeover
ANSWER_LIMIT_S = 2.0
RELAY = ("127.0.0.1", 2223)  # where rtpengine takes its orders
START_LIMIT_S = 20.0
START_PAUSE_S = 0.02
LONGEST_ANSWER = 1 << 20
Ask = Callable[..., Any]  # (method, parameters …)
SCHEMA = """\
PRAGMA journal_mode = WAL;
CREATE TABLE version (table_name TEXT PRIMARY KEY, table_version INTEGER);
CREATE TABLE subscriber (username TEXT PRIMARY KEY, ha1 TEXT, extension TEXT) WITHOUT ROWID;
INSERT INTO version VALUES ('subscriber', 7);  -- of the table, as Kamailio 5.6 asks for it
"""


class KamailioTelephony:
    """Runs the SIP server; it reads its accounts for each request.

    Args:
        run: where its volatile files are made; it alone may enter.
    """

    def __init__(self, run: Path) -> None:
        self._run = run
        self._address = ""
        self._accounts: list[SipAccount] | None = None
        self._processes: list[subprocess.Popen[bytes]] = []

    def serve(self, address: str, accounts: Sequence[SipAccount]) -> None:
        """Answer at an address, for these accounts.

        Raises:
            OSError: a program is missing or does not start, or the database cannot be written.
        """
        if self._accounts != list(accounts):
            self._write(accounts)
        if address == self._address and all(one.poll() is None for one in self._processes):
            return
        self.stop()
        programs = {name: shutil.which(name, path=SYSTEM_PATH) for name in PROGRAMS}
        for name, path in programs.items():
            if path is None:
                raise OSError(f"{name} is not installed, so no phone can register")
        try:
            relay, server = self._commands(address, programs)
            # The server is last: whoever is registered can call, and a call needs the relay.
            self._start(relay, _relay_answers)
            self._start(server, self._server_answers)
        except OSError:
            self.stop()
            raise
        self._address = address

    def stop(self) -> None:
        """Refuse everyone. Both keep nothing worth an end in order, which takes them seconds."""
        for process in self._processes:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        self._processes = []
        self._address = ""

    def registrations(self) -> tuple[Registration, ...]:
        """Return who is registered, by extension."""
        if not self._address:
            return ()
        with self._asking() as ask:
            found = list(_registrations(ask))
        return tuple(sorted(found, key=lambda one: (one.extension, one.contact)))

    def _server_answers(self) -> bool:
        """Tell whether the server takes questions; a socket that was left takes none."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as asking:
            try:
                asking.connect(str(self._run / "rpc.sock"))
            except OSError:
                return False
        return True

    def _commands(self, address: str, programs: dict[str, Any]) -> Iterator[list[str]]:
        run = str(self._run)
        configuration = self._run / "kamailio.cfg"
        text = TEMPLATE.read_text(encoding="utf-8")
        configuration.write_text(text.replace("@ADDRESS@", address).replace("@RUN@", run))
        relay = ["--foreground", "--log-stderr", "--log-level=3", "--config-file=none"]
        relay += ["--table=-1", "--num-threads=1", f"--listen-ng={RELAY[0]}:{RELAY[1]}"]
        yield [programs["rtpengine"], *relay, f"--interface={address}"]
        server = ["-DD", "-E", "-m", "32", "-M", "4", "-w", run, "-Y", run]
        yield [programs["kamailio"], *server, "-f", str(configuration)]

    def _start(self, argv: list[str], ready: Callable[[], bool]) -> None:
        """Start a program, and wait until it does its work.

        Raises:
            OSError: it has ended, or takes too long.
        """
        with (self._run / "log").open("ab") as log:
            process = subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                start_new_session=True,  # its own process group, which `stop` ends as a whole
            )
        self._processes.append(process)
        stopwatch = RealStopwatch()
        deadline_s = stopwatch.now_s() + START_LIMIT_S
        while not ready():
            if process.poll() is not None or stopwatch.now_s() > deadline_s:
                raise OSError(f"{Path(argv[0]).name} did not start, so there is no telephony")
            stopwatch.sleep(START_PAUSE_S)

    def _write(self, accounts: Sequence[SipAccount]) -> None:
        """Let these accounts count, for the next request on."""
        self._run.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self._run / "accounts.db"
        fresh = not path.exists()
        with contextlib.closing(sqlite3.connect(path)) as database:
            path.chmod(0o600)
            if fresh:
                database.executescript(SCHEMA)
            with database:
                database.execute("DELETE FROM subscriber")
                rows = [(one.name, _ha1(one), one.extension) for one in accounts]
                database.executemany("INSERT INTO subscriber VALUES (?, ?, ?)", rows)
        self._accounts = list(accounts)

    @contextlib.contextmanager
    def _asking(self) -> Iterator[Ask]:
        """Give a way to ask the server by JSON-RPC, for the result, None where it refuses.

        Raises:
            OSError: it does not answer.
        """
        own = self._run / "asking.sock"
        own.unlink(missing_ok=True)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as asking:
            asking.settimeout(ANSWER_LIMIT_S)
            asking.bind(str(own))

            def ask(method: str, *params: str) -> Any:
                question = {"jsonrpc": "2.0", "method": method, "params": params, "id": 1}
                asking.sendto(json.dumps(question).encode(), str(self._run / "rpc.sock"))
                return json.loads(asking.recv(LONGEST_ANSWER)).get("result")

            yield ask


def _relay_answers() -> bool:
    """Ask the relay whether it is there."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asking.settimeout(START_PAUSE_S)
        asking.connect(RELAY)
        try:
            asking.send(b"start d7:command4:pinge")  # a cookie, and bencoded the command
            asking.recv(LONGEST_ANSWER)
        except (TimeoutError, ConnectionRefusedError):
            return False
    return True


def _ha1(account: SipAccount) -> str:
    """Return what a server keeps instead of the password (RFC 2617 section 3.2.2.2)."""
    text = f"{account.name}:{REALM}:{account.secret}"
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def _registrations(ask: Ask) -> Iterator[Registration]:
    """Yield who is registered; asked for one by one, since an answer is one datagram."""
    for domain in ask("ul.dump", "brief")["Domains"]:
        for known in domain["Domain"]["AoRs"]:
            extension = str(known["AoR"])
            entry = ask("ul.lookup", domain["Domain"]["Domain"], extension) or {"Contacts": ()}
            for one in entry["Contacts"]:
                contact = one["Contact"]
                if isinstance(contact["Expires"], int):  # else a word: it has just expired
                    yield Registration(extension, str(contact["Address"]), contact["Expires"])
