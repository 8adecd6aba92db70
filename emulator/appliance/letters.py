"""Messages as they leave: RFC 5322, with an HTML form beside the text if that is wanted."""

from __future__ import annotations

import hashlib
import html
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from emulator.ports import MailServer

if TYPE_CHECKING:
    from email.message import EmailMessage


@dataclass(frozen=True)
class Letter:
    """A queued message."""

    number: int
    message_id: str
    recipient: str
    subject: str
    body: str
    queued_at: datetime
    tries: int


def compose(letter: Letter, server: MailServer, now: datetime) -> bytes:
    """Render a message as a server is to get it."""
    from email.message import EmailMessage  # noqa: PLC0415 - 30 ms that boot need not wait for
    from email.policy import SMTP  # noqa: PLC0415 - as above
    from email.utils import format_datetime  # noqa: PLC0415 - as above

    message = EmailMessage(policy=SMTP)
    message["From"] = server.sender
    message["To"] = letter.recipient
    message["Subject"] = letter.subject
    message["Date"] = format_datetime(now)
    message["Message-ID"] = letter.message_id
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(letter.body, cte=_encoding(letter.body))
    if server.html:
        _add_html(message, letter)
    return message.as_bytes()


def _add_html(message: EmailMessage, letter: Letter) -> None:
    page = as_html(letter.subject, letter.body)
    message.add_alternative(page, subtype="html", cte="quoted-printable")
    # Of the message alone: the library's own would differ from one delivery to the next.
    message.set_boundary(f"=_{hashlib.sha256(letter.message_id.encode()).hexdigest()[:32]}")


def as_html(subject: str, body: str) -> str:
    """Return the HTML form of a text; whatever the text holds is shown, nothing is obeyed."""
    paragraphs = [
        "<p>" + "<br>\n".join(html.escape(line) for line in block.splitlines()) + "</p>"
        for block in body.strip().split("\n\n")
    ]
    return (
        '<!doctype html>\n<html><head><meta charset="utf-8">'
        f"<title>{html.escape(subject)}</title></head>\n"
        '<body style="font-family: sans-serif; line-height: 1.5" dir="auto">\n'
        + "\n".join(paragraphs)
        + "\n</body></html>\n"
    )


def _encoding(text: str) -> str | None:
    return None if text.isascii() else "quoted-printable"
