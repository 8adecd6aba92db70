"""Umleitungen: an administrator's, for all users, and everybody's own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from flask import Blueprint, abort, render_template, request
from flask import redirect as go_to
from flask.typing import ResponseReturnValue

from emulator.appliance.commands import redirects
from emulator.appliance.refusal import Refusal
from emulator.appliance.web import fields
from emulator.appliance.web.frame import WebFrame
from emulator.appliance.web.listing import sheet


def redirect_pages(frame: WebFrame) -> Blueprint:
    """Return the pages of all users' redirects."""
    return _pages("redirects", frame, "/admin/redirects", lambda: None)


def own_redirect_pages(frame: WebFrame) -> Blueprint:
    """Return the pages of the redirects of whoever asks."""
    return _pages("own_redirects", frame, "/account/redirects", frame.user)


def _pages(name: str, frame: WebFrame, path: str, owner: Callable[[], str | None]) -> Blueprint:
    pages = Blueprint(name, __name__, url_prefix=path)
    views = _Redirects(frame, path, owner)
    pages.get("")(views.list)
    pages.post("")(views.add)
    pages.get("/<key>")(views.show)
    pages.post("/<key>")(views.change)
    pages.post("/<key>/remove")(views.remove)
    return pages


class _Redirects:
    """The views.

    Args:
        frame: around them.
        path: where they are.
        owner: whose redirects they show; None: everybody's.
    """

    def __init__(self, frame: WebFrame, path: str, owner: Callable[[], str | None]) -> None:
        self._frame = frame
        self._path = path
        self._owner = owner

    def list(self) -> ResponseReturnValue:
        return self._list({"when": "ALWAYS"})

    def add(self) -> ResponseReturnValue:
        when, target = request.form.get("when", ""), request.form.get("target", "").strip()
        owner = self._owner()
        user = request.form.get("user", "").strip() if owner is None else owner
        wrong = dict(fields.wrong_redirect_fields(when, target, self._frame.say))
        if self._frame.parts.content.get("users", user) is None:
            wrong["user"] = self._frame.say("Diesen Benutzer gibt es nicht.", "No such user.")
        if wrong:
            return self._list(request.form, wrong), 422
        try:
            redirects.add_redirect(self._frame.parts, user, when, target)
        except Refusal as refused:
            return self._list(request.form, refusal=refused), 409
        return go_to(self._path, 303)

    def show(self, key: str) -> ResponseReturnValue:
        return self._form(key, self._known(key))

    def change(self, key: str) -> ResponseReturnValue:
        present, target = self._known(key), request.form.get("target", "").strip()
        wrong = fields.wrong_redirect_fields(present["when"], target, self._frame.say)
        if wrong:
            return self._form(key, {**present, "target": target}, wrong), 422
        redirects.change_target(self._frame.parts, key, target)
        return go_to(self._path, 303)

    def remove(self, key: str) -> ResponseReturnValue:
        self._known(key)
        redirects.remove_redirect(self._frame.parts, key)
        return go_to(self._path, 303)

    def _known(self, key: str) -> Mapping[str, Any]:
        """Return a redirect that the person may see."""
        body = self._frame.parts.content.get("redirects", key)
        if body is None or self._owner() not in (None, body["user"]):
            abort(404)
        return body

    def _list(
        self,
        typed: Mapping[str, Any],
        wrong: fields.Wrong | None = None,
        refusal: Refusal | None = None,
    ) -> str:
        content, owner = self._frame.parts.content, self._owner()
        found = content.all("redirects")
        if owner is not None:
            found = {key: body for key, body in found.items() if body["user"] == owner}
        return render_template(
            "redirects.html",
            path=self._path,
            owner=owner,
            sheet=sheet(found, ("user", "target", "when")),
            names={login: body["name"] for login, body in content.all("users").items()},
            conditions=redirects.CONDITIONS,
            typed=typed,
            wrong=wrong or {},
            trouble=self._frame.told(refusal),
        )

    def _form(self, key: str, typed: Mapping[str, Any], wrong: fields.Wrong | None = None) -> str:
        return render_template(
            "redirect.html", path=self._path, key=key, typed=typed, wrong=wrong or {}
        )
