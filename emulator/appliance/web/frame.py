"""The frame around all pages: session, roles, protection against forged requests, language.

Every path under `/admin` needs an administrator and every POST the session's token,
whoever brings the page: a module cannot forget it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial, wraps
from typing import Any, TypeVar
from urllib.parse import quote
from zoneinfo import ZoneInfo

import flask
from flask import Response, abort, g, redirect, request
from flask.typing import ResponseReturnValue
from jinja2.filters import do_filesizeformat
from werkzeug.exceptions import HTTPException

from emulator.appliance import setup_guide
from emulator.appliance.commands.reading import role
from emulator.appliance.databases import kept_aside
from emulator.appliance.modules import Language, Tab
from emulator.appliance.parts import Parts
from emulator.appliance.refusal import Refusal
from emulator.appliance.reports import report
from emulator.appliance.setup_guide import Guide, Step
from emulator.appliance.web import navigation
from emulator.appliance.web.navigation import ADVANCED, LOG
from emulator.appliance.web.refusals import Trouble, trouble
from emulator.appliance.web.sessions import Brake, Session

COOKIE = "session"
LANGUAGE_COOKIE = "lang"
LANGUAGES: tuple[Language, ...] = ("de", "en")
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
        self.sessions = parts.sessions
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
        """Return the person's language: chosen, remembered, his own, or the browser's."""
        own = _language((self.person() or {}).get("language"))
        accepted = _language(request.accept_languages.best_match(LANGUAGES))
        return self._chosen_language() or own or accepted or "de"

    def _chosen_language(self) -> Language | None:
        """Return the language that was chosen in this browser, on this page or before."""
        chosen = _language(request.args.get("lang"))
        return chosen or _language(request.cookies.get(LANGUAGE_COOKIE))

    def elsewhere(self, address: str, path: str) -> str:
        """Return the URL of a page at an address that this appliance will have in a moment.

        Cookies stay behind, so the language that was chosen goes along.
        """
        chosen = self._chosen_language()
        return f"http://{address}{path}" + (f"?lang={chosen}" if chosen else "")

    def say(self, german: str, english: str) -> str:
        """Return the text in the person's language."""
        return _said(self.language(), german, english)

    def told(self, refusal: Refusal | None) -> Trouble | None:
        """Put a refusal into the person's language."""
        return None if refusal is None else trouble(refusal, self.language())

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

    def guide(self) -> Guide:
        """Return where the set-up of the pair stands on this appliance."""
        parts = self.parts
        configured = parts.content.get("modules", setup_guide.MODULE)
        return setup_guide.guide(
            parts.identity.facts(),
            None if configured is None else configured["values"],
            backed_up=any(one["complete"] for one in parts.backups.list()),
        )

    def pending_steps(self) -> Sequence[Step]:
        """Return what of the set-up may be done on the page that is shown (R16)."""
        if not request.path.startswith("/admin") or not self.is_admin():
            return ()
        found = self.guide()
        if found.place is None:
            return [one for one in found.steps if one.path == request.path and not one.done]
        following = found.following
        return [following] if following and following.path == request.path else []

    def local(self, instant: str) -> str:
        """Return an instant (ISO 8601) as the clock on the wall of this appliance shows it."""
        zone = ZoneInfo(self.parts.identity.facts().zone)
        return f"{datetime.fromisoformat(instant).astimezone(zone):%Y-%m-%d %H:%M:%S}"

    def size(self, count: int) -> str:
        """Return a number of bytes for people, with the decimal sign of their language."""
        shown = do_filesizeformat(count)
        return shown.replace(".", ",") if self.language() == "de" else shown

    def end_other_sessions(self, login: str) -> None:
        """Log a user out everywhere but in this browser: his password has changed."""
        session = self.session()
        self.sessions.close_all_of(login, "" if session is None else session.key)

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
        if _language(request.args.get("lang")):
            response.set_cookie(
                LANGUAGE_COOKIE, self.language(), httponly=True, samesite="Lax", max_age=31536000
            )
        return response

    def context(self) -> dict[str, Any]:
        """Return what every template knows."""
        facts = self.parts.identity.facts()
        language = self.language()
        say = partial(_said, language)  # a page is of one language, asked for once
        menu = self.menu(say)
        return {
            "frame": self,
            "menu": menu,
            "place": navigation.place(menu, request.path),
            "say": say,
            "local": self.local,
            "size": self.size,
            "pending_steps": self.pending_steps(),
            "csrf_token": self.csrf_token,
            "language": language,
            "appliance": facts,
            "kept_aside": kept_aside(self.parts.machine.disk),
            "role": role(facts, self.parts),
            "tabs": self.tabs(),
        }

    def menu(self, say: navigation.Say) -> Sequence[navigation.Section]:
        """Return the menu of the person who asks."""
        if self.person() is None:
            return ()
        own = navigation.own(say)
        return (*navigation.administration(say), *own) if self.is_admin() else own

    def tabs(self) -> list[Tab]:
        """Return the row of tabs of Admin > Erweiterte Einstellungen, on its pages."""
        if not request.path.startswith(ADVANCED):
            return []
        module = self.parts.module
        brought = () if module is None else module.tabs(self.language())
        return [
            *(tab for tab in brought if tab.place == "advanced"),
            Tab(LOG, self.say("Protokoll", "Log"), "advanced"),
        ]

    def fail(self, error: HTTPException) -> tuple[str, int]:
        """Show an error in the frame."""
        code = error.code or 500
        words = error.description or ""
        if code == 404:  # noqa: PLR2004 - HTTP's "not found"; werkzeug's own text is English only
            words = self.say("Diese Seite gibt es nicht.", "There is no such page.")
        return flask.render_template("error.html", code=code, words=words), code


def _language(wish: str | None) -> Language | None:
    """Return a wish if the pages speak that language."""
    return next((one for one in LANGUAGES if one == wish), None)


def _said(language: Language, german: str, english: str) -> str:
    return german if language == "de" else english
