"""The mail sink: an SMTP server that keeps what it gets, in order (RFC 5321)."""

from __future__ import annotations

import base64
import threading
import time
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from emulator.agents.namespace import NetworkNamespace

SMTP_PORT = 25


class MailSink:
    """Listens on the station's address."""

    def __init__(self, namespace: NetworkNamespace, address: str) -> None:
        self._lock = threading.Lock()
        self._messages: list[dict[str, Any]] = []
        with namespace.entered():  # the server's thread inherits the namespace
            Controller(self, hostname=address, port=SMTP_PORT, server_hostname="mail").start()

    def messages(self, after: int) -> list[dict[str, Any]]:
        """Return the messages after a count, oldest first."""
        with self._lock:
            return self._messages[after:]

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd finds the hook by this name
        """Keep a message."""
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
