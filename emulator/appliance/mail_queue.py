"""The durable mail queue (D5, R56, M1).

One Message-ID is one message, however often it is handed in. The order of a recipient's
messages is kept. A crash between the server's 250 and our note of it can repeat a message;
its Message-ID stays the same, and that is what we promise.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from emulator.appliance.content import Content
from emulator.appliance.databases import DamagedDatabase, opened_or_made, set_aside
from emulator.appliance.letters import Letter, compose
from emulator.appliance.refusal import Usage
from emulator.appliance.worker import Worker
from emulator.ports import Database, Machine, MailServer

FILE = "mail.db"
SCHEMA = {
    "mail": (
        "CREATE TABLE mail (number INTEGER PRIMARY KEY AUTOINCREMENT,"
        " message_id TEXT UNIQUE NOT NULL, recipient TEXT, subject TEXT, body TEXT,"
        " queued_at TEXT, due TEXT, tries INTEGER DEFAULT 0, state TEXT DEFAULT 'queued',"
        " last_error TEXT DEFAULT '')"
    )
}
BACK_OFF = tuple(timedelta(minutes=minutes) for minutes in (1, 2, 5, 10, 15))
GIVE_UP_AFTER = timedelta(days=5)  # RFC 5321 4.5.4.1
# In the table `one`: waiting, and no older message to the same recipient waits.
FIRST_IN_LINE = (
    "one.state = 'queued' AND NOT EXISTS (SELECT 1 FROM mail AS older"
    " WHERE older.recipient = one.recipient AND older.state = 'queued'"
    " AND older.number < one.number)"
)
FIELDS = ("message_id", "recipient", "subject", "body")
LONGEST = {"message_id": 250, "recipient": 320, "subject": 500, "body": 1_000_000}


def mail_server(content: Content) -> MailServer | None:
    """Return the mail server as the content names it; None: none is configured."""
    body = content.get("mail", "server")
    if body is None:
        return None
    return MailServer(
        host=body["host"],
        port=body["port"],
        sender=body["sender"],
        security=body.get("security", "none"),
        user=body.get("user", ""),
        password=body.get("password", ""),
        html=body.get("html", False),
    )


class MailQueue:
    """Keeps messages until the mail server has taken them.

    Args:
        server: returns the mail server's settings as they are now; None: none is configured.
    """

    def __init__(self, machine: Machine, server: Callable[[], MailServer | None]) -> None:
        self._machine = machine
        self._server = server
        self._bell = machine.calendar.bell()
        self._taken: set[int] = set()  # by the server, and the note of it could not be written
        self._away_tries = 0  # passes in a row that found the server away
        self._away_until: datetime | None = None  # nothing is tried before
        self._database = _opened(machine)
        self._worker = Worker(machine, "mail", self._bell, lambda _due: self._deliver_due())

    @property
    def running(self) -> bool:
        """Whether the queue is at work."""
        return self._worker.running

    def start(self) -> None:
        """Start to deliver."""
        self._worker.start()

    def stop(self) -> None:
        """Stop delivering; what is queued stays queued."""
        self._worker.stop()

    def enqueue(self, mails: Sequence[Any]) -> Mapping[str, int]:
        """Take messages in, all or none.

        Raises:
            Usage: one of them is malformed.
        """
        rows = [_check(mail) for mail in mails]
        now = _stamp(self._machine.calendar.now())
        taken = []
        with self._database.transaction() as connection:
            due = max(now, _stamp(self._away_until)) if self._away_until else now
            for row in rows:
                done = connection.execute(
                    "INSERT OR IGNORE INTO mail (message_id, recipient, subject, body, queued_at,"
                    " due) VALUES (?, ?, ?, ?, ?, ?)",
                    (*row, now, due),
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

    def find(self, message_id: str) -> Mapping[str, Any] | None:
        """Return one message as `list` shows it; None: it was never handed in."""
        return next((one for one in self.list() if one["message_id"] == message_id), None)

    def retry(self) -> int:
        """Try all waiting messages again now; how many there are. Their order stays."""
        now = _stamp(self._machine.calendar.now())
        self._away_until = None
        with self._database.transaction() as connection:
            done = connection.execute(
                "UPDATE mail SET due = min(due, ?) WHERE state = 'queued'", (now,)
            )
        self._bell.ring()
        return done.rowcount

    def close(self) -> None:
        """Close the database."""
        self._database.close()

    def _deliver_due(self) -> datetime | None:
        """Hand over what is due; the instant at which something will be due again."""
        while not self._worker.stopped:
            now = self._machine.calendar.now()
            letter = self._next(now)
            if letter is None:
                rows = self._database.read(
                    f"SELECT min(due) FROM mail AS one WHERE {FIRST_IN_LINE}"  # noqa: S608 - no value of anybody's is in it
                )
                return datetime.fromisoformat(rows[0][0]) if rows[0][0] else None
            try:
                if letter.number not in self._taken:
                    self._submit(letter, now)
            except ConnectionError as error:
                self._defer(letter, "server-away", str(error), now)
            except OSError as error:
                self._defer(letter, "refused", str(error), now)
            else:
                self._away_tries, self._away_until = 0, None
                self._taken.add(letter.number)  # the disk may be full for a while, not for ever
                self._mark(letter, "sent", "")
                self._taken.discard(letter.number)
                self._report("sent", "", letter)
        return None

    def _submit(self, letter: Letter, now: datetime) -> None:
        server = self._server()
        if server is None:
            raise ConnectionError("no mail server is configured (R56)")
        self._machine.submit_mail(server, letter.recipient, compose(letter, server, now))

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
        if away:  # before the update: a message handed in meanwhile meets the one or the other
            self._away_until = until
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
            "SELECT number, message_id, recipient, subject, body, queued_at, tries FROM mail AS one"  # noqa: S608 - no value of anybody's is in it
            f" WHERE {FIRST_IN_LINE} AND due <= ? ORDER BY number LIMIT 1",
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


def _opened(machine: Machine) -> Database:
    """Open the queue; a damaged one is put aside, and a new one begun."""
    try:
        database = opened_or_made(machine.disk, FILE, SCHEMA)
    except DamagedDatabase:
        set_aside(machine, FILE)
        database = opened_or_made(machine.disk, FILE, SCHEMA)
    with database.transaction() as connection:
        connection.execute("CREATE INDEX IF NOT EXISTS line ON mail (recipient, state, number)")
    return database


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
