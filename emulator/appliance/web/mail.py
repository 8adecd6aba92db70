"""Admin > Server > Mail-Server: where mails go, a test, and what became of each (R56)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, redirect, render_template, request
from flask.typing import ResponseReturnValue

from emulator.appliance.commands import mail
from emulator.appliance.kinds import MAIL_ADDRESS
from emulator.appliance.mail_queue import mail_server
from emulator.appliance.web.fields import Wrong, wrong_mail_fields
from emulator.appliance.web.frame import WebFrame
from emulator.appliance.web.listing import sheet

PATH = "/admin/mail"
AWAITING_S = 2


def mail_pages(frame: WebFrame) -> Blueprint:
    """Return the page of the mail server and its queue."""
    pages = Blueprint("mail", __name__, url_prefix=PATH)
    views = _Mail(frame)
    pages.get("")(views.show)
    pages.post("")(views.save)
    pages.post("/test")(views.test)
    pages.post("/retry")(views.retry)
    return pages


class _Mail:
    """The views."""

    def __init__(self, frame: WebFrame) -> None:
        self._frame = frame

    def show(self) -> ResponseReturnValue:
        parts = self._frame.parts
        default = {"port": 25, "sender": mail.DEFAULT_SENDER, "security": "none"}
        server = parts.content.get("mail", "server") or {}
        tested = parts.mail.find(f"<{request.args.get('test', '')}>")
        return self._page({**default, **server}, {}, tested)

    def save(self) -> ResponseReturnValue:
        typed = {
            name: request.form.get(name, "").strip()
            for name in ("host", "port", "sender", "security", "user")
        }
        typed["sender"] = typed["sender"] or mail.DEFAULT_SENDER
        html = "html" in request.form
        wrong = {**self._wrong_password(typed), **wrong_mail_fields(typed, self._frame.say)}
        if wrong:
            return self._page({**typed, "html": html}, wrong), 422
        fields: dict[str, Any] = {**typed, "port": int(typed["port"]), "html": html}
        if request.form.get("password"):
            fields["password"] = request.form["password"]
        mail.set_server(self._frame.parts, fields)
        return redirect(f"{PATH}?saved", 303)

    def _wrong_password(self, typed: Mapping[str, str]) -> Wrong:
        """Ask for the password where the stored one is not meant for this server and user."""
        stored = mail_server(self._frame.parts.content)
        if request.form.get("password") or not typed["user"] or not (stored and stored.password):
            return {}
        if mail.keeps_password(self._frame.parts, typed):
            return {}
        words = self._frame.say(
            "Das gespeicherte Passwort gilt für den bisherigen Server und Benutzer.",
            "The stored password is for the server and user as they were.",
        )
        return {"password": words}

    def test(self) -> ResponseReturnValue:
        recipient = request.form.get("recipient", "").strip()
        if not MAIL_ADDRESS.fullmatch(recipient):
            words = self._frame.say("Genau eine E-Mail-Adresse.", "Exactly one e-mail address.")
            server = self._frame.parts.content.get("mail", "server") or {}
            return self._page({**server, "recipient": recipient}, {"recipient": words}), 422
        message_id = mail.send_test(self._frame.parts, recipient)
        return redirect(f"{PATH}?test={message_id.strip('<>')}#test", 303)

    def retry(self) -> ResponseReturnValue:
        self._frame.parts.mail.retry()
        return redirect(f"{PATH}#queue", 303)

    def _page(
        self, typed: Mapping[str, Any], wrong: Wrong, tested: Mapping[str, Any] | None = None
    ) -> str:
        parts = self._frame.parts
        person = self._frame.person() or {}
        queue = {one["message_id"]: one for one in reversed(parts.mail.list())}
        untried = tested is not None and tested["state"] == "queued" and not tested["tries"]
        return render_template(
            "mail.html",
            configured=parts.content.get("mail", "server") is not None,
            has_password=bool((parts.content.get("mail", "server") or {}).get("password")),
            typed={"recipient": person.get("email") or "", **typed},
            wrong=wrong,
            saved="saved" in request.args,
            tested=tested,
            refresh_s=AWAITING_S if untried else None,
            sheet=sheet(queue, ("recipient", "subject", "state")),
            waiting=sum(one["state"] == "queued" for one in queue.values()),
        )
