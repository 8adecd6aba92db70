"""Meine Daten: what every user may see and change of himself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, redirect, render_template, request
from flask.typing import ResponseReturnValue

from emulator.appliance import passwords
from emulator.appliance.commands import users
from emulator.appliance.web import fields
from emulator.appliance.web.frame import WebFrame

PATH = "/account"


def account_pages(frame: WebFrame) -> Blueprint:
    """Return the page of whoever asks."""
    pages = Blueprint("account", __name__, url_prefix=PATH)

    def show(typed: Mapping[str, Any], wrong: fields.Wrong) -> str:
        return render_template(
            "account.html",
            person=frame.person(),
            login=frame.user(),
            typed=typed,
            wrong=wrong,
            saved="saved" in request.args,
        )

    @pages.get("")
    def account() -> ResponseReturnValue:
        person = frame.person() or {}
        return show({**person, "email": person.get("email") or ""}, {})

    @pages.post("")
    def change() -> ResponseReturnValue:
        person = frame.person() or {}
        changed = {
            "email": request.form.get("email", "").strip() or None,
            "language": request.form.get("language", "de"),
        }
        wrong = {
            **fields.wrong_user_fields({**person, **changed}, frame.say),
            **_wrong_new_password(frame, person),
        }
        if wrong:
            return show(request.form, wrong), 422
        users.change_user(frame.parts, frame.user(), changed)
        password = request.form.get("password", "")
        if password:
            users.set_password(frame.parts, frame.user(), password)
            frame.end_other_sessions(frame.user())
        return redirect(f"{PATH}?saved", 303)

    return pages


def _wrong_new_password(frame: WebFrame, person: Mapping[str, Any]) -> fields.Wrong:
    password, again = (request.form.get(one, "") for one in ("password", "password_again"))
    if not password and not again:
        return {}
    client, login = request.remote_addr or "", frame.user()
    if frame.brake.wait_s(client, login) > 0:
        words = frame.say("Zu viele Fehlversuche. Bitte warten.", "Too many attempts. Please wait.")
        return {"password_now": words}
    stored = str(person.get("password") or "")
    if not passwords.matches(stored, request.form.get("password_now", "")):
        frame.brake.failed(client, login)
        return {"password_now": frame.say("Das Passwort ist falsch.", "The password is wrong.")}
    return fields.wrong_password(password, again, frame.say)
