"""The durable mail queue (D5, R56, M1).

One Message-ID is one message, however often it is handed in. The order of a recipient's
messages is kept. A crash between the server's 250 and our note of it can repeat a message;
its Message-ID stays the same, and that is what we promise.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from emulator.appliance.refusal import Usage
from emulator.ports import Database, Machine

FILE = "mail.db"
BACK_OFF = tuple(timedelta(minutes=minutes) for minutes in (1, 2, 5, 10, 15))
GIVE_UP_AFTER = timedelta(days=5)  # RFC 5321 4.5.4.1
FIELDS = ("message_id", "recipient", "subject", "body")
LONGEST = {"message_id": 250, "recipient": 320, "subject": 500, "body": 1_000_000}


@dataclass(frozen=True)
class MailServer:
    """The configured mail server (R56)."""

    host: str
    port: int
    sender: str


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


class MailQueue:
    """Keeps messages until the mail server has taken them.

    Args:
        server: returns the mail server's settings as they are now; None: none is configured.
    """

    def __init__(self, machine: Machine, server: Callable[[], MailServer | None]) -> None:
        self._machine = machine
        self._server = server
        self._bell = machine.calendar.bell()
        self._stopped = False
        self._away_tries = 0  # passes in a row that found the server away
        self._database: Database = machine.disk.database(FILE)
        with self._database.transaction() as connection:
            connection.execute(
                "CREATE TABLE IF NOT EXISTS mail (number INTEGER PRIMARY KEY AUTOINCREMENT,"
                " message_id TEXT UNIQUE NOT NULL, recipient TEXT, subject TEXT, body TEXT,"
                " queued_at TEXT, due TEXT, tries INTEGER DEFAULT 0, state TEXT DEFAULT 'queued',"
                " last_error TEXT DEFAULT '')"
            )
            connection.execute("CREATE INDEX IF NOT EXISTS line ON mail (recipient, state, number)")

    def start(self) -> None:
        """Start to deliver."""
        self._machine.start("mail", self._deliver_all)

    def stop(self) -> None:
        """Stop delivering; what is queued stays queued."""
        self._stopped = True
        self._bell.ring()

    def enqueue(self, mails: Sequence[Any]) -> Mapping[str, int]:
        """Take messages in, all or none.

        Raises:
            Usage: one of them is malformed.
        """
        rows = [_check(mail) for mail in mails]
        now = _stamp(self._machine.calendar.now())
        taken = []
        with self._database.transaction() as connection:
            for row in rows:
                done = connection.execute(
                    "INSERT OR IGNORE INTO mail (message_id, recipient, subject, body, queued_at,"
                    " due) VALUES (?, ?, ?, ?, ?, ?)",
                    (*row, now, now),
                )
                if done.rowcount:
                    taken.append(row)
        for message_id, recipient, *_ in taken:
            told = {"message_id": message_id, "recipient": recipient}
            self._machine.emit("appliance", "mail.queued", "", told)
        if taken:
            self._bell.ring()
        return {"queued": len(taken), "known": len(rows) - len(taken)}

    def list(self) -> list[Mapping[str, Any]]:
        """Return every message without its body, oldest first."""
        rows = self._database.read(
            "SELECT message_id, recipient, subject, state, tries, due, last_error FROM mail"
            " ORDER BY number"
        )
        names = ("message_id", "recipient", "subject", "state", "tries", "due", "last_error")
        return [dict(zip(names, tuple(row), strict=True)) for row in rows]

    def close(self) -> None:
        """Close the database."""
        self._database.close()

    def _deliver_all(self) -> None:
        until: datetime | None = None
        while not self._stopped:
            until = self._deliver_due()
            self._machine.calendar.wait(until, self._bell)

    def _deliver_due(self) -> datetime | None:
        """Hand over what is due; the instant at which something will be due again."""
        while not self._stopped:
            now = self._machine.calendar.now()
            letter = self._next(now)
            if letter is None:
                rows = self._database.read("SELECT min(due) FROM mail WHERE state = 'queued'")
                return datetime.fromisoformat(rows[0][0]) if rows[0][0] else None
            try:
                self._submit(letter, now)
            except ConnectionError as error:
                self._defer(letter, "server-away", str(error), now)
            except OSError as error:
                self._defer(letter, "refused", str(error), now)
            else:
                self._away_tries = 0
                self._mark(letter, "sent", "")
                self._report("sent", "", letter)
        return None

    def _submit(self, letter: Letter, now: datetime) -> None:
        server = self._server()
        if server is None:
            raise ConnectionError("no mail server is configured (R56)")
        message = compose(letter, server.sender, now)
        self._machine.submit_mail(
            server.host, server.port, server.sender, letter.recipient, message
        )

    def _defer(self, letter: Letter, cause: str, words: str, now: datetime) -> None:
        """Try again later: all messages when the server is away, else those to one recipient."""
        if now - letter.queued_at > GIVE_UP_AFTER:
            self._mark(letter, "failed", words)
            self._report("deferred", "given-up", letter)
            return
        away = cause == "server-away"
        tries = self._away_tries if away else letter.tries
        self._away_tries += away
        until = now + BACK_OFF[min(tries, len(BACK_OFF) - 1)]
        with self._database.transaction() as connection:
            connection.execute(
                "UPDATE mail SET due = max(due, ?) WHERE state = 'queued' AND (? OR recipient = ?)",
                (_stamp(until), away, letter.recipient),
            )
            connection.execute(
                "UPDATE mail SET tries = tries + 1, last_error = ? WHERE number = ?",
                (words[:500], letter.number),
            )
        self._report("deferred", cause, letter, until=_stamp(until), attempt=letter.tries + 1)

    def _mark(self, letter: Letter, state: str, words: str) -> None:
        with self._database.transaction() as connection:
            connection.execute(
                "UPDATE mail SET state = ?, last_error = ? WHERE number = ?",
                (state, words[:500], letter.number),
            )

    def _next(self, now: datetime) -> Letter | None:
        """Return the oldest message that is due and has no older one to the same recipient."""
        rows = self._database.read(
            "SELECT number, message_id, recipient, subject, body, queued_at, tries FROM mail AS one"
            " WHERE state = 'queued' AND due <= ? AND NOT EXISTS (SELECT 1 FROM mail AS older"
            " WHERE older.recipient = one.recipient AND older.state = 'queued'"
            " AND older.number < one.number) ORDER BY number LIMIT 1",
            (_stamp(now),),
        )
        if not rows:
            return None
        number, message_id, recipient, subject, body, queued_at, tries = rows[0]
        queued = datetime.fromisoformat(queued_at)
        return Letter(number, message_id, recipient, subject, body, queued, tries)

    def _report(self, event: str, cause: str, letter: Letter, **detail: Any) -> None:
        told = {"message_id": letter.message_id, "recipient": letter.recipient, **detail}
        self._machine.emit("mail", event, cause, told)


def _stamp(value: datetime) -> str:
    """Render an instant so that text sorts as time does."""
    return value.isoformat(timespec="microseconds")


def _check(mail: Any) -> tuple[str, str, str, str]:
    """Return a message's fields; a line break in a header would be an injection (M4)."""
    if not isinstance(mail, dict):
        raise Usage("a mail must be an object", "send a list of objects on standard input")
    values = []
    for field in FIELDS:
        value = mail.get(field)
        if not isinstance(value, str) or len(value) > LONGEST[field]:
            raise Usage(f"a mail's {field} is missing or too long", f"fields: {', '.join(FIELDS)}")
        if field != "body" and any(ord(sign) < 32 or ord(sign) == 127 for sign in value):  # noqa: PLR2004 - ASCII's control characters
            raise Usage(f"a mail's {field} holds control characters", "send it on one line")
        values.append(value)
    message_id, recipient, subject, body = values
    if not (message_id.startswith("<") and message_id.endswith(">") and "@" in message_id):
        raise Usage("a Message-ID reads <something@domain>", "see RFC 5322, section 3.6.4")
    if recipient.count("@") != 1 or any(sign in recipient for sign in " ,;<>"):
        raise Usage("a recipient is exactly one address", "send one mail for each recipient")
    return message_id, recipient, subject, body


def compose(letter: Letter, sender: str, now: datetime) -> bytes:
    """Render a message (RFC 5322)."""
    from email.message import EmailMessage  # noqa: PLC0415 - 30 ms that boot need not wait for
    from email.policy import SMTP  # noqa: PLC0415 - as above
    from email.utils import format_datetime  # noqa: PLC0415 - as above

    message = EmailMessage(policy=SMTP)
    message["From"] = sender
    message["To"] = letter.recipient
    message["Subject"] = letter.subject
    message["Date"] = format_datetime(now)
    message["Message-ID"] = letter.message_id
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(letter.body, cte="quoted-printable" if not letter.body.isascii() else None)
    return message.as_bytes()
