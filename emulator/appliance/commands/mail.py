"""Commands of the mail server and the mail queue (R56, M1)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, BinaryIO

from emulator.appliance.commands import entering
from emulator.appliance.commands.grammar import Arguments, Command, document, read_all
from emulator.appliance.entities import Entity
from emulator.appliance.kinds import MAIL_ADDRESS
from emulator.appliance.parts import Parts
from emulator.appliance.refusal import Usage

DEFAULT_SENDER = "pbx@example.com"
SECURITY = ("none", "starttls", "tls")
HOST = re.compile(r"(?=.{1,253}$)[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9-]+)*")


def keeps_password(parts: Parts, fields: Mapping[str, Any]) -> bool:
    """Tell whether the stored password is meant for these settings: the same server and user.

    Whoever enters another server must not have it handed the password of the one before.
    """
    present = parts.content.get("mail", "server") or {}
    return all(present.get(name) == fields[name] for name in ("host", "user"))


def set_server(parts: Parts, fields: Mapping[str, Any]) -> None:
    """Configure the mail server; without a password the present one stays with its server.

    What waits is tried at once: it may have waited for just this change.

    Args:
        parts: of the appliance.
        fields: host, port, sender, security, user, html; password, if it changes.

    Raises:
        Refusal: `usage`.
    """
    if not HOST.fullmatch(fields["host"]):
        raise Usage(f"{fields['host'][:40]!r} is no host name and no address")
    present = parts.content.get("mail", "server") or {}
    stays = bool(fields["user"]) and keeps_password(parts, fields)
    body = {**present, "password": present.get("password", "") if stays else "", **fields}
    entering.put(parts, Entity("mail", "server", body), "mail set")
    if body != present:
        parts.mail.retry()


def send_test(parts: Parts, recipient: str) -> str:
    """Queue a test mail; its Message-ID, by which the queue tells what became of it.

    Raises:
        Refusal: `usage` when the recipient is no address.
    """
    if not MAIL_ADDRESS.fullmatch(recipient):
        raise Usage(f"{recipient[:40]!r} is no e-mail address")
    server = parts.content.get("mail", "server") or {"sender": DEFAULT_SENDER}
    facts = parts.identity.facts()
    domain = server["sender"].rpartition("@")[2]
    message_id = f"<test-{parts.machine.entropy(8).hex()}@{domain}>"
    lines = [
        f"Dies ist eine Testmail der Anlage {facts.name} ({facts.network.address}).",
        "Sie wurde auf der Seite Mail-Server oder mit appliancectl angefordert.",
        "",
        f"This is a test mail of the appliance {facts.name} ({facts.network.address}).",
        "It was asked for on the page Mail server, or by appliancectl.",
    ]
    mail = {
        "message_id": message_id,
        "recipient": recipient,
        "subject": f"Testmail: {facts.name}",
        "body": "\n".join(lines),
    }
    parts.mail.enqueue([mail])
    return message_id


def _mail_enqueue(parts: Parts, _arguments: Arguments, stdin: BinaryIO) -> Mapping[str, Any]:
    mails = document(stdin)
    if not isinstance(mails, list):
        raise Usage("mails must be a JSON list")
    return parts.mail.enqueue(mails)


def _mail_set(parts: Parts, arguments: Arguments, stdin: BinaryIO) -> Mapping[str, Any]:
    """The password comes on standard input, so that it shows in no list of processes."""
    fields: dict[str, Any] = {
        "host": arguments.text("--host"),
        "port": arguments.number("--port", "25"),
        "sender": arguments.text("--sender", DEFAULT_SENDER),
        "security": arguments.text("--security", "none"),
        "user": arguments.text("--user", ""),
        "html": "--html" in arguments.flags,
    }
    if fields["user"]:
        fields["password"] = read_all(stdin).decode("utf-8", "replace").rstrip("\n")
    set_server(parts, fields)
    return {}


def _mail_test(parts: Parts, arguments: Arguments, _stdin: BinaryIO) -> Mapping[str, Any]:
    return {"message_id": send_test(parts, arguments.text("ADDRESS"))}


def _mail_retry(parts: Parts, _arguments: Arguments, _stdin: BinaryIO) -> Mapping[str, Any]:
    return {"waiting": parts.mail.retry()}


COMMANDS = (
    Command("mail enqueue", "", "queue mails from standard input", _mail_enqueue),
    Command(
        "mail set",
        "--host HOST [--port N] [--sender ADDRESS] [--security none|starttls|tls] [--user NAME]"
        " [--html]",
        "configure the mail server; with --user its password comes on standard input",
        _mail_set,
    ),
    Command("mail test", "ADDRESS", "queue a test mail; see mail list", _mail_test),
    Command("mail retry", "", "try all waiting mails again now", _mail_retry),
)
