"""The mail sink: an SMTP server that keeps what it gets, in order (RFC 5321)."""

from __future__ import annotations

import asyncio
import base64
import threading
import time
from collections.abc import Callable
from typing import Any, Literal

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from emulator.agents.namespace import NetworkNamespace

SMTP_PORT = 25


Manner = Literal["well", "down", "refusing", "slow", "greylisting"]


class MailSink:
    """Listens on the station's address; behaves well until it is told otherwise (M1)."""

    def __init__(self, namespace: NetworkNamespace, address: str) -> None:
        self._lock = threading.Lock()
        self._messages: list[dict[str, Any]] = []
        self._manner: Manner = "well"
        self._delay_s = 0.0
        self._met = 0  # messages that met a manner other than `well`
        self._put_off: set[str] = set()  # recipients whose first try was put off

        def serve() -> Controller:
            controller = Controller(self, hostname=address, port=SMTP_PORT, server_hostname="mail")
            with namespace.entered():  # the server's thread inherits the namespace
                controller.start()
            return controller

        self._serve: Callable[[], Controller] = serve
        self._controller: Controller | None = serve()

    def behave(self, manner: Manner, delay_s: float) -> int:
        """Behave so from now on; how many messages met the manner until now.

        Of a server that is down nobody can tell who tried: one, if it was.
        """
        met = max(self._met, int(self._manner == "down"))
        self._manner, self._delay_s, self._met = manner, delay_s, 0
        self._put_off.clear()
        if manner == "down" and self._controller is not None:
            self._controller.stop()
            self._controller = None
        elif manner != "down" and self._controller is None:
            self._controller = self._serve()
        return met

    def messages(self, after: int) -> list[dict[str, Any]]:
        """Return the messages after a count, oldest first."""
        with self._lock:
            return self._messages[after:]

    async def handle_RCPT(  # noqa: N802 - aiosmtpd finds the hook by this name
        self,
        _server: SMTP,
        _session: Session,
        envelope: Envelope,
        address: str,
        _options: list[str],
    ) -> str:
        """Take a recipient, or turn it away as the manner has it (RFC 5321, 4.2.3)."""
        if self._manner == "refusing":
            self._met += 1
            return "550 5.7.1 not taken here"
        if self._manner == "greylisting" and address not in self._put_off:
            self._met += 1
            self._put_off.add(address)
            return "451 4.7.1 greylisted, try again later"
        envelope.rcpt_tos.append(address)
        return "250 ok"

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 - same
        """Keep a message."""
        if self._manner == "slow":
            self._met += 1
            await asyncio.sleep(self._delay_s)
        content = envelope.content or b""
        row = {
            "sender": envelope.mail_from or "",
            "recipients": list(envelope.rcpt_tos),
            "received_s": time.time(),  # noqa: TID251 - compared with the kernel's stamps of frames
            "raw": base64.b64encode(
                content if isinstance(content, bytes) else content.encode()
            ).decode(),
        }
        with self._lock:
            self._messages.append(row)
        return "250 kept"
