"""The appliance's machine on Linux."""

from __future__ import annotations

import contextlib
import json
import os
import smtplib
import ssl
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from emulator.appliance.crash_point import CrashPoint
from emulator.appliance.event_log import EventLog
from emulator.appliance.linux.disk import LinuxDisk
from emulator.appliance.linux.listeners import listening_ports
from emulator.appliance.linux.network import LinuxNetwork
from emulator.appliance.linux.sshd import OpenSsh
from emulator.appliance.linux.telephony import KamailioTelephony
from emulator.ports import Calendar, MailServer, Stopwatch

MAIL_LIMIT_S = 30.0
SOCKET_TABLES = (Path("/proc/self/net/tcp"), Path("/proc/self/net/tcp6"))
LISTEN = "0A"  # include/net/tcp_states.h

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
        crash_point: may end the node at any line of the log.
    """

    def __init__(  # noqa: PLR0913 - one parameter each for what a box is made of
        self,
        state: Path,
        run: Path,
        *,
        interface: str,
        clocks: Clocks,
        tell: Tell,
        crash_point: CrashPoint,
    ) -> None:
        self.disk = LinuxDisk(state)
        self.calendar = clocks.calendar
        self.stopwatch = clocks.stopwatch
        self._tell = tell
        self._crash_point = crash_point
        self._log = EventLog(self.disk)
        self._one_at_a_time = threading.Lock()
        self.network = LinuxNetwork(interface, self.emit)
        self.remote_shell = OpenSsh(state, run, self.entropy)
        self.telephony = KamailioTelephony(run / "telephony")

    def listens(self, port: int) -> bool:
        """Tell whether a program takes connections at a port, without making one."""
        try:
            return port in listening_ports()
        except OSError:  # a kernel without sock_diag
            return any(port in _listening(table) for table in SOCKET_TABLES)

    def start(self, name: str, body: Callable[[], None]) -> None:
        """Start a thread; returns when it holds the Calendar."""
        holds = threading.Event()

        def run() -> None:
            with self.calendar.hold(name):
                holds.set()
                body()

        threading.Thread(target=run, name=name, daemon=True).start()
        holds.wait()

    def submit_mail(self, server: MailServer, recipient: str, message: bytes) -> None:
        """Hand one message to an SMTP server.

        Raises:
            ConnectionError: the server is away, breaks off, or takes nothing from us now.
            OSError: it refuses this message, with its words.
        """
        try:
            with _smtp(server) as smtp:
                if server.user:
                    smtp.login(server.user, server.password)
                smtp.sendmail(server.sender, [recipient], message)
        except (smtplib.SMTPException, OSError, UnicodeError) as error:
            raise _undelivered(error, server, recipient) from error

    def entropy(self, length: int) -> bytes:
        """Return unpredictable bytes."""
        return os.urandom(length)

    def emit(self, source: str, event: str, cause: str, detail: Mapping[str, Any]) -> None:
        """Write one line to the log and tell the lab."""
        now = self.calendar.reference()
        row = {"served": now.isoformat(), "source": source, "event": event, "cause": cause}
        line = json.dumps({**row, "detail": dict(detail)}).encode() + b"\n"
        with self._one_at_a_time, self._crash_point.around(source, event):
            with contextlib.suppress(OSError):  # a full disk must not end what is reported
                self._log.write(line)
            self._tell(now, source, event, cause, detail)


def _listening(table: Path) -> set[int]:
    """Return the ports on which connections are taken, of a table as in proc(5)."""
    try:
        rows = [line.split() for line in table.read_text().splitlines()[1:]]
    except OSError:  # a kernel without IPv6 has no table of it
        return set()
    return {int(row[1].rpartition(":")[2], 16) for row in rows if row[3] == LISTEN}


def _undelivered(error: Exception, server: MailServer, recipient: str) -> OSError:
    """Return what an error of smtplib, or of the network below it, means for a message."""
    if isinstance(error, UnicodeError):  # smtplib writes addresses in ASCII only
        return OSError(f"550 the address cannot be sent to: {recipient!a}")
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        code, words = error.recipients[recipient]
        return OSError(f"{code} {words.decode('utf-8', 'replace')}")
    if isinstance(error, smtplib.SMTPSenderRefused | smtplib.SMTPDataError):
        return OSError(_words(error))
    told = _words(error) if isinstance(error, smtplib.SMTPResponseException) else str(error)
    return ConnectionError(f"{server.host}:{server.port}: {told}")


def _smtp(server: MailServer) -> smtplib.SMTP:
    """Connect, encrypted if the server is to be spoken to so."""
    domain = server.sender.rpartition("@")[2]  # smtplib would ask the DNS for a name of our own
    if server.security == "tls":
        return smtplib.SMTP_SSL(
            server.host,
            server.port,
            local_hostname=domain,
            timeout=MAIL_LIMIT_S,
            context=ssl.create_default_context(),
        )
    smtp = smtplib.SMTP(server.host, server.port, local_hostname=domain, timeout=MAIL_LIMIT_S)
    if server.security == "starttls":
        try:
            smtp.starttls(context=ssl.create_default_context())
        except BaseException:
            smtp.close()
            raise
    return smtp


def _words(error: smtplib.SMTPResponseException) -> str:
    said = error.smtp_error
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
    return f"{error.smtp_code} {text}"
