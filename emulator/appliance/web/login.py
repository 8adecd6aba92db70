"""Login and logout."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint, Response, make_response, redirect, render_template, request
from flask.typing import ResponseReturnValue

from emulator.appliance import passwords
from emulator.appliance.reports import report
from emulator.appliance.web.frame import COOKIE, WebFrame
from emulator.appliance.web.sessions import Session


def login_pages(frame: WebFrame) -> Blueprint:
    """Return the way in and out."""
    pages = Blueprint("login", __name__)

    @pages.get("/")
    def home() -> ResponseReturnValue:
        return redirect("/admin/status" if frame.is_admin() else "/account", 303)

    @pages.get("/login")
    def login() -> ResponseReturnValue:
        return _login_page(frame, "", 200)

    @pages.post("/login")
    def enter() -> ResponseReturnValue:
        return _enter(frame)

    @pages.post("/logout")
    def leave() -> ResponseReturnValue:
        frame.sessions.close(request.cookies.get(COOKIE, ""))
        response = redirect("/login", 303)
        response.delete_cookie(COOKIE)
        return response

    return pages


def _login_page(frame: WebFrame, trouble: str, status: int) -> Response:
    """Show the form; its token belongs to a session that nobody is logged in to."""
    session = frame.session() or frame.sessions.open("")
    page = render_template(
        "login.html", trouble=trouble, token=session.csrf, next=_target(), login=_typed_login()
    )
    response = make_response(page, status)
    _set_cookie(response, session)
    return response


def _enter(frame: WebFrame) -> ResponseReturnValue:
    session = frame.session()
    if session is None or not session.owns(request.form.get("csrf_token", "")):
        _report(frame, "forged")
        trouble = frame.say(
            "Das Formular ist abgelaufen. Bitte noch einmal.", "The form has expired. Please again."
        )
        return _login_page(frame, trouble, 403)
    client, login = request.remote_addr or "", _typed_login()
    wait_s = frame.brake.wait_s(client, login)
    if wait_s > 0:
        _report(frame, "rate-limited")
        trouble = frame.say(
            f"Zu viele Fehlversuche. Bitte {wait_s:.0f} Sekunden warten.",
            f"Too many attempts. Please wait for {wait_s:.0f} seconds.",
        )
        response = _login_page(frame, trouble, 429)
        response.headers["Retry-After"] = str(int(wait_s) + 1)
        return response
    person = frame.parts.content.get("users", login)
    stored = str((person or {}).get("password") or "")
    if not passwords.matches(stored, request.form.get("password", "")):
        frame.brake.failed(client, login)
        _report(frame, "refused")
        trouble = frame.say(
            "Benutzer oder Passwort ist falsch.", "The login or the password is wrong."
        )
        return _login_page(frame, trouble, 401)
    frame.brake.passed(client, login)
    frame.sessions.close(session.key)
    _report(frame, "accepted")
    answer = redirect(_target() or "/", 303)
    _set_cookie(answer, frame.sessions.open(login))
    return answer


def _typed_login() -> str:
    """Return the login as typed; what is none (a password, say) goes nowhere."""
    typed = request.form.get("login", "").strip()
    return typed if re.fullmatch(r"[0-9]{1,10}", typed) else ""


def _target() -> str:
    """Return where to go after the login: a page of this appliance, nothing else."""
    wish = request.values.get("next", "")
    parts = urlsplit(wish)
    local = not parts.scheme and not parts.netloc and wish.startswith("/")
    return wish if local and not wish.startswith("//") and "\\" not in wish else ""


def _set_cookie(response: Any, session: Session) -> None:
    response.set_cookie(COOKIE, session.key, httponly=True, samesite="Lax")


def _report(frame: WebFrame, cause: str) -> None:
    who = {"by": _typed_login(), "client": request.remote_addr or ""}
    report(frame.parts.machine, "login", cause, **who)
