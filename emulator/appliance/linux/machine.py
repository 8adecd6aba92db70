"""The appliance's machine on Linux."""

from __future__ import annotations

import contextlib
import json
import os
import smtplib
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from emulator.appliance.linux.disk import LinuxDisk
from emulator.appliance.linux.network import LinuxNetwork
from emulator.appliance.linux.sshd import OpenSsh
from emulator.ports import Calendar, Stopwatch

MAIL_LIMIT_S = 30.0
LOG = "log/events.jsonl"

Tell = Callable[[datetime, str, str, str, Mapping[str, Any]], None]


@dataclass(frozen=True)
class Clocks:
    """The two ports of time."""

    calendar: Calendar
    stopwatch: Stopwatch


class LinuxMachine:
    """Disk, clock, LAN port, SSH, threads and mail of a Linux node.

    Args:
        state: the state directory.
        run: for sockets and other volatile files.
        interface: the LAN port.
        tell: passes an event to the lab.
    """

    def __init__(self, state: Path, run: Path, interface: str, clocks: Clocks, tell: Tell) -> None:
        self.disk = LinuxDisk(state)
        self.calendar = clocks.calendar
        self.stopwatch = clocks.stopwatch
        self._tell = tell
        self._log = self.disk.append(LOG)
        self._one_at_a_time = threading.Lock()
        self.network = LinuxNetwork(interface, self.emit)
        self.remote_shell = OpenSsh(state, run, self.entropy)

    def start(self, name: str, body: Callable[[], None]) -> None:
        """Start a thread; returns when it holds the Calendar."""
        holds = threading.Event()

        def run() -> None:
            with self.calendar.hold(name):
                holds.set()
                body()

        threading.Thread(target=run, name=name, daemon=True).start()
        holds.wait()

    def submit_mail(
        self, host: str, port: int, sender: str, recipient: str, message: bytes
    ) -> None:
        """Hand one message to an SMTP server.

        Raises:
            ConnectionError: the server is away or breaks off; nothing else can be sent now.
            OSError: it refuses this message, with its words.
        """
        domain = sender.rpartition("@")[2]  # smtplib would ask the DNS for a name of our own
        try:
            with smtplib.SMTP(host, port, local_hostname=domain, timeout=MAIL_LIMIT_S) as server:
                server.sendmail(sender, [recipient], message)
        except smtplib.SMTPRecipientsRefused as error:
            code, words = error.recipients[recipient]
            raise OSError(f"{code} {words.decode('utf-8', 'replace')}") from error
        except (smtplib.SMTPSenderRefused, smtplib.SMTPDataError) as error:
            said = error.smtp_error
            text = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
            raise OSError(f"{error.smtp_code} {text}") from error
        except (smtplib.SMTPException, OSError) as error:
            raise ConnectionError(f"{host}:{port}: {error}") from error

    def entropy(self, length: int) -> bytes:
        """Return unpredictable bytes."""
        return os.urandom(length)

    def emit(self, source: str, event: str, cause: str, detail: Mapping[str, Any]) -> None:
        """Write one line to the log and tell the lab."""
        now = self.calendar.now()
        row = {"served": now.isoformat(), "source": source, "event": event, "cause": cause}
        line = json.dumps({**row, "detail": dict(detail)}).encode() + b"\n"
        with self._one_at_a_time:
            with contextlib.suppress(OSError):  # a full disk must not end what is reported
                self._log.write(line)
            self._tell(now, source, event, cause, detail)
