"""The frame around all pages: session, roles, protection against forged requests, language.

Every path under `/admin` needs an administrator and every POST the session's token,
whoever brings the page: a module cannot forget it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar
from urllib.parse import quote

import flask
from flask import Response, abort, g, redirect, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException

from emulator.appliance.commands.reading import role
from emulator.appliance.modules import Language, Tab
from emulator.appliance.parts import Parts
from emulator.appliance.reports import report
from emulator.appliance.web.sessions import Brake, Session, Sessions

COOKIE = "session"
LANGUAGE_COOKIE = "lang"
ADVANCED = "/admin/advanced"
OPEN_PATHS = ("/login", "/static/")
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}

View = TypeVar("View", bound=Callable[..., ResponseReturnValue])


class WebFrame:
    """What pages may ask of the frame, within a request.

    Modules get it for their blueprint; it also stands in `app.extensions["appliance"]`.
    """

    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        self.sessions = Sessions(parts.machine)
        self.brake = Brake(parts.machine)

    def require_admin(self, view: View) -> View:
        """Wrap a view: whoever is no administrator is sent to the login or refused (F10)."""

        @wraps(view)
        def guarded(*args: Any, **kwargs: Any) -> ResponseReturnValue:
            refused = self._refuse_stranger()
            return view(*args, **kwargs) if refused is None else refused

        return guarded  # type: ignore[return-value]  # wraps keeps the view's signature

    def csrf_token(self) -> str:
        """Return the token that a form carries in its hidden field `csrf_token`."""
        session = self.session()
        return "" if session is None else session.csrf

    def check_csrf(self) -> None:
        """End the request with an error unless its form carries the session's token."""
        session = self.session()
        if session is None or not session.owns(request.form.get("csrf_token", "")):
            report(self.parts.machine, "login", "forged", by=self.user(), path=request.path)
            abort(403, self.say("Das Formular ist abgelaufen.", "The form has expired."))

    def language(self) -> Language:
        """Return the language of the person who asks: chosen, remembered, or the browser's."""
        for wish in (request.args.get("lang"), request.cookies.get(LANGUAGE_COOKIE)):
            if wish in ("de", "en"):
                return "de" if wish == "de" else "en"
        return "en" if request.accept_languages.best_match(["de", "en"]) == "en" else "de"

    def say(self, german: str, english: str) -> str:
        """Return the text in the person's language."""
        return german if self.language() == "de" else english

    def user(self) -> str:
        """Return the login of the person who asks, "" before the login."""
        session = self.session()
        return "" if session is None or self.person() is None else session.login

    def session(self) -> Session | None:
        """Return this browser's session."""
        if "session" not in g:
            g.session = self.sessions.find(request.cookies.get(COOKIE, ""))
        found: Session | None = g.session
        return found

    def person(self) -> dict[str, Any] | None:
        """Return the user who asks, as the content has him now; None: nobody, or removed."""
        session = self.session()
        if session is None or not session.login:
            return None
        return self.parts.content.get("users", session.login)

    def is_admin(self) -> bool:
        """Whether an administrator asks."""
        session = self.session()
        return session is not None and self.administrator(session.login)

    def administrator(self, login: str) -> bool:
        """Whether a login is an administrator's, as the content has it now."""
        person = self.parts.content.get("users", login) if login else None
        return person is not None and "administrator" in person["permissions"]

    def guard(self) -> ResponseReturnValue | None:
        """Before every request: who may see this, and is the form ours?"""
        if request.path.startswith(OPEN_PATHS):
            return None
        if self.person() is None or request.path.startswith("/admin"):
            refused = self._refuse_stranger()
            if refused is not None:
                return refused
        if request.method == "POST":
            self.check_csrf()
        return None

    def _refuse_stranger(self) -> ResponseReturnValue | None:
        if self.person() is None:
            if request.method == "POST":
                report(self.parts.machine, "login", "no-session", by="", path=request.path)
                abort(403, self.say("Bitte melden Sie sich an.", "Please log in."))
            return redirect(f"/login?next={quote(request.full_path.rstrip('?'))}", 303)
        if not self.is_admin():
            report(self.parts.machine, "login", "forbidden", by=self.user(), path=request.path)
            abort(403, self.say("Das darf nur ein Administrator.", "Only administrators may."))
        return None

    def finish(self, response: Response) -> Response:
        """After every request: headers, and the chosen language."""
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        if not request.path.startswith("/static/"):
            response.headers["Cache-Control"] = "no-store"
        if request.args.get("lang") in ("de", "en"):
            response.set_cookie(
                LANGUAGE_COOKIE, self.language(), httponly=True, samesite="Lax", max_age=31536000
            )
        return response

    def context(self) -> dict[str, Any]:
        """Return what every template knows."""
        facts = self.parts.identity.facts()
        return {
            "frame": self,
            "say": self.say,
            "csrf_token": self.csrf_token,
            "language": self.language(),
            "appliance": facts,
            "role": role(facts, self.parts),
            "tabs": self.tabs(),
        }

    def tabs(self) -> list[Tab]:
        """Return the row of tabs of Admin > Erweiterte Einstellungen, on its pages."""
        if not request.path.startswith(ADVANCED):
            return []
        module = self.parts.module
        brought = () if module is None else module.tabs(self.language())
        return [
            Tab(ADVANCED, self.say("Netzwerk", "Network"), "advanced"),
            Tab(f"{ADVANCED}/licences", self.say("Lizenzen", "Licences"), "advanced"),
            *(tab for tab in brought if tab.place == "advanced"),
        ]

    def fail(self, error: HTTPException) -> tuple[str, int]:
        """Show an error in the frame."""
        code = error.code or 500
        words = error.description or ""
        if code == 404:  # noqa: PLR2004 - HTTP's "not found"; werkzeug's own text is English only
            words = self.say("Diese Seite gibt es nicht.", "There is no such page.")
        return flask.render_template("error.html", code=code, words=words), code
